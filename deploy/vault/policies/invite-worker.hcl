# A worker's own token reads no secret. It makes tokens of the token role `invite-owner`, for one owner each: nothing but the
# owner's name may be asked for, and no name that a policy would take for a wildcard or for a deeper path.
path "auth/token/create/invite-owner" {
  capabilities        = ["update"]
  required_parameters = ["entity_alias"]
  allowed_parameters  = { "entity_alias" = [] }
  denied_parameters   = { "entity_alias" = ["", "*+*", "***", "*/*"] }
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}
