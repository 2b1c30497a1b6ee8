# One node that keeps what it has. It comes up sealed: docs/operations.md, "Vault".
storage "raft" {
  path    = "/openbao/file"
  node_id = "one"
}
listener "tcp" {
  address     = "0.0.0.0:8200"
  tls_disable = true # inside the compose network only
}
api_addr     = "http://vault:8200"
cluster_addr = "http://vault:8201"
# Who asked for which secret, its values hashed: in the container's log. Without a place to write it, Vault answers nothing.
audit "file" "log" {
  options = { file_path = "stdout" }
}
