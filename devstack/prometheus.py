"""Prometheus over our processes, with the rules of `deploy/prometheus`; where its program is there (Debian has it)."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.ports import HOST
from devstack.processes import Child, Command
from devstack.programs import answers_ok
from devstack.server import Server
from devstack.state import CHECKOUT

RULES = CHECKOUT / "deploy" / "prometheus" / "alerts.yml"
UNPACKED = CHECKOUT / ".tools" / "usr" / "bin"
"""Where `.ci/tools` puts it."""
SCRAPE_EVERY = "5s"
ABSENT = "(not installed: Debian's package prometheus, or .ci/tools)"
"""What is shown in place of its address."""


def program() -> str | None:
    """Where it is; None: nowhere."""
    return shutil.which("prometheus") or shutil.which("prometheus", path=str(UNPACKED))


class Prometheus(Server):
    """One server that keeps what it has scraped in `folder`."""

    def __init__(
        self,
        log: Path,
        program: str,
        folder: Path,
        targets: Mapping[str, Sequence[int | None]],
        port: int | None = None,
    ) -> None:
        """`targets`: ports on this machine by job, named as in `deploy/prometheus/prometheus.yml`."""
        super().__init__("Prometheus", log, [port])
        self._program = program
        self._folder = folder
        self._targets = targets

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://{HOST}:{self.ports[0]}"

    def spawn(self) -> Child:
        """Start it on its port."""
        self._folder.mkdir(exist_ok=True)
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(self._config()))  # which is YAML as well
        argv = [self._program, f"--config.file={config}", f"--storage.tsdb.path={self._folder / 'data'}"]
        return Child(self.name, Command([*argv, f"--web.listen-address={HOST}:{self.ports[0]}"]), self.log)

    def answers(self) -> bool:
        """Whether it is ready for queries."""
        return answers_ok(f"{self.url}/-/ready")

    def _config(self) -> dict[str, object]:
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"{HOST}:{port}" for port in ports]}]}
            for job, ports in self._targets.items()
        ]
        every = {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY}
        return {"global": every, "rule_files": [str(RULES)], "scrape_configs": jobs}
