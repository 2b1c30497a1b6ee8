# What the worker's token may do: read the credentials of accounts. It writes nothing and lists nothing.
path "secret/data/owners/*" {
  capabilities = ["read"]
}
