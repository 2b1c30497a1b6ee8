"""The accounts' credentials in Vault (KV v2): read when an account is opened, kept nowhere here."""

import hvac
import structlog
from hvac.exceptions import InvalidPath

from domain.account import Credentials
from domain.errors import NotFound
from domain.secret_path import belongs_to
from storage.vault import OwnerTokens, Refused, Vault

_log = structlog.get_logger("error")


class VaultCredentials:
    """The `CredentialStore`. Each owner's secrets are read with a token that reads nothing else."""

    def __init__(self, vault: Vault, tokens: OwnerTokens, mount: str) -> None:
        self._vault = vault
        self._tokens = tokens
        self._mount = mount

    async def read(self, owner: str, path: str, version: int) -> Credentials:
        """The secret's fields, as they are now. Raises `Unavailable`, or `NotFound` where the owner has none there."""
        if not belongs_to(owner, path):
            _log.error("vault_path_refused", owner=owner, do="integration-service must name a path of this owner's")
            raise NotFound("secret")
        try:
            return await self._read(owner, path)
        except Refused:
            _log.error("vault_refuses", owner=owner, do="run deploy/vault/setup.sh: docs/runbook.md, Vault")
            raise

    def forget(self, owner: str, path: str) -> None:
        """Nothing is kept here."""

    async def _read(self, owner: str, path: str) -> Credentials:
        token = await self._tokens.get(owner)
        try:
            return await self._vault.ask(lambda client: self._secret(client, path), token)
        except Refused:
            token = await self._tokens.instead_of(token, owner)
            return await self._vault.ask(lambda client: self._secret(client, path), token)

    def _secret(self, client: hvac.Client, path: str) -> Credentials:
        try:
            secret = client.secrets.kv.v2.read_secret_version(
                path=path, mount_point=self._mount, raise_on_deleted_version=True
            )
        except InvalidPath as error:
            if error.errors:  # of Vault's, such as that nothing is mounted there: no account's fault
                raise
            raise NotFound("secret") from None
        return {str(name): str(value) for name, value in secret["data"]["data"].items()}
