"""Our own programs as processes: the API, the workers, the migration, the Telegram data centre."""

import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import httpx

from devstack.errors import ServerFailed
from devstack.http import http_client
from devstack.ports import HOST
from devstack.processes import Child, Command, plain_environment
from devstack.server import Server
from devstack.state import CHECKOUT

PROBE_TIMEOUT = timedelta(seconds=2)
MIGRATION_DEADLINE = timedelta(minutes=2)
WORKER_STARTED = "worker started"


def python_command(arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
    """Return the command that runs our Python in the checkout."""
    env = plain_environment() | {"PYTHONUNBUFFERED": "1"} | dict(environment)
    return Command([sys.executable, *arguments], env=env, cwd=CHECKOUT)


def answers_ok(url: str) -> bool:
    """Whether a GET answers 200 now."""
    try:
        with http_client(PROBE_TIMEOUT) as client:
            return client.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def migrate(environment: Mapping[str, str], log: Path) -> None:
    """Bring the database's schema up to date. ServerFailed with what the migration said."""
    name = "the migration"
    child = Child(name, python_command(["-m", "storage.migrations"], environment), log)
    try:
        done = child.wait(MIGRATION_DEADLINE)
    finally:
        child.stop(signal.SIGTERM)
    if not done or child.status() != 0:
        raise ServerFailed(name, f"ended with status {child.status()}", log, child.last_lines())


class Api(Server):
    """Our HTTP facade."""

    def __init__(
        self, log: Path, environment: Mapping[str, str], port: int | None = None, *, measured: bool = False
    ) -> None:
        """`environment`: its settings but for host and port. `measured`: it answers `/metrics` on a port of its own."""
        super().__init__("API", log, [port, None] if measured else [port])
        self._environment = environment

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def metrics_port(self) -> int | None:
        """Where it answers `/metrics`."""
        return self.ports[1] if len(self.ports) > 1 else None

    def spawn(self) -> Child:
        """Start it on its ports."""
        address = {"INVITE_API_HOST": HOST, "INVITE_API_PORT": str(self.ports[0])}
        if self.metrics_port is not None:
            address["INVITE_METRICS_PORT"] = str(self.metrics_port)
        return Child(self.name, python_command(["-m", "api"], {**self._environment, **address}), self.log)

    def answers(self) -> bool:
        """Whether it is up."""
        return answers_ok(f"{self.url}/livez")


class Worker(Server):
    """One of our Temporal workers."""

    patience: ClassVar[timedelta] = timedelta(seconds=30)  # it may settle a platform call of 20 s first

    def __init__(self, name: str, log: Path, environment: Mapping[str, str], *, measured: bool = False) -> None:
        """`environment`: its settings. `measured`: it answers `/metrics`, and Temporal's own on a second port."""
        super().__init__(name, log, [None, None] if measured else [])
        self._environment = dict(environment)

    @property
    def metrics_port(self) -> int | None:
        """Where it answers `/metrics`."""
        return self.ports[0] if self.ports else None

    @property
    def temporal_port(self) -> int | None:
        """Where Temporal's own metrics are answered."""
        return self.ports[1] if self.ports else None

    def spawn(self) -> Child:
        """Start it on its ports."""
        address = {}
        if self.ports:
            address["INVITE_METRICS_PORT"] = str(self.metrics_port)
            address["INVITE_TEMPORAL_METRICS"] = f"{HOST}:{self.temporal_port}"
        return Child(self.name, python_command([str(CHECKOUT / "worker.py")], self._environment | address), self.log)

    def answers(self) -> bool:
        """Whether it polls for tasks."""
        return WORKER_STARTED in self.running.said()

    def suspend(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.running.suspend()

    def resume(self) -> None:
        """Let it go on."""
        self.running.resume()


class DataCentre(Server):
    """The loopback Telegram data centre."""

    def __init__(self, log: Path, *, scenario: Path, journal: Path, port: int | None = None) -> None:
        """`scenario` is read at each start; `journal` is written by it."""
        super().__init__("Telegram data centre", log, [port])
        self._scenario = scenario
        self._journal = journal

    @property
    def port(self) -> int:
        """Its TCP port on 127.0.0.1."""
        return self.ports[0]

    def spawn(self) -> Child:
        """Start it on its port."""
        files = {
            "scenario": self._scenario,
            "journal": self._journal,
            "port-file": self.log.with_suffix(".port"),
        }
        options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
        arguments = ["-m", "devstack.telegram_dc", *options, "--port", str(self.port)]
        return Child(self.name, python_command(arguments, {}), self.log)

    def answers(self) -> bool:
        """Whether it listens: the port has been probed already."""
        return True
