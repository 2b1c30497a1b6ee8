"""The client, the activities and the store of imports against parsing-service's stand-in, with all its faults."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.imports import Fetched, ImportActivities, ImportRef
from devstack.parsing_service.app import build
from domain.audience import AudienceState, FileLimits, ImportFault
from domain.errors import NotFound, Unavailable
from runtime.clock import SystemClock
from storage.imports import Imports
from storage.parsing import ROWS_ASKED, ParsingService
from storage.service_tokens import ServiceTokens
from tests.storage.world import OWNER, World

SECRET, ADMIN = secrets.token_urlsafe(32), "administrator"
ROWS = 2 * ROWS_ASKED + 5


class Bench:
    """One owner's imports, from a stand-in that lives in this process."""

    def __init__(self, world: World, folder: Path, most_rows: int) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(build(folder, SECRET, ADMIN)))
        tokens = ServiceTokens(SECRET, SystemClock(), "parsing-service")
        self.parsing = ParsingService("http://parsing.test", self.http, tokens)
        self.world = world
        self.activities = ImportActivities(world.imports, self.parsing, most_rows)
        self.ref = ImportRef(OWNER, "")

    async def put(self, **changes: Any) -> None:
        """Have people there, under the id `chat`."""
        items = [{"username": f"person_{n}", "seen_by_account_id": "a"} for n in range(ROWS)]
        await self._administer("parsed_data/chat", {"owner": OWNER, "items": items} | changes)

    async def spoil(self, kind: str) -> None:
        """The next page fails like that."""
        await self._administer("fault", {"kind": kind})

    async def begin(self, parsed_data_id: str = "chat", platform: str | None = "telegram") -> None:
        """Make the audience."""
        imports = Imports(self.world.api, FileLimits())
        self.ref = ImportRef(OWNER, str(await imports.begin(OWNER, "x", parsed_data_id, platform, self.world.now)))

    async def fetch(self) -> Fetched:
        """The next page."""
        return await ActivityEnvironment().run(self.activities.fetch_page, self.ref)

    async def state(self) -> tuple[AudienceState, ImportFault | None]:
        """How the audience stands."""
        audience = await self.world.audiences.get(OWNER, UUID(self.ref.audience_id))
        return audience.state, audience.fault

    async def _administer(self, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {ADMIN}"}
        answer = await self.http.put(f"http://parsing.test/{path}", json=body, headers=headers)
        assert answer.status_code == 204, answer.text


@pytest.fixture
async def bench(world: World, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(world, tmp_path, ROWS)
    yield made
    await made.http.aclose()


@pytest.mark.parametrize("written", ["json", "csv"])
async def test_all_pages_come_whatever_fails_between_them(bench: Bench, written: str) -> None:
    await bench.put(written=written)
    await bench.begin()
    assert await bench.fetch() == Fetched(ROWS_ASKED, more=True)
    for fault in ("fail", "cut") if written == "json" else ("fail",):
        await bench.spoil(fault)
        with pytest.raises(Unavailable):
            await bench.fetch()
    assert await bench.fetch() == Fetched(2 * ROWS_ASKED, more=True)
    assert await bench.fetch() == Fetched(ROWS)
    assert await bench.fetch() == Fetched(ROWS), "one that is asked again asks nobody"
    taken = await ActivityEnvironment().run(bench.activities.finish_import, bench.ref)
    assert (taken.stored, taken.dropped) == (ROWS, 0)
    rows = await bench.world.query(
        "SELECT count(*) AS n, min(seen_by) AS by, max(line) AS last FROM audience_recipient"
    )
    assert rows == [{"n": ROWS, "by": "a", "last": ROWS}]
    assert await bench.state() == (AudienceState.READY, None)


async def test_what_can_never_come_fails_for_good(bench: Bench) -> None:
    await bench.put(owner="boris")
    for parsed_data_id, fault in (("nothing", ImportFault.NOT_FOUND), ("chat", ImportFault.REFUSED)):
        await bench.begin(parsed_data_id)
        assert (await bench.fetch()).over
        assert await bench.state() == (AudienceState.FAILED, fault)
    await bench.put(platform="whatsapp")
    await bench.begin()
    assert (await bench.fetch()).over
    assert await bench.state() == (AudienceState.FAILED, ImportFault.WRONG_PLATFORM)


async def test_more_rows_than_an_audience_may_have_fail_early(world: World, tmp_path: Path) -> None:
    bench = Bench(world, tmp_path, ROWS_ASKED)
    await bench.put()
    await bench.begin()
    assert (await bench.fetch()).more
    assert (await bench.fetch()).over
    assert await bench.state() == (AudienceState.FAILED, ImportFault.TOO_MANY_ROWS)
    assert await world.query("SELECT FROM audience_page") == []


async def test_an_audience_that_was_deleted_ends_its_import(bench: Bench) -> None:
    await bench.put()
    await bench.begin()
    await bench.fetch()
    await bench.world.audiences.delete(OWNER, UUID(bench.ref.audience_id))
    assert await bench.fetch() == Fetched(over=True)
    assert (await ActivityEnvironment().run(bench.activities.finish_import, bench.ref)).stored == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"items": [1]}',
        b'{"items": [], "next_cursor": "x"}',
        b'{"items": [{}], "next_cursor": {}}',
        b'{"items": [{}], "next_cursor": "at"}',
    ],
)
async def test_nonsense_is_no_page(body: bytes) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, headers={"content-type": "application/json"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        parsing = ParsingService("http://parsing.test", http, ServiceTokens(SECRET, SystemClock(), "parsing-service"))
        with pytest.raises(Unavailable):
            await parsing.page(OWNER, "chat", "at")


async def test_what_must_be_written_in_an_address_is(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await bench.parsing.page(OWNER, "../../livez?x=1", None)


async def test_rows_keep_what_else_they_say() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["cursor"] == "a&b"
        return httpx.Response(200, json={"items": [{"user_id": 5, "city": "Томск"}], "total": 1, "next_cursor": None})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        parsing = ParsingService("http://parsing.test", http, ServiceTokens(SECRET, SystemClock(), "parsing-service"))
        page = await parsing.page(OWNER, "chat", "a&b")
    assert (page.rows, page.total, page.next_cursor) == (1, 1, None)
    [row] = json.loads(page.content)
    assert {name: value for name, value in row.items() if value is not None} == {"user_id": 5, "city": "Томск"}
