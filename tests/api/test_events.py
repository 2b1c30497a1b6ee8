"""`/events`: everything at once, then what changes, until the campaign's end, the token's, the client's or ours."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from httpx_sse import EventSource
from sqlalchemy import text

from api.listening import Listeners
from api.server import Server
from domain.errors import TooMany
from storage.engine import Database
from tests.api.command_line import serving
from tests.api.conftest import Client, assert_problem, make_token

Sent = tuple[str, dict[str, Any], str]


async def finish(database: Database, owner: str, campaign: str) -> None:
    """As the worker ends it."""
    async with database.owner(owner) as tx:
        await tx.execute(text("UPDATE campaign SET phase = 'done' WHERE id = :id"), {"id": campaign})


class Listener(httpx.AsyncClient):
    """A client over a real connection: the events of a campaign as they come."""

    async def events(self, campaign: str, after: str | None = None, accounts: bool = False) -> AsyncIterator[Sent]:
        headers = {} if after is None else {"Last-Event-ID": after}
        params = {"accounts": "true"} if accounts else {}
        async with self.stream("GET", f"/invite/{campaign}/events", headers=headers, params=params) as answer:
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "no-cache"
            async for event in EventSource(answer).aiter_sse():
                yield event.event, json.loads(event.data or "{}"), event.id


@pytest.fixture
async def listener(app: FastAPI, owner: str) -> AsyncIterator[Listener]:
    async with serving(app) as address:
        headers = {"Authorization": f"Bearer {make_token(owner)}"}
        async with Listener(base_url=address, headers=headers, timeout=10) as listener:
            yield listener


async def test_everything_at_once_then_each_change_to_the_end(
    listener: Listener, client: Client, worker_database: Database, owner: str
) -> None:
    campaign = await client.campaign()
    stream = listener.events(campaign)
    name, first, _ = await anext(stream)
    status = (await client.get(f"/invite/{campaign}/status")).json()
    assert name == "progress"
    moving = {"accounts": ..., "as_of": ...}
    assert first | moving == status | moving
    assert "accounts" not in first
    await client.post(f"/invite/{campaign}/pause")
    changed = [await anext(stream) for _ in range(2)]
    assert [(name, data["state"]) for name, data, _ in changed] == [("state", "paused"), ("progress", "paused")]
    await finish(worker_database, owner, campaign)
    assert [(name, data["state"]) async for name, data, _ in stream] == [("progress", "done"), ("end", "done")]


async def test_a_campaign_that_has_ended_is_told_at_once_and_who_knows_it_hears_only_the_end(
    listener: Listener, client: Client, worker_database: Database, owner: str
) -> None:
    campaign = await client.campaign()
    await finish(worker_database, owner, campaign)
    sent = [each async for each in listener.events(campaign, accounts=True)]
    assert [name for name, _, _ in sent] == ["progress", "end"]
    assert sent[0][1]["accounts"] == []
    assert [name async for name, _, _ in listener.events(campaign, sent[0][2], accounts=True)] == ["end"]


async def test_one_that_is_told_to_end_is_watched_until_it_has(
    listener: Listener, client: Client, worker_database: Database, owner: str
) -> None:
    campaign = await client.campaign()
    stream = listener.events(campaign)
    await anext(stream)
    await client.post(f"/invite/{campaign}/cancel")
    assert [(await anext(stream))[0] for _ in range(2)] == ["state", "progress"]
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("UPDATE campaign SET phase = 'cancelled', why = 'ended' WHERE id = :id"), {"id": campaign}
        )
    assert [name async for name, _, _ in stream] == ["progress", "end"]


async def test_who_comes_back_gets_each_change_of_state_and_the_rest_in_its_sum(
    listener: Listener, client: Client, app: FastAPI
) -> None:
    campaign = await client.campaign()
    stream = listener.events(campaign)
    _, _, known = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    for command in ("pause", "resume", "pause"):
        await client.post(f"/invite/{campaign}/{command}")
    again = listener.events(campaign, known)
    missed = [await anext(again) for _ in range(4)]
    assert [name for name, _, _ in missed] == ["state"] * 3 + ["progress"]
    assert [data["state"] for _, data, _ in missed] == ["paused", "running", "paused", "paused"]
    await again.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        while not app.state.listeners.idle:  # what was kept for a client goes with it
            await asyncio.sleep(0.01)


async def test_an_owners_streams_are_counted(listener: Listener, client: Client, stranger: Client) -> None:
    campaign = await client.campaign()
    open_ones = [listener.events(campaign) for _ in range(3)]
    for each in open_ones:
        await anext(each)
    refused = await client.get(f"/invite/{campaign}/events")
    assert_problem(refused, 429, "too-many")
    assert refused.headers["Retry-After"] == "5"
    assert_problem(await stranger.get(f"/invite/{campaign}/events"), 404, "not-found")
    for each in open_ones:
        await each.aclose()  # type: ignore[attr-defined]


async def test_a_stream_ends_with_its_token(listener: Listener, client: Client, owner: str) -> None:
    campaign = await client.campaign()
    expires = datetime.now(UTC) + timedelta(seconds=2)
    listener.headers["Authorization"] = f"Bearer {make_token(owner, exp=expires)}"
    assert [name async for name, _, _ in listener.events(campaign)] == ["progress"]
    assert time.time() == pytest.approx(expires.timestamp(), abs=1.5)


async def test_a_process_that_stops_ends_its_streams_at_once(client: Client, app: FastAPI, owner: str) -> None:
    campaign = await client.campaign()
    server = partial(Server, app=app)
    headers = {"Authorization": f"Bearer {make_token(owner)}"}
    async with asyncio.timeout(10):  # far less than its grace
        async with serving(app, server, grace=60) as address:
            listener = Listener(base_url=address, headers=headers)
            stream = listener.events(campaign)
            await anext(stream)
        assert [each async for each in stream] == []
    await listener.aclose()


async def test_many_listeners_cost_one_reading_each_pause() -> None:
    readings = 0

    async def read() -> int:
        nonlocal readings
        readings += 1
        await asyncio.sleep(0.01)
        return readings

    listeners: Listeners[int] = Listeners(every=0.1, most=50, monotonic=time.monotonic)

    async def listen() -> list[int]:
        with listeners.listen("anna", "campaign", read) as hear:
            return [each async for each in hear(0.45)]

    heard = await asyncio.gather(*(listen() for _ in range(50)))
    assert readings <= 6
    assert all(len(each) >= 2 and each == sorted(each) for each in heard)
    assert listeners.idle


def test_the_places_of_one_owner_are_not_anothers() -> None:
    async def read() -> int:
        raise AssertionError

    listeners: Listeners[int] = Listeners(every=1, most=1, monotonic=time.monotonic)
    with (
        listeners.listen("anna", 1, read),
        listeners.listen("boris", 1, read),
        pytest.raises(TooMany),
        listeners.listen("anna", 2, read),
    ):
        pass
    assert listeners.idle
