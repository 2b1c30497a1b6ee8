"""`/webhook`: from the request that sets it to what an owner's server receives and how it knows that it is from us."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.webhooks import Stream, Tried, WebhookActivities
from api.dependencies import Services
from runtime.clock import SystemClock
from runtime.settings import ApiSettings
from storage.engine import Database
from storage.events import Events
from storage.receivers import Receivers
from tests.api.command_line import serving
from tests.api.conftest import Client, ManualClock, assert_problem
from tests.api.control import RecordingControl

URL = "https://example.com/hook"
PAGE = Path(__file__).parent.parent.parent / "docs" / "webhooks.md"


@dataclass
class Receiver:
    """An owner's server. `answers`: the statuses that it answers, and then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hook(self, request: Request) -> Response:
        headers = {name.title(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.body()))
        return Response(status_code=self.answers.pop(0) if self.answers else 204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found, app = Receiver(), FastAPI()
    app.add_api_route("/hook", found.hook, methods=["POST"])
    async with serving(app) as address:
        found.url = f"{address}/hook"
        yield found


@pytest.fixture
def settings(settings: ApiSettings) -> ApiSettings:
    return settings.model_copy(update={"webhook_inside": True})


class Deliverer:
    """The worker's part, in this process."""

    def __init__(self, database: Database, settings: ApiSettings, clock: ManualClock) -> None:
        receivers = Receivers(timedelta(seconds=5), inside=True)
        key = settings.webhook_key.get_secret_value().encode()
        self._activities = WebhookActivities(Events(database), receivers, key, clock)
        self._temporal = ActivityEnvironment()

    async def __call__(self, owner: str, campaign: str | None) -> Tried:
        return await self._temporal.run(self._activities.deliver_next, Stream(owner, campaign))


@pytest.fixture
def deliver(worker_database: Database, settings: ApiSettings, clock: ManualClock) -> Deliverer:
    return Deliverer(worker_database, settings, clock)


def documented() -> Any:
    """`is_genuine`, as the documentation has it."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_genuine"]


async def test_a_secret_is_shown_once(client: Client) -> None:
    assert_problem(await client.get("/webhook"), 404, "not-found")
    made = await client.put("/webhook", json={"url": URL, "events": ["done", "done", "failed"]})
    assert made.status_code == 200
    assert made.json()["events"] == ["done", "failed"]
    shown = await client.get("/webhook")
    assert shown.json() == {name: value for name, value in made.json().items() if name != "secret"}
    again = await client.put("/webhook", json={"url": URL})
    assert again.json()["secret"] != made.json()["secret"]
    assert {"running", "waiting", "cancelled"} <= set(again.json()["events"])
    assert (await client.delete("/webhook")).status_code == 204
    assert_problem(await client.delete("/webhook"), 404, "not-found")


async def test_no_secret_stands_in_the_database(client: Client, database: Database, owner: str) -> None:
    made = (await client.put("/webhook", json={"url": URL})).json()["secret"]
    async with database.owner(owner) as tx:
        [row] = await tx.execute(text("SELECT w::text, seed FROM webhook w"))
    assert made.removeprefix("whsec_") not in str(row)


async def test_webhooks_are_an_owners_own(client: Client, stranger: Client, control: RecordingControl) -> None:
    await client.put("/webhook", json={"url": URL})
    await client.campaign()
    assert len((await client.get("/webhook/deliveries")).json()["items"]) == 1
    for answer in (await stranger.get("/webhook"), await stranger.post("/webhook/test")):
        assert_problem(answer, 404, "not-found")
    assert (await stranger.get("/webhook/deliveries")).json() == {"items": []}
    assert control.owners_told == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://a b"}, "url"),
        ({"url": "https://anna:x@example.com"}, "url"),
        ({}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["finished"]}, "events.0"),
    ],
)
async def test_what_is_wrong_is_named(client: Client, body: dict[str, Any], named: str) -> None:
    assert_problem(await client.put("/webhook", json=body), 422, "invalid", named)


@pytest.mark.parametrize("url", ["http://example.com", "https://127.0.0.1/x", "https://localhost"])
async def test_an_address_inside_is_refused_unless_for_development(app: FastAPI, client: Client, url: str) -> None:
    assert (await client.put("/webhook", json={"url": url})).status_code == 200
    found: Services = app.state.services
    app.state.services = replace(found, settings=found.settings.model_copy(update={"webhook_inside": False}))
    assert_problem(await client.put("/webhook", json={"url": url}), 422, "invalid", "url")


async def test_a_ping_is_asked_for_also_while_temporal_is_away(client: Client, control: RecordingControl) -> None:
    await client.put("/webhook", json={"url": URL})
    control.away = True
    ping = await client.post("/webhook/test")
    assert ping.status_code == 202
    [shown] = (await client.get("/webhook/deliveries")).json()["items"]
    assert (shown["id"], shown["event"], shown["tries"]) == (ping.json()["id"], "ping", 0)


async def test_a_server_is_told_in_order_and_knows_that_it_is_from_us(
    client: Client, receiver: Receiver, deliver: Deliverer, clock: ManualClock, owner: str
) -> None:
    clock.at = await SystemClock().now()
    secret = (await client.put("/webhook", json={"url": receiver.url})).json()["secret"]
    campaign = await client.campaign()
    await client.post(f"/invite/{campaign}/pause")
    await client.post("/webhook/test")
    receiver.answers = [503]
    wait = (await deliver(owner, campaign)).again_in
    assert wait is not None
    assert 4 <= wait.total_seconds() <= 5
    assert (await deliver(owner, campaign)).again_in is not None, "not before its time"
    assert len(receiver.got) == 1
    clock.at += wait
    while (await deliver(owner, campaign)).again_in is not None:
        pass
    while (await deliver(owner, None)).again_in is not None:
        pass
    bodies = [httpx.Response(200, content=body).json() for _, body in receiver.got]
    assert [each.get("state") for each in bodies] == ["running", "running", "paused", None]
    assert receiver.got[0][1] == receiver.got[1][1]
    assert bodies[2]["campaign_id"] == campaign
    assert bodies[2]["counts"]["total"] == 3
    is_genuine = documented()
    for headers, body in receiver.got:
        assert headers["Invite-Delivery"] == httpx.Response(200, content=body).json()["id"]
        assert is_genuine(secret, headers, body)
        assert not is_genuine(secret, headers, body + b" ")
        assert not is_genuine("whsec_other", headers, body)
        old = {**headers, "Invite-Timestamp": str(int(time.time()) - 301)}
        assert not is_genuine(secret, old, body)
    shown = (await client.get("/webhook/deliveries")).json()["items"]
    assert [(each["event"], each["tries"], each["status"]) for each in shown] == [
        ("ping", 1, 204),
        ("campaign.state", 1, 204),
        ("campaign.state", 2, 204),
    ]


async def test_after_three_days_it_is_given_up_and_shown(
    client: Client, receiver: Receiver, deliver: Deliverer, clock: ManualClock, owner: str
) -> None:
    await client.put("/webhook", json={"url": receiver.url, "events": ["running"]})
    campaign = await client.campaign()
    receiver.answers = [500] * 1_000
    began = clock.at
    while (again := (await deliver(owner, campaign)).again_in) is not None:
        clock.at += again
    [shown] = (await client.get("/webhook/deliveries")).json()["items"]
    assert (shown["status"], shown["fault"], shown["next_try_at"]) == (500, "refused", None)
    assert shown["given_up_at"] is not None
    assert shown["tries"] == len(receiver.got)
    assert 70 < (clock.at - began).total_seconds() / 3600 <= 72
