"""Servers that stand elsewhere and replace our own, as the environment says."""

from collections.abc import Mapping
from dataclasses import dataclass

from devstack.errors import DevstackError

SETTINGS = {
    "DEVSTACK_DATABASE_ADMIN_URL": "PostgreSQL: libpq URL of a superuser (roles and a database are made)",
    "DEVSTACK_TEMPORAL_ADDRESS": "Temporal: host:port (search attributes are registered)",
    "DEVSTACK_VAULT_URL": "Vault: base address; needs DEVSTACK_VAULT_TOKEN",
    "DEVSTACK_VAULT_TOKEN": "Vault: a token that may mount, and write policies and roles",
    "DEVSTACK_INTEGRATION_URL": "integration-service: base address; needs the two below",
    "DEVSTACK_INTEGRATION_ADMIN_TOKEN": "integration-service: registers accounts",
    "DEVSTACK_INTEGRATION_JWT_SECRET": "integration-service: the secret with which it verifies tokens",
}


@dataclass(frozen=True)
class External:
    """Where the servers are that we do not start; None: ours."""

    database_admin_url: str | None = None
    temporal_address: str | None = None
    vault_url: str | None = None
    vault_token: str | None = None
    integration_url: str | None = None
    integration_admin_token: str | None = None
    integration_jwt_secret: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "External":
        """Read DEVSTACK_… settings; DevstackError when one lacks its companion."""
        given = {name.removeprefix("DEVSTACK_").lower(): environment.get(name) or None for name in SETTINGS}
        external = cls(**given)
        if external.vault_url and not external.vault_token:
            raise DevstackError("DEVSTACK_VAULT_URL needs DEVSTACK_VAULT_TOKEN")
        if external.integration_url and not (external.integration_admin_token and external.integration_jwt_secret):
            companions = "DEVSTACK_INTEGRATION_ADMIN_TOKEN and DEVSTACK_INTEGRATION_JWT_SECRET"
            raise DevstackError(f"DEVSTACK_INTEGRATION_URL needs {companions}")
        return external
