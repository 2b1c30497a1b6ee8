# The API needs nothing of Vault. Where each process has an identity there, the API's reads nothing.
path "*" {
  capabilities = ["deny"]
}
