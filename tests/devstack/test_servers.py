"""PostgreSQL, Temporal and Vault: they start, answer, hold their promises, recover, and stop."""

import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest

from devstack import ports
from devstack.errors import DevstackError, ServerFailed
from devstack.external import External
from devstack.infrastructure import Infrastructure
from devstack.integration_client import IntegrationServer
from devstack.pip_settings import translated
from devstack.postgres import Postgres
from devstack.progress import Progress
from devstack.server import Server, start_all, stop_all
from devstack.state import State, temporary_state
from devstack.temporal import TemporalServer, TemporalSettings, register_search_attributes
from devstack.vault import VaultServer


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    with temporary_state() as state:
        yield state


@pytest.fixture
def own_postgres(state: State) -> Iterator[Postgres]:
    """A server that a test may kill."""
    home = state.folder / uuid.uuid4().hex
    home.mkdir()
    home.chmod(0o711)
    server = Postgres(home)
    yield server
    server.stop()


def libpq(url: str) -> str:
    return url.replace("+psycopg", "")


class TestPostgres:
    def test_roles_log_in_with_their_password_only(self, postgres: Postgres) -> None:
        right = libpq(postgres.url("invite_api"))
        with psycopg.connect(right) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("invite_api",)
        password = right.split(":")[2].split("@")[0]
        for wrong in (right.replace(f":{password}@", "@"), right.replace(password, "guess")):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(wrong)

    @pytest.mark.parametrize("role", ["invite_api", "invite_worker"])
    def test_only_the_owner_makes_tables(self, postgres: Postgres, role: str) -> None:
        with psycopg.connect(libpq(postgres.url(role))) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id int)")
            connection.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TEMPORARY TABLE mine (id int)")
        with psycopg.connect(libpq(postgres.url("invite_owner"))) as connection:
            connection.execute("CREATE TABLE mine (id int)")
            connection.rollback()

    def test_a_database_from_a_template(self, postgres: Postgres) -> None:
        template, copy = (f"test_{uuid.uuid4().hex}" for _ in range(2))
        postgres.create_database(template)
        with psycopg.connect(libpq(postgres.url("invite_owner", template))) as connection:
            connection.execute("CREATE TABLE mine (id int)")
        postgres.create_database(copy, template)
        with psycopg.connect(libpq(postgres.url("invite_owner", copy))) as connection:
            assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)
            postgres.drop_database(copy)
        postgres.drop_database(template)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(libpq(postgres.url("invite_owner", copy)))

    def test_knows_cyrillic_letters(self, postgres: Postgres) -> None:
        with psycopg.connect(postgres.admin_dsn) as connection:
            assert connection.execute("SELECT lower('ПРИВЕТ')").fetchone() == ("привет",)

    def test_kill_keeps_committed_rows_and_stop_leaves_no_shared_memory(self, own_postgres: Postgres) -> None:
        own_postgres.start()
        first_port = own_postgres.ports[0]
        with psycopg.connect(libpq(own_postgres.url("invite_owner")), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            for number in range(50):
                connection.execute("INSERT INTO kept VALUES (%s)", [number])
            own_postgres.kill()
        own_postgres.start()
        assert own_postgres.ports[0] == first_port
        with psycopg.connect(libpq(own_postgres.url("invite_owner"))) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (50,)
        segment = segment_of(own_postgres)
        assert segment in segments()
        own_postgres.kill()
        own_postgres.stop()
        assert segment not in segments()

    def test_a_data_folder_without_its_passwords_says_so(self, own_postgres: Postgres) -> None:
        own_postgres.data.mkdir()
        with pytest.raises(DevstackError, match="--fresh"):
            own_postgres.start()


class TestTemporal:
    @pytest.fixture(scope="class")
    def temporal(self, state: State) -> Iterator[TemporalServer]:
        server = TemporalServer(state.logs / "temporal.log", database=state.folder / "temporal.db")
        server.start()
        yield server
        server.stop()

    def test_serves_its_ui(self, temporal: TemporalServer) -> None:
        assert temporal.ui_url is not None
        assert httpx.get(temporal.ui_url, trust_env=False).status_code == 200

    def test_search_attributes_are_there(self, temporal: TemporalServer) -> None:
        url = f"http://127.0.0.1:{temporal.ports[1]}/api/v1/cluster/namespaces/default/search-attributes"
        custom = httpx.get(url, trust_env=False).json()["customAttributes"]
        assert TemporalSettings.read().search_attributes.keys() <= custom.keys()

    def test_missing_search_attributes_are_registered(self, temporal: TemporalServer) -> None:
        settings = replace(TemporalSettings.read(), search_attributes={"InviteTest": "Keyword"})
        for _ in range(2):
            register_search_attributes(temporal.address, settings)

    def test_one_that_cannot_start_shows_its_log(self, state: State) -> None:
        bad = replace(TemporalSettings.read(), search_attributes={"InviteTest": "Nonsense"})
        server = TemporalServer(state.logs / "bad.log", ui=False, settings=bad)
        with pytest.raises(ServerFailed, match=r"(?s)Temporal ended with status.*Nonsense"):
            server.start()
        assert not server.running.alive()


class TestVault:
    @pytest.fixture(scope="class", params=["in memory", "durable"])
    def vault(self, request: pytest.FixtureRequest, state: State) -> Iterator[VaultServer]:
        folder = state.folder / "vault" if request.param == "durable" else None
        server = VaultServer(state.logs / "vault.log", folder=folder)
        server.start()
        yield server
        server.stop()

    @staticmethod
    def call(vault: VaultServer, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"X-Vault-Token": vault.read_token}
        return httpx.request(method, f"{vault.url}/v1/{path}", headers=headers, json=body, trust_env=False)

    def test_the_read_token_reads_credentials(self, vault: VaultServer) -> None:
        path = vault.put("owner", "telegram", "tg 1", {"session": "s"})
        assert path == "owners/owner/telegram/tg 1"
        assert self.call(vault, "GET", f"secret/data/{path}").json()["data"]["data"] == {"session": "s"}
        renewed = self.call(vault, "POST", "auth/token/renew-self").json()["auth"]
        assert renewed["lease_duration"] == 768 * 3600

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "secret/data/owners/owner/telegram/x"),
            ("DELETE", "secret/data/owners/owner/telegram/tg 1"),
            ("GET", "secret/data/other"),
            ("GET", "secret/metadata/owners/owner?list=true"),
            ("GET", "sys/mounts"),
        ],
    )
    def test_and_nothing_else(self, vault: VaultServer, method: str, path: str) -> None:
        body = {"data": {"session": "s"}} if method == "POST" else None
        assert self.call(vault, method, path, body).status_code == 403

    def test_parts_of_a_path_stay_parts(self, vault: VaultServer) -> None:
        with pytest.raises(ValueError, match="not a path"):
            vault.put("owner/../other", "telegram", "x", {})

    def test_a_durable_one_survives_a_kill(self, vault: VaultServer, request: pytest.FixtureRequest) -> None:
        if "durable" not in request.node.name:
            return
        path = vault.put("owner", "telegram", "kept", {"session": "s"})
        vault.kill()
        vault.start()
        assert self.call(vault, "GET", f"secret/data/{path}").json()["data"]["data"] == {"session": "s"}


class TestPorts:
    def test_a_server_that_finds_its_port_taken_takes_another(self, state: State, own_postgres: Postgres) -> None:
        with socket.socket() as thief:
            thief.bind((ports.HOST, 0))
            thief.listen()
            taken = thief.getsockname()[1]
            server = integration(state, taken)
            start_all([server])
            stop_all([server])
            assert server.ports[0] != taken

    def test_nor_does_a_strangers_answer_count(self, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody takes the port between our look at it and the server's bind, and answers in its place."""
        stranger, late = integration(state), integration(state)
        start_all([stranger])
        first, real = [stranger.ports[0]], ports.free_ports
        monkeypatch.setattr(ports, "free_ports", lambda count: tuple(first[:count]) if first else real(count))
        late.launch()
        assert late.ports == stranger.ports
        first.clear()
        while not late.poll():
            pass
        assert late.ports != stranger.ports
        stop_all([stranger, late])

    def test_who_listens(self) -> None:
        with socket.socket() as one:
            one.bind((ports.HOST, 0))
            one.listen()
            port = one.getsockname()[1]
            assert ports.listens(os.getpid(), port)
            assert not ports.listens(os.getppid(), port)
            assert not ports.is_free(port)


class TestExternal:
    def test_an_external_cluster_lends_a_database(self, postgres: Postgres, state: State) -> None:
        external = External(
            database_admin_url=postgres.admin_dsn.replace("postgres:", "postgres:", 1),
            temporal_address="127.0.0.1:1",
            vault_url="http://127.0.0.1:1",
            vault_token="t",
            integration_url="http://127.0.0.1:1",
            integration_admin_token="t",
            integration_jwt_secret="s" * 32,
        )
        infrastructure = Infrastructure(state, external, {})
        assert infrastructure.servers == []
        with pytest.raises(DevstackError, match="Temporal at 127.0.0.1:1"):
            infrastructure.start(Progress(quiet=True))

    def test_companions_are_asked_for(self) -> None:
        with pytest.raises(DevstackError, match="DEVSTACK_VAULT_TOKEN"):
            External.read({"DEVSTACK_VAULT_URL": "http://127.0.0.1:8200"})
        assert External.read({}) == External()


def test_pips_settings_in_uvs_words() -> None:
    listing = "\n".join(
        [
            ":env:.timeout='180'",
            "global.index-url='https://index.example/simple'",
            "global.extra-index-url='file:///a/simple\\nfile:///b/simple'",
            ":env:.find-links='/wheels /more'",
        ]
    )
    assert translated(listing, {"UV_DEFAULT_INDEX": "https://mine.example/simple"}) == {
        "UV_INDEX": "file:///a/simple file:///b/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def integration(state: State, port: int | None = None) -> Server:
    folder = state.folder / uuid.uuid4().hex
    folder.mkdir()
    return IntegrationServer(
        folder / "log", state_file=folder / "state.json", jwt_secret="s" * 32, admin_token="t", port=port
    )


def segment_of(server: Postgres) -> str:
    return (server.data / "postmaster.pid").read_text().splitlines()[6].split()[1]


def segments() -> set[str]:
    """Ids of the SysV shared memory segments on this machine."""
    return {row.split()[1] for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


