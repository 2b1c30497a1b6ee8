"""The whole: the servers, the migrated database, our API and workers, and the keys to all of it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from devstack import prometheus
from devstack.external import External
from devstack.infrastructure import Infrastructure
from devstack.programs import Api, DataCentre, Worker, migrate
from devstack.progress import Progress
from devstack.prometheus import Prometheus
from devstack.server import Server, start_all, stop_all
from devstack.state import State, temporary_state
from devstack.temporal import NAMESPACE
from devstack.tokens import ALGORITHM, HOUR, ISSUER, Issuer
from devstack.vault import MOUNT, WORKER

TASK_QUEUE = "invite"
Role = Literal["owner", "api", "worker"]


class Stack:
    """Everything that a campaign needs on this machine. A context manager: leaving it stops all of it.

    Use it in the main thread: children end with the thread that started them.
    """

    def __init__(
        self,
        state: State,
        *,
        workers: int = 2,
        api: bool = True,
        durable: bool = True,
        temporal_ui: bool = True,
        limits_file: Path | None = None,
        settings: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
        external: External | None = None,
        watched: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """`settings`: more INVITE_… for our processes; `ports`: those of an earlier run; `external`: by
        default as the environment says. `durable=False`: PostgreSQL without fsync. `watched`: our processes answer
        their metrics, and Prometheus scrapes them where it is there.
        """
        self.state = state
        self.progress = progress or Progress(quiet=True)
        self.workers: list[Worker] = []
        self.api: Api | None = None
        self.data_centre: DataCentre | None = None
        self.prometheus: Prometheus | None = None
        self._ports = ports or {}
        external = External.read(os.environ) if external is None else external
        self.infrastructure = Infrastructure(state, external, self._ports, durable=durable, temporal_ui=temporal_ui)
        self._issuer = Issuer(self.infrastructure.secrets.jwt_secret)
        self._wanted_workers, self._wants_api, self._watched = workers, api, watched
        self._settings = dict(settings or {}) | ({"INVITE_LIMITS_FILE": str(limits_file)} if limits_file else {})

    def __enter__(self) -> Self:
        """Start the servers, migrate, start the API and the workers. DevstackError; nothing stays then."""
        try:
            self.infrastructure.start(self.progress)
            with self.progress.step("migration"):
                migrate(self.environment("owner"), self.state.logs / "migration.log")
            self._start_ours()
            self._start_prometheus()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything; Ctrl-C meanwhile acts afterwards."""
        self._stop()

    @classmethod
    @contextmanager
    def temporary(cls, **options: Any) -> Iterator[Self]:
        """Give a running stack on a fresh state that is removed at the end; options as for the class."""
        with temporary_state() as state, cls(state, **options) as stack:
            yield stack

    def environment(self, role: Role) -> dict[str, str]:
        """Return the settings for one of our processes: the migration (`owner`), the API, a worker."""
        servers = self.infrastructure
        found = {
            "INVITE_DATABASE_URL": servers.cluster.url(f"invite_{role}", servers.database),
            "INVITE_TEMPORAL_ADDRESS": servers.temporal_address,
            "INVITE_TEMPORAL_NAMESPACE": NAMESPACE,
            "INVITE_TEMPORAL_TASK_QUEUE": TASK_QUEUE,
            "INVITE_INTEGRATION_URL": servers.integration.url,
            "INVITE_LOG_LEVEL": os.environ.get("INVITE_LOG_LEVEL") or "INFO",
        }
        return found | self._private_to(role) | self._settings

    def start_data_centre(self, scenario: Path, journal: Path) -> DataCentre:
        """Start the Telegram data centre and wait until it listens."""
        port = self._ports.get("Telegram data centre")
        log = self.state.logs / "telegram_dc.log"
        self.data_centre = DataCentre(log, scenario=scenario, journal=journal, port=port)
        with self.progress.step(self.data_centre.name):
            self.data_centre.start()
        return self.data_centre

    def token(self, owner: str, roles: Sequence[str] = ("user",), ttl: timedelta = HOUR) -> str:
        """Return a JWT for our API."""
        return self._issuer.token(owner, roles, ttl)

    def admin_token(self, name: str = "administrator", ttl: timedelta = HOUR) -> str:
        """Return a JWT with the role admin."""
        return self._issuer.token(name, ["admin"], ttl)

    def register_account(
        self,
        owner: str,
        platform: str,
        account_id: str,
        label: str,
        credentials: dict[str, Any],
        created_at: datetime,
        *,
        credentials_version: int = 1,
        status: str = "active",
    ) -> None:
        """Put credentials into Vault and the account into integration-service, or replace both."""
        account = {
            "id": account_id,
            "user_id": owner,
            "label": label,
            "platform": platform,
            "status": status,
            "created_at": created_at,
            "credentials_version": credentials_version,
            "vault_path": self.infrastructure.vault.put(owner, platform, account_id, credentials),
        }
        self.infrastructure.integration.register(account)

    def reports(self) -> list[dict[str, Any]]:
        """Return what integration-service was told by `POST /accounts/check`."""
        return self.infrastructure.integration.reports()

    @property
    def api_url(self) -> str:
        """Base address of our API; RuntimeError when it was not started."""
        if self.api is None:
            raise RuntimeError("this stack has no API")
        return self.api.url

    @property
    def processes(self) -> list[Server]:
        """All that was started, our own processes first."""
        ours = [*self.workers, self.api, self.data_centre, self.prometheus]
        return [server for server in ours if server is not None] + self.infrastructure.servers

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use by name, to be given to the next run."""
        every = (self.api, self.data_centre, self.prometheus)
        ours = {server.name: server.ports[0] for server in every if server is not None}
        return ours | self.infrastructure.ports

    def _start_ours(self) -> None:
        ours: list[Server] = []
        if self._wants_api:
            log = self.state.logs / "api.log"
            self.api = Api(log, self.environment("api"), self._ports.get("API"), measured=self._watched)
            ours.append(self.api)
        ours += [self._new_worker() for _ in range(self._wanted_workers)]
        with self.progress.group([server.name for server in ours]) as group:
            start_all(ours, lambda server: group.done(server.name))

    def _new_worker(self) -> Worker:
        name = f"worker {len(self.workers) + 1}"
        log = self.state.logs / f"{name.replace(' ', '-')}.log"
        self.workers.append(Worker(name, log, self.environment("worker"), measured=self._watched))
        return self.workers[-1]

    def _start_prometheus(self) -> None:
        program = prometheus.program()
        if not self._watched or program is None:
            return
        targets = {
            "invite-api": [self.api.metrics_port] if self.api else [],
            "invite-worker": [worker.metrics_port for worker in self.workers],
            "invite-temporal-sdk": [worker.temporal_port for worker in self.workers],
        }
        log, folder = self.state.logs / "prometheus.log", self.state.folder / "prometheus"
        self.prometheus = Prometheus(log, program, folder, targets, self._ports.get("Prometheus"))
        with self.progress.step(self.prometheus.name):
            self.prometheus.start()

    def _private_to(self, role: Role) -> dict[str, str]:
        secret = self.infrastructure.secrets.jwt_secret
        if role == "owner":
            return {}
        webhooks = {"INVITE_WEBHOOK_KEY": secret, "INVITE_WEBHOOK_INSIDE": "true"}
        if role == "api":
            return webhooks | {
                "INVITE_JWT_ALGORITHM": ALGORITHM,
                "INVITE_JWT_SECRET": secret,
                "INVITE_JWT_ISSUER": ISSUER,
            }
        vault = self.infrastructure.vault
        app_role = vault.app_role(WORKER)
        return webhooks | {
            "INVITE_SESSIONS_INSIDE": "true",
            "INVITE_VAULT_URL": vault.url,
            "INVITE_VAULT_MOUNT": MOUNT,
            "INVITE_VAULT_ROLE_ID": app_role.role_id,
            "INVITE_VAULT_SECRET_ID": app_role.secret_id,
            "INVITE_SERVICE_JWT_SECRET": secret,
            "INVITE_PARSING_URL": self.infrastructure.parsing.url,
        }

    def _stop(self) -> None:
        infrastructure = self.infrastructure
        stop_all([server for server in self.processes if server not in infrastructure.servers])
        infrastructure.stop()
