"""Vault for real: what each role may do, tokens that are renewed or replaced, and a Vault that is away."""

import asyncio
import logging
import os
import subprocess
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from devstack.http import http_client
from devstack.state import temporary_state
from devstack.vault import API, DEPLOYED, WORKER, AppRole, VaultServer, program
from domain.errors import NotFound, Unavailable
from storage.credentials import VaultCredentials
from storage.vault import OWNER_ROLE, OwnerTokens, OwnToken, Refused, Vault

TIMEOUT = timedelta(seconds=10)
SESSION = "a-session-that-nobody-may-see"
SECRET = {"session": SESSION, "api_id": "1"}
NOWHERE = "http://127.0.0.1:1"
OWNERS = ["anna", "Anna", "auth0|5f", "anna@mail.example", "+", "*", "a*", "..", "a/b", "{{x}}", "анна", "a b?#%2e"]


@pytest.fixture(scope="module")
def server() -> Iterator[VaultServer]:
    yield from running()


@pytest.fixture
def own_server() -> Iterator[VaultServer]:
    """One that a test may seal or stop."""
    yield from running()


def running() -> Iterator[VaultServer]:
    with temporary_state() as state:
        server = VaultServer(state.logs / "vault.log")
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Ways:
    """A worker's ways into Vault."""

    def __init__(self, url: str, role_id: str, secret_id: str, timeout: timedelta = TIMEOUT) -> None:
        self.secret_id = secret_id
        self.vault = Vault(url, timeout)
        self.own = OwnToken(self.vault, role_id, lambda: self.secret_id)
        self.owners = OwnerTokens(self.vault, self.own)
        self.credentials = VaultCredentials(self.vault, self.owners, "secret")

    @classmethod
    def into(cls, server: VaultServer, role: AppRole | None = None) -> "Ways":
        role = role or server.vault.app_role(WORKER)
        return cls(server.url, role.role_id, role.secret_id)


def ask(server: VaultServer, token: str, method: str, path: str, body: object = None) -> httpx.Response:
    url = f"{server.url}/v1/{path}"
    with http_client(TIMEOUT, headers={"X-Vault-Token": token}) as client:
        return client.request(method, url, json=body)


def administer(server: VaultServer, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    return server.vault._call(method, path, body)


def revoke(server: VaultServer, token: str) -> None:
    administer(server, "POST", "auth/token/revoke", {"token": token})


async def own_token_of(server: VaultServer, role: str) -> str:
    return await Ways.into(server, server.vault.app_role(role)).own.get()


class TestPolicies:
    async def test_the_api_reads_nothing(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "tg-1", SECRET)
        token = await own_token_of(server, API)
        for asked in (f"secret/data/{path}", "secret/metadata/owners?list=true", "sys/mounts"):
            assert ask(server, token, "GET", asked).status_code == 403, asked
        for asked in ("auth/token/create", f"auth/token/create/{OWNER_ROLE}"):
            assert ask(server, token, "POST", asked, {"entity_alias": "anna"}).status_code == 403, asked

    async def test_a_workers_own_token_reads_nothing(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "tg-1", SECRET)
        token = await own_token_of(server, WORKER)
        for asked in (f"secret/data/{path}", f"secret/metadata/{path}", "secret/metadata/owners?list=true", "sys/auth"):
            assert ask(server, token, "GET", asked).status_code == 403, asked

    async def test_and_makes_tokens_for_one_owner_only(self, server: VaultServer) -> None:
        token = await own_token_of(server, WORKER)
        for wanted in (
            {},
            {"entity_alias": ""},
            {"entity_alias": "+"},
            {"entity_alias": "*"},
            {"entity_alias": "an*"},
            {"entity_alias": "anna/telegram"},
            {"entity_alias": ["anna", "boris"]},
            {"entity_alias": "anna", "policies": ["invite-owner", "invite-worker"]},
            {"entity_alias": "anna", "ttl": "768h"},
            {"entity_alias": "anna", "no_parent": True},
            {"entity_alias": "anna", "ENTITY_ALIAS": "+"},
        ):
            made = ask(server, token, "POST", f"auth/token/create/{OWNER_ROLE}", wanted)
            assert made.status_code in (400, 403), wanted
            assert ask(server, token, "POST", "auth/token/create", wanted).status_code == 403, wanted

    async def test_an_owners_token_reads_that_owners_secrets_and_lives_for_minutes(self, server: VaultServer) -> None:
        annas, boriss = (server.put(owner, "telegram", "tg-1", SECRET) for owner in ("anna", "boris"))
        token = await Ways.into(server).owners.get("anna")
        assert ask(server, token, "GET", f"secret/data/{annas}").json()["data"]["data"] == SECRET
        for method, path in (
            ("GET", f"secret/data/{boriss}"),
            ("GET", "secret/data/owners/anna/../boris/telegram/tg-1"),
            ("GET", "secret/data/owners/+/telegram/tg-1"),
            ("GET", "secret/metadata/owners/anna?list=true"),
            ("GET", f"secret/metadata/{annas}"),
            ("DELETE", f"secret/data/{annas}"),
            ("POST", f"secret/data/{annas}"),
            ("POST", f"auth/token/create/{OWNER_ROLE}"),
            ("POST", "auth/token/renew-self"),
        ):
            body = {"data": {}, "entity_alias": "boris"} if method == "POST" else None
            assert ask(server, token, method, path, body).status_code == 403, path
        about = administer(server, "POST", "auth/token/lookup", {"token": token})["data"]
        assert 0 < about["ttl"] <= 15 * 60
        assert (about["policies"], about["renewable"], about["orphan"]) == (["invite-owner"], False, False)

    def test_the_script_for_administrators_makes_the_same(self, own_server: VaultServer, tmp_path: Path) -> None:
        policies = [f"sys/policies/acl/{name}" for name in (API, WORKER, OWNER_ROLE)]
        roles = [f"auth/approle/role/{API}", f"auth/approle/role/{WORKER}", f"auth/token/roles/{OWNER_ROLE}"]

        def made() -> list[dict[str, Any]]:
            return [administer(own_server, "GET", path)["data"] for path in (*policies, *roles)]

        by_devstack = made()
        for path in ("sys/auth/approle", "sys/mounts/secret", f"auth/token/roles/{OWNER_ROLE}"):
            administer(own_server, "DELETE", path)
        (tmp_path / "bao").symlink_to(program())
        environment = {
            "PATH": f"{tmp_path}:{os.defpath}",
            "HOME": str(tmp_path),
            "BAO_ADDR": own_server.url,
            "BAO_TOKEN": own_server.vault._token,
        }
        subprocess.run([DEPLOYED / "setup.sh"], env=environment, check=True, capture_output=True, timeout=60)
        assert [without_modified(each) for each in made()] == [without_modified(each) for each in by_devstack]


def without_modified(found: dict[str, Any]) -> dict[str, Any]:
    """But for times and counts of writing."""
    return {name: value for name, value in found.items() if name not in ("modified", "version")}


class TestCredentials:
    async def test_each_owner_has_its_own_whatever_it_is_called(self, server: VaultServer) -> None:
        credentials = Ways.into(server).credentials
        paths = {owner: server.put(owner, "telegram", "tg 1?#%2f", {"session": owner}) for owner in OWNERS}
        for owner, path in paths.items():
            assert await credentials.read(owner, path, 1) == {"session": owner}

    async def test_a_path_of_another_owner_is_refused_before_vault_is_asked(self) -> None:
        credentials = Ways(NOWHERE, "role", "secret").credentials
        for path in ("owners/boris/telegram/tg-1", "owners/anna/../boris/telegram/tg-1", "nowhere/tg-1", ""):
            with capture_logs() as logs, pytest.raises(NotFound):
                await credentials.read("anna", path, 1)
            assert [(each["event"], each["owner"]) for each in logs] == [("vault_path_refused", "anna")]

    async def test_what_is_not_there(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "gone", SECRET)
        administer(server, "DELETE", f"secret/data/{path}")
        for missing in (path, "owners/anna/telegram/never"):
            with pytest.raises(NotFound):
                await Ways.into(server).credentials.read("anna", missing, 1)

    async def test_one_token_serves_an_owner_for_its_life(self, server: VaultServer) -> None:
        tokens = Ways.into(server).owners
        annas = await asyncio.gather(*(tokens.get("anna") for _ in range(20)))
        assert len({*annas, await tokens.get("anna")}) == 1
        assert await tokens.get("boris") not in annas


class TestTokens:
    async def test_the_own_one_is_renewed_while_it_may_be_and_then_replaced(self, server: VaultServer) -> None:
        ways = {}
        for name, most in (("renewed", "1h"), ("capped", "4s")):
            role = {"token_policies": [WORKER], "token_ttl": "4s", "token_max_ttl": most}
            administer(server, "POST", f"auth/approle/role/{name}", role)
            ways[name] = Ways.into(server, server.vault.app_role(name))
        first = {name: await way.own.get() for name, way in ways.items()}
        assert {name: await way.own.get() for name, way in ways.items()} == first
        await asyncio.sleep(2.1)  # past half of their life, by Vault's clock
        assert await ways["renewed"].own.get() == first["renewed"]
        left = administer(server, "POST", "auth/token/lookup", {"token": first["renewed"]})["data"]["ttl"]
        assert left >= 3
        assert await ways["capped"].own.get() != first["capped"]

    async def test_a_revoked_one_is_replaced_by_logging_in_again(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "tg-1", SECRET)
        ways = Ways.into(server)
        await ways.credentials.read("anna", path, 1)
        own, annas = await ways.own.get(), await ways.owners.get("anna")
        revoke(server, own)
        assert ask(server, annas, "GET", f"secret/data/{path}").status_code == 403  # it goes with its parent
        assert await ways.credentials.read("anna", path, 1) == SECRET
        assert await ways.own.get() != own

    async def test_a_revoked_owners_token_is_made_again(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "tg-1", SECRET)
        ways = Ways.into(server)
        own, annas = await ways.own.get(), await ways.owners.get("anna")
        revoke(server, annas)
        read = await asyncio.gather(*(ways.credentials.read("anna", path, 1) for _ in range(5)))
        assert read == [SECRET] * 5
        assert await ways.own.get() == own

    async def test_a_refused_log_in_names_who_must_act_and_is_not_hammered(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "tg-1", SECRET)
        ways = Ways.into(server)
        right, ways.secret_id = ways.secret_id, "wrong"
        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(Unavailable, match="an operator must issue a new secret_id"):
                    await ways.credentials.read("anna", path, 1)
                with pytest.raises(Unavailable):
                    await ways.own.ping()
        assert [each["event"] for each in logs] == ["vault_log_in_refused"]
        ways.secret_id = right
        await ways.own.ping()
        assert await ways.credentials.read("anna", path, 1) == SECRET

    async def test_a_secret_id_that_cannot_be_read(self, server: VaultServer, tmp_path: Path) -> None:
        file = tmp_path / "secret_id"
        role = server.vault.app_role(WORKER)
        own = OwnToken(Vault(server.url, TIMEOUT), role.role_id, file.read_text)
        with pytest.raises(Unavailable, match="secret_id cannot be read: No such file"):
            await own.get()
        file.write_text(role.secret_id)
        assert await own.get()

    async def test_a_role_without_its_policy_says_where_to_look(self, server: VaultServer) -> None:
        path = server.put("anna", "telegram", "tg-1", SECRET)
        role = {"token_policies": ["invite-api"], "token_ttl": "1h"}
        administer(server, "POST", "auth/approle/role/bare", role)
        bare = Ways.into(server, server.vault.app_role("bare"))
        with capture_logs() as logs, pytest.raises(Refused, match=r"docs/runbook\.md"):
            await bare.credentials.read("anna", path, 1)
        assert [(each["event"], each["owner"]) for each in logs] == [("vault_refuses", "anna")]


class TestAway:
    @pytest.mark.parametrize("unmounted", ["sys/mounts/secret", "auth/token/roles/invite-owner", "sys/auth/approle"])
    async def test_what_an_administrator_took_away_is_no_accounts_fault(
        self, own_server: VaultServer, unmounted: str
    ) -> None:
        path = own_server.put("anna", "telegram", "tg-1", SECRET)
        ways = Ways.into(own_server)
        administer(own_server, "DELETE", unmounted)
        with pytest.raises(Unavailable):
            await ways.credentials.read("anna", path, 1)

    async def test_a_sealed_or_stopped_vault_is_not_available(self, own_server: VaultServer) -> None:
        path = own_server.put("anna", "telegram", "tg-1", SECRET)
        ways, fresh = Ways.into(own_server), Ways.into(own_server)
        await ways.own.ping()
        await ways.credentials.read("anna", path, 1)
        administer(own_server, "PUT", "sys/seal")
        await self.assert_away(ways, path)
        await self.assert_away(fresh, path)
        own_server.stop()
        await self.assert_away(ways, path)
        await self.assert_away(fresh, path)

    async def assert_away(self, ways: Ways, path: str) -> None:
        for question in (ways.credentials.read("anna", path, 1), ways.own.ping()):
            with pytest.raises(Unavailable) as caught:
                await question
            assert not isinstance(caught.value, Refused)

    async def test_what_is_no_vault_is_not_available(self, server: VaultServer) -> None:
        ways = Ways(f"{server.url}/ui", "role", "secret")
        with pytest.raises(Unavailable):
            await ways.credentials.read("anna", "owners/anna/telegram/tg-1", 1)


async def test_nothing_secret_is_logged_or_in_an_error(
    own_server: VaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = own_server.put("anna", "telegram", "tg-1", SECRET)
    ways = Ways.into(own_server)
    secrets = {SESSION, ways.secret_id, await ways.own.get(), await ways.owners.get("anna")}
    told: list[str] = []
    with capture_logs() as logs:
        await ways.credentials.read("anna", path, 1)
        told += [repr(ways.own._token), repr(own_server.vault.app_role(WORKER))]
        told += await errors_of(ways, "owners/boris/telegram/tg-1", "owners/anna/telegram/never")
        revoke(own_server, await ways.own.get())
        administer(own_server, "POST", f"auth/approle/role/{WORKER}", {"token_policies": [API]})
        told += await errors_of(ways, path)
        administer(own_server, "DELETE", f"auth/approle/role/{WORKER}")
        revoke(own_server, await ways.own.get())
        told += await errors_of(ways, path)
        own_server.stop()
        told += await errors_of(ways, path)
    told += [str(each) for each in logs] + [record.getMessage() for record in caplog.records]
    assert len(told) > 8
    assert [text for text in told for secret in secrets if secret in text] == []


async def errors_of(ways: Ways, *paths: str) -> list[str]:
    """What a log would show of the failures, with their traces."""
    failed = await asyncio.gather(*(ways.credentials.read("anna", path, 1) for path in paths), return_exceptions=True)
    assert all(isinstance(each, NotFound | Unavailable) for each in failed), failed
    return ["".join(traceback.format_exception(each)) for each in failed if isinstance(each, Exception)]
