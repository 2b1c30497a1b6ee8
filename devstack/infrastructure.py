"""PostgreSQL, Temporal, Vault and the services beside ours together: started here, or those that stand elsewhere."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from devstack.database import DATABASE, Cluster, derived_passwords
from devstack.errors import DevstackError
from devstack.external import External
from devstack.integration_client import IntegrationAdmin, IntegrationServer
from devstack.parsing_client import ParsingServer
from devstack.postgres import Postgres
from devstack.postgres_files import write_private
from devstack.progress import Progress
from devstack.server import Server, start_all, stop_all
from devstack.state import State
from devstack.temporal import TemporalServer, register_search_attributes
from devstack.vault import Vault, VaultServer


@dataclass(frozen=True)
class Secrets:
    """What the devstack's parts share; kept with the state."""

    jwt_secret: str
    integration_admin_token: str

    @classmethod
    def of(cls, state: State, external: External) -> "Secrets":
        """Read them, or make them for a new state; those of an external integration-service go first."""
        path = state.folder / "secrets.json"
        if not path.exists():
            made = cls(jwt_secret=secrets.token_urlsafe(32), integration_admin_token=secrets.token_urlsafe(32))
            write_private(path, json.dumps(asdict(made)))
        kept = cls(**json.loads(path.read_text()))
        return cls(
            external.integration_jwt_secret or kept.jwt_secret,
            external.integration_admin_token or kept.integration_admin_token,
        )


class Infrastructure:
    """The five servers that our programs need. What stands elsewhere is left alone at the end."""

    def __init__(
        self,
        state: State,
        external: External,
        ports: Mapping[str, int],
        *,
        durable: bool = True,
        temporal_ui: bool = True,
    ) -> None:
        """`ports`: those of an earlier run, as `ports` gave them; taken again where they are free."""
        self.secrets = Secrets.of(state, external)
        self._external = external
        # A database of its own for each passing run: an external cluster may serve several at a time.
        self.database = DATABASE if state.kept else f"{DATABASE}_{secrets.token_hex(4)}"
        self.postgres = self._postgres(state, ports, durable=durable)
        self.temporal = self._temporal(state, ports, ui=temporal_ui)
        self.vault_server = self._vault(state, ports)
        self.integration_server = self._integration(state, ports)
        self.parsing = ParsingServer(
            state.logs / "parsing-service.log",
            folder=state.folder / "parsed_data",
            jwt_secret=self.secrets.jwt_secret,
            admin_token=self.secrets.integration_admin_token,
            port=ports.get("parsing-service"),
        )
        # PostgreSQL last: making its data folder takes a while, in which the others come up.
        every = (self.temporal, self.vault_server, self.integration_server, self.parsing, self.postgres)
        self.servers: list[Server] = [server for server in every if server is not None]
        self._drop_database = False

    def start(self, progress: Progress) -> None:
        """Start what is ours, prepare what is not. DevstackError."""
        with progress.group([server.name for server in self.servers]) as group:
            start_all(self.servers, lambda server: group.done(server.name))
        if self._external.temporal_address:
            register_search_attributes(self._external.temporal_address)
        if self._external.vault_url:
            self.vault.prepare()
        if self.postgres is None:
            self._prepare_elsewhere()

    def stop(self) -> None:
        """Stop what is ours."""
        if self._drop_database:
            self.cluster.drop_database(self.database)
        stop_all(self.servers)

    @property
    def ports(self) -> dict[str, int]:
        """The first port of each server by name, and that of the Web UI."""
        found = {server.name: server.ports[0] for server in self.servers}
        if self.temporal is not None and self.temporal.ui_url:
            found["Temporal UI"] = self.temporal.ports[2]
        return found

    @property
    def cluster(self) -> Cluster:
        """PostgreSQL's roles and databases."""
        if self.postgres is not None:
            return self.postgres.cluster
        url = _given(self._external.database_admin_url)
        return Cluster(url, derived_passwords(url))

    @property
    def temporal_address(self) -> str:
        """`host:port`."""
        return self.temporal.address if self.temporal else _given(self._external.temporal_address)

    @property
    def vault(self) -> Vault:
        """Vault, as its administrator sees it."""
        return self._elsewhere if self.vault_server is None else self.vault_server.vault

    @property
    def integration(self) -> IntegrationAdmin:
        """integration-service's administration."""
        if self.integration_server is not None:
            return self.integration_server.admin
        return IntegrationAdmin(_given(self._external.integration_url), self.secrets.integration_admin_token)

    def _postgres(self, state: State, ports: Mapping[str, int], *, durable: bool) -> Postgres | None:
        if self._external.database_admin_url:
            return None
        self.database = DATABASE
        return Postgres(state.postgres_home, durable=durable, port=ports.get("PostgreSQL"))

    def _temporal(self, state: State, ports: Mapping[str, int], *, ui: bool) -> TemporalServer | None:
        if self._external.temporal_address:
            return None
        return TemporalServer(
            state.logs / "temporal.log",
            database=state.folder / "temporal.db",
            ui=ui,
            port=ports.get("Temporal"),
            ui_port=ports.get("Temporal UI"),
        )

    def _vault(self, state: State, ports: Mapping[str, int]) -> VaultServer | None:
        if self._external.vault_url:
            self._elsewhere = Vault(self._external.vault_url, _given(self._external.vault_token))
            return None
        folder = state.folder / "vault" if state.kept else None
        return VaultServer(state.logs / "vault.log", folder=folder, port=ports.get("Vault"))

    def _integration(self, state: State, ports: Mapping[str, int]) -> IntegrationServer | None:
        if self._external.integration_url:
            return None
        return IntegrationServer(
            state.logs / "integration-service.log",
            state_file=state.folder / "integration.json",
            jwt_secret=self.secrets.jwt_secret,
            admin_token=self.secrets.integration_admin_token,
            port=ports.get("integration-service"),
        )

    def _prepare_elsewhere(self) -> None:
        if not self.cluster.answers():
            raise DevstackError("PostgreSQL at DEVSTACK_DATABASE_ADMIN_URL does not answer")
        self.cluster.make_roles()
        self.cluster.ensure_database(self.database)
        self._drop_database = self.database != DATABASE


def _given(setting: str | None) -> str:
    assert setting is not None  # External.read has seen to it
    return setting
