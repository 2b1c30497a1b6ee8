"""What a worker remembers of its dependencies: for its time and no longer, and never past a changed secret."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.account import Credentials, ExternalStatus, KnownAccount
from domain.errors import NotFound, Unavailable
from domain.outcome import Reason
from storage import memory
from storage.remembered import RememberedCredentials, RememberedDirectory

LONG, SHORT = timedelta(hours=1), timedelta(milliseconds=40)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Vault:
    """Secrets by path. `away`: it does not answer."""

    def __init__(self) -> None:
        self.secrets: dict[str, Credentials] = {"accounts/a": {"session": "one"}}
        self.away = False
        self.asked: list[tuple[str, int]] = []

    def forget(self, owner: str, path: str) -> None:
        raise AssertionError("it keeps nothing")

    async def read(self, owner: str, path: str, version: int) -> Credentials:
        self.asked.append((path, version))
        if self.away:
            raise Unavailable("Vault")
        if path not in self.secrets:
            raise NotFound("secret")
        return self.secrets[path]


class Listing:
    """integration-service. `away`: it does not answer."""

    def __init__(self) -> None:
        self.listed = [KnownAccount("a", "A", "telegram", ExternalStatus.ACTIVE, NOW, 1)]
        self.away = False
        self.asked: list[tuple[str, str]] = []
        self.reports: list[tuple[str, str, Reason, datetime]] = []

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        self.asked.append((owner, platform))
        if self.away:
            raise Unavailable("integration-service")
        return list(self.listed)

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        if self.away:
            raise Unavailable("integration-service")
        self.reports.append((owner, account_id, reason, at))


class TestCredentials:
    async def test_vault_is_asked_once_and_may_go_away(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, LONG)
        assert await store.read("anna", "accounts/a", 1) == {"session": "one"}
        vault.away = True
        assert await store.read("anna", "accounts/a", 1) == {"session": "one"}
        assert vault.asked == [("accounts/a", 1)]

    async def test_another_version_is_read_anew(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, LONG)
        await store.read("anna", "accounts/a", 1)
        vault.secrets["accounts/a"] = {"session": "two"}
        assert await store.read("anna", "accounts/a", 2) == {"session": "two"}
        vault.away = True
        with pytest.raises(Unavailable):
            await store.read("anna", "accounts/a", 3)
        assert await store.read("anna", "accounts/a", 2) == {"session": "two"}

    async def test_another_path_is_another_secret(self) -> None:
        vault = Vault()
        vault.secrets["accounts/b"] = {"session": "b"}
        store = RememberedCredentials(vault, LONG)
        assert (await store.read("anna", "accounts/a", 1), await store.read("anna", "accounts/b", 1)) == (
            {"session": "one"},
            {"session": "b"},
        )

    async def test_it_is_forgotten_when_its_time_is_over(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, SHORT)
        await store.read("anna", "accounts/a", 1)
        await asyncio.sleep(2 * SHORT.total_seconds())
        assert store._known._values == {}, "credentials are not kept in memory beyond their time"
        vault.away = True
        with pytest.raises(Unavailable):
            await store.read("anna", "accounts/a", 1)

    async def test_it_is_forgotten_when_that_is_asked_for(self) -> None:
        vault = Vault()
        vault.secrets["accounts/b"] = {"session": "b"}
        store = RememberedCredentials(vault, LONG)
        for path in ("accounts/a", "accounts/b"):
            await store.read("anna", path, 1)
        store.forget("anna", "accounts/a")
        store.forget("anna", "accounts/never")
        store.forget("boris", "accounts/b")
        vault.away = True
        with pytest.raises(Unavailable):
            await store.read("anna", "accounts/a", 1)
        assert await store.read("anna", "accounts/b", 1) == {"session": "b"}

    async def test_what_one_owner_read_is_not_told_to_another(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, LONG)
        await store.read("anna", "accounts/a", 1)
        vault.secrets = {}
        with pytest.raises(NotFound):
            await store.read("boris", "accounts/a", 1)

    async def test_using_it_does_not_prolong_it(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, SHORT)
        for _ in range(8):
            await store.read("anna", "accounts/a", 1)
            await asyncio.sleep(SHORT.total_seconds() / 4)
        assert len(vault.asked) >= 2

    async def test_what_is_not_there_is_not_remembered(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, LONG)
        with pytest.raises(NotFound):
            await store.read("anna", "accounts/new", 1)
        vault.secrets["accounts/new"] = {}
        assert await store.read("anna", "accounts/new", 1) == {}
        vault.away = True
        assert await store.read("anna", "accounts/new", 1) == {}

    async def test_without_a_time_nothing_is_remembered(self) -> None:
        vault = Vault()
        store = RememberedCredentials(vault, timedelta(0))
        for _ in range(3):
            await store.read("anna", "accounts/a", 1)
        assert len(vault.asked) == 3

    async def test_no_more_than_so_many_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "MOST", 3)
        vault = Vault()
        vault.secrets = {f"accounts/{n}": {"n": str(n)} for n in range(5)}
        store = RememberedCredentials(vault, LONG)
        for path in vault.secrets:
            await store.read("anna", path, 1)
        vault.away = True
        for n in (2, 3, 4):
            assert await store.read("anna", f"accounts/{n}", 1) == {"n": str(n)}
        with pytest.raises(Unavailable):
            await store.read("anna", "accounts/1", 1)


class TestDirectory:
    async def test_the_service_is_asked_each_time_while_it_answers(self) -> None:
        service = Listing()
        directory = RememberedDirectory(service, LONG)
        for listed in (service.listed, []):
            service.listed = listed
            assert await directory.accounts("anna", "telegram") == listed
        assert len(service.asked) == 2

    async def test_while_it_is_away_the_last_answer_serves(self) -> None:
        service = Listing()
        directory = RememberedDirectory(service, LONG)
        await directory.accounts("anna", "telegram")
        service.away = True
        assert await directory.accounts("anna", "telegram") == service.listed
        service.away = False
        service.listed = []
        assert await directory.accounts("anna", "telegram") == []
        service.away = True
        assert await directory.accounts("anna", "telegram") == []

    async def test_credentials_that_came_with_the_list_are_not_kept(self) -> None:
        service = Listing()
        inline = replace(service.listed[0], inline_credentials={"session": "secret"})
        service.listed = [inline]
        directory = RememberedDirectory(service, LONG)
        assert await directory.accounts("anna", "telegram") == [inline]
        service.away = True
        assert await directory.accounts("anna", "telegram") == [replace(inline, inline_credentials={})]
        assert "secret" not in str([each.inline_credentials for _, [each] in directory._known._values.values()])

    @pytest.mark.parametrize(("owner", "platform"), [("boris", "telegram"), ("anna", "whatsapp")])
    async def test_never_another_owners_or_platforms(self, owner: str, platform: str) -> None:
        service = Listing()
        directory = RememberedDirectory(service, LONG)
        await directory.accounts("anna", "telegram")
        service.away = True
        with pytest.raises(Unavailable):
            await directory.accounts(owner, platform)

    async def test_it_is_forgotten_when_its_time_is_over(self) -> None:
        service = Listing()
        directory = RememberedDirectory(service, SHORT)
        await directory.accounts("anna", "telegram")
        service.away = True
        assert await directory.accounts("anna", "telegram")
        await asyncio.sleep(2 * SHORT.total_seconds())
        with pytest.raises(Unavailable):
            await directory.accounts("anna", "telegram")

    async def test_all_who_ask_at_once_share_one_answer_or_one_failure(self) -> None:
        """Thousands of accounts sign in together; away, they must not wait for one timeout after the other."""
        service = Listing()
        directory = RememberedDirectory(service, timedelta(0))
        answers = await asyncio.gather(*(directory.accounts("anna", "telegram") for _ in range(10)))
        assert answers == [service.listed] * 10
        assert len(service.asked) == 1
        service.away = True
        asked = [directory.accounts("anna", "telegram") for _ in range(10)]
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in failures] == [Unavailable] * 10
        assert len(service.asked) == 2

    async def test_a_fresh_answer_is_not_asked_for_again(self) -> None:
        service = Listing()
        directory = RememberedDirectory(service, LONG, fresh=SHORT)
        for _ in range(3):
            await directory.accounts("anna", "telegram")
        await directory.accounts("boris", "telegram")
        assert len(service.asked) == 2
        await asyncio.sleep(2 * SHORT.total_seconds())
        service.listed = []
        assert await directory.accounts("anna", "telegram") == []

    async def test_reports_go_through_or_fail(self) -> None:
        service = Listing()
        directory = RememberedDirectory(service, LONG)
        await directory.report("anna", "a", Reason.BANNED, NOW)
        assert service.reports == [("anna", "a", Reason.BANNED, NOW)]
        service.away = True
        with pytest.raises(Unavailable):
            await directory.report("anna", "a", Reason.BANNED, NOW)
