"""PostgreSQL, Temporal and Vault: they start, answer, hold their promises, recover, and stop."""

import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import psycopg
import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from devstack import ports
from devstack.errors import DevstackError, ServerFailed
from devstack.external import External
from devstack.infrastructure import Infrastructure
from devstack.integration_client import IntegrationServer
from devstack.pip_settings import translated
from devstack.postgres import Postgres
from devstack.processes import Child
from devstack.progress import Progress
from devstack.server import Server, start_all, stop_all
from devstack.state import State, temporary_state
from devstack.temporal import NAMESPACE, TemporalServer, TemporalSettings, register_search_attributes
from devstack.vault import MOUNT, WORKER, VaultServer
from domain.errors import Unavailable
from storage.credentials import VaultCredentials
from storage.vault import OwnerTokens, OwnToken, Vault


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
            connection.execute("CREATE TABLE mine (id int); GRANT SELECT ON mine TO invite_api")
            connection.execute(f"GRANT TEMPORARY ON DATABASE {template} TO invite_api")
        postgres.create_database(copy, template)
        connection = psycopg.connect(libpq(postgres.url("invite_api", copy)))
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)
        connection.execute("CREATE TEMPORARY TABLE another (id int)")
        postgres.drop_database(copy)  # though somebody is connected
        connection.close()
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


@pytest.fixture(scope="module")
def temporal(state: State) -> Iterator[TemporalServer]:
    server = TemporalServer(state.logs / "temporal.log", database=state.folder / "temporal.db")
    server.start()
    yield server
    server.stop()


class TestTemporal:
    def test_serves_its_ui(self, temporal: TemporalServer) -> None:
        assert temporal.ui_url is not None
        assert httpx.get(temporal.ui_url, trust_env=False).status_code == 200

    async def test_search_attributes_are_there(self, temporal: TemporalServer) -> None:
        assert TemporalSettings.read().search_attributes.keys() <= await search_attributes(temporal)

    async def test_missing_search_attributes_are_registered(self, temporal: TemporalServer) -> None:
        settings = replace(TemporalSettings.read(), search_attributes={"InviteTest": "Keyword"})
        for _ in range(2):
            register_search_attributes(temporal.address, settings)
        assert "InviteTest" in await search_attributes(temporal)

    def test_one_that_cannot_start_shows_its_log(self, state: State) -> None:
        bad = replace(TemporalSettings.read(), search_attributes={"InviteTest": "Nonsense"})
        server = TemporalServer(state.logs / "bad.log", ui=False, settings=bad)
        with pytest.raises(ServerFailed, match=r"(?s)Temporal ended with status.*Nonsense"):
            server.start()
        assert not server.running.alive()


@pytest.fixture(scope="module", params=["in memory", "durable"])
def vault(request: pytest.FixtureRequest, state: State) -> Iterator[VaultServer]:
    server = VaultServer(
        state.logs / "vault.log", folder=state.folder / "vault" if request.param == "durable" else None
    )
    server.start()
    yield server
    server.stop()


class TestVault:
    """What its roles may do is looked at in tests/storage/test_vault.py."""

    def test_parts_of_a_path_stay_parts(self, vault: VaultServer) -> None:
        with pytest.raises(ValueError, match="not a path"):
            vault.put("owner", "../other/telegram", "x", {})

    async def test_a_killed_one_comes_back(self, vault: VaultServer) -> None:
        path = vault.put("owner", "telegram", "kept", {"session": "s"})
        role = vault.vault.app_role(WORKER)
        asked = Vault(vault.url, timedelta(seconds=5))
        own_token = OwnToken(asked, role.role_id, lambda: role.secret_id)
        await own_token.ping()
        vault.kill()
        with pytest.raises(Unavailable):
            await own_token.ping()
        vault.start()
        read = VaultCredentials(asked, OwnerTokens(asked, own_token), MOUNT).read("owner", path, 1)
        if vault.durable:
            assert await read == {"session": "s"}
        else:
            with pytest.raises(Unavailable):  # it knows our role no more than the secret
                await read


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


class Robbed(IntegrationServer):
    """Between its choice of a port and its bind a stranger takes the port, and answers in its place."""

    def __init__(self, log: Path, state_file: Path) -> None:
        super().__init__(log, state_file=state_file, jwt_secret="s" * 32, admin_token="t")
        self.stolen: int | None = None

    def spawn(self) -> Child:
        if self.stolen is None:
            self.stolen = self.ports[0]
            self._stranger = HTTPServer((ports.HOST, self.stolen), Healthy)
            Thread(target=self._stranger.serve_forever).start()
        return super().spawn()

    def stop(self) -> None:
        super().stop()
        self._stranger.shutdown()
        self._stranger.server_close()


class TestPorts:
    def test_a_server_that_finds_its_port_taken_takes_another(self, state: State) -> None:
        with socket.socket() as thief:
            thief.bind((ports.HOST, 0))
            thief.listen()
            taken = thief.getsockname()[1]
            server = integration(state, taken)
            start_all([server])
            stop_all([server])
            assert server.ports[0] != taken

    def test_nor_does_a_strangers_answer_count(self, state: State) -> None:
        server = Robbed(state.logs / "robbed.log", state.folder / "robbed.json")
        server.start()
        server.stop()
        assert server.stolen is not None
        assert server.ports[0] != server.stolen

    def test_who_listens(self) -> None:
        with socket.socket() as one:
            one.bind((ports.HOST, 0))
            one.listen()
            port = one.getsockname()[1]
            assert ports.listens(os.getpid(), port)
            assert not ports.listens(os.getppid(), port)
            assert not ports.is_free(port)


class TestExternal:
    def test_postgres_and_temporal_that_stand_elsewhere(
        self, own_postgres: Postgres, temporal: TemporalServer, state: State
    ) -> None:
        own_postgres.start()
        external = External(database_admin_url=own_postgres.admin_dsn, temporal_address=temporal.address)
        infrastructure = Infrastructure(state, external, {})
        infrastructure.start(Progress(quiet=True))
        try:
            url = infrastructure.cluster.url("invite_api", infrastructure.database)
            assert infrastructure.database.startswith("invite_")  # its own, not one that may be in use
            with psycopg.connect(libpq(url)) as connection:
                assert connection.execute("SELECT current_user").fetchone() == ("invite_api",)
        finally:
            infrastructure.stop()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(libpq(url))
        assert temporal.running.alive()

    def test_one_that_does_not_answer_is_named(self, state: State) -> None:
        with pytest.raises(DevstackError, match=r"Temporal at 127\.0\.0\.1:1"):
            register_search_attributes("127.0.0.1:1")

    def test_companions_are_asked_for(self) -> None:
        with pytest.raises(DevstackError, match="DEVSTACK_VAULT_TOKEN"):
            External.read({"DEVSTACK_VAULT_URL": "http://127.0.0.1:8200"})
        assert External.read({}) == External()


def test_pips_settings_in_uvs_words() -> None:
    listing = (
        ":env:.timeout='180'\n"
        "global.index-url='https://index.example/simple'\n"
        "global.extra-index-url='file:///a/simple\\nfile:///b/simple'\n"
        ":env:.find-links='/wheels /more'\n"
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


async def search_attributes(temporal: TemporalServer) -> set[str]:
    client = await Client.connect(temporal.address)
    request = ListSearchAttributesRequest(namespace=NAMESPACE)
    return set((await client.operator_service.list_search_attributes(request)).custom_attributes)


def segment_of(server: Postgres) -> str:
    return (server.data / "postmaster.pid").read_text().splitlines()[6].split()[1]


def segments() -> set[str]:
    """Ids of the SysV shared memory segments on this machine."""
    return {row.split()[1] for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}
