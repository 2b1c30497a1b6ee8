#!/bin/sh
# Makes our policies and roles in Vault, or brings them up to date. Run it as an administrator: `vault` or `bao` must be
# logged in (VAULT_ADDR and VAULT_TOKEN, or BAO_ADDR and BAO_TOKEN). docs/runbook.md, "Vault", tells what follows.
set -eu
cd "$(dirname "$0")"
vault=$(command -v vault || command -v bao) || { echo "setup.sh: needs the command vault or bao" >&2; exit 1; }

"$vault" secrets list | grep -q '^secret/' || "$vault" secrets enable -path=secret -version=2 kv
"$vault" auth list | grep -q '^approle/' || "$vault" auth enable approle

accessor=$("$vault" read -field=accessor sys/auth/token)
for file in policies/*.hcl; do
    sed "s/TOKEN_ACCESSOR/$accessor/" "$file" | "$vault" policy write "$(basename "$file" .hcl)" -
done
for file in approle/*.json; do
    "$vault" write "auth/approle/role/$(basename "$file" .json)" "@$file"
done
for file in token-role/*.json; do
    "$vault" write "auth/token/roles/$(basename "$file" .json)" "@$file"
done
