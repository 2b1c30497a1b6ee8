# A token of the token role `invite-owner` reads the secrets of the one owner whose name it was made with, and lists nothing.
# TOKEN_ACCESSOR is that of the token auth method (`vault read -field=accessor sys/auth/token`); setup.sh puts it in.
path "secret/data/owners/{{identity.entity.aliases.TOKEN_ACCESSOR.name}}/*" {
  capabilities = ["read"]
}
