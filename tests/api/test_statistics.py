"""`/status`: the counters in words, the same from both sources."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.outcome import Kind, Reason
from domain.sentences import explanation, sentence
from domain.statistics import Numbers, Snapshot
from storage.engine import Database
from tests.api.conftest import Client, assert_problem
from tests.api.control import RecordingControl
from tests.api.settled import settle


async def test_status(client: Client, campaign: str) -> None:
    body = (await client.get(f"/invite/{campaign}/status")).json()
    assert (body["id"], body["name"], body["state"]) == (campaign, "Spring", "running")
    counts = body["counts"]
    assert (counts["total"], counts["processed"], counts["left"], counts["percent"]) == (4, 3, 1, 75.0)
    assert (counts["invited"], counts["refused"], counts["unreachable"]) == (1, {"privacy": 1}, {"no_path": 1})
    account = body["accounts"][0]
    assert (account["id"], account["label"], account["state"]) == ("a1", "Label", "cooldown")
    assert account["why"]["code"] == "cooldown"
    assert account["why"]["until"] == "2026-03-01T10:00:00Z"
    assert account["done"] == {"invited": 1, "refused": 1}
    assert (counts["skipped"], counts["contacts_added"]) == ({}, 0)
    [warning] = account["warnings"]
    assert (warning["code"], warning["text"]) == ("slow_mode", sentence(Reason.SLOW_MODE))
    preflight = body["preflight"]
    assert (preflight["accounts"], preflight["checked"], preflight["may_invite"]) == (1, 1, 1)
    assert preflight["may_not_invite"] == []
    assert preflight["warnings"] == [warning | {"accounts": 1}]


async def test_status_says_who_has_stayed(client: Client, campaign: str, worker_database: Database, owner: str) -> None:
    assert (await client.get(f"/invite/{campaign}/status")).json()["membership"] == {
        "joined": 0,
        "there": 0,
        "left": 0,
        "unknown": 1,
    }
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("INSERT INTO membership VALUES (:c, 'joined', :owner, 1)"), {"c": campaign, "owner": owner}
        )
    for body in (
        (await client.get(f"/invite/{campaign}/status")).json(),
        (await client.get(f"/invite/{campaign}/report")).json()["status"],
    ):
        assert body["membership"] == {"joined": 1, "there": 0, "left": 0, "unknown": 0}


async def test_status_counts_people_in_the_list_twice_and_contacts(
    client: Client, campaign: str, worker_database: Database, owner: str
) -> None:
    await settle(worker_database, owner, campaign, 3, Kind.SKIPPED, Reason.SAME_PERSON)
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("INSERT INTO counter VALUES (:c, 'a1', 'add_contact', false, 'contact_added', '', false, :owner, 2)"),
            {"c": campaign, "owner": owner},
        )
    counts = (await client.get(f"/invite/{campaign}/status")).json()["counts"]
    assert (counts["skipped"], counts["contacts_added"]) == ({"same_person": 1}, 2)
    assert (counts["processed"], counts["left"]) == (4, 0)


async def test_status_from_the_workflow_has_the_same_shape(
    client: Client, campaign: str, control: RecordingControl
) -> None:
    numbers = Numbers(4, 3, 1, 1, 0, 0, 0, 0, {"privacy": 1}, {"no_path": 1}, {}, 0, 0)
    as_of = datetime(2026, 3, 1, 8, tzinfo=UTC)
    control.snapshots[UUID(campaign)] = Snapshot(
        campaign, "running", "working", as_of, None, as_of, numbers, [], 2, None
    )
    ours = (await client.get(f"/invite/{campaign}/status")).json()
    theirs = (await client.get(f"/invite/{campaign}/status", params={"source": "workflow"})).json()
    assert theirs["counts"] == ours["counts"]
    assert theirs.keys() == ours.keys()
    assert (theirs["as_of"], theirs["speed_per_minute"]) == ("2026-03-01T08:00:00Z", 2.0)


async def test_status_from_a_workflow_that_is_missing_or_away(
    client: Client, campaign: str, control: RecordingControl
) -> None:
    address = f"/invite/{campaign}/status?source=workflow"
    assert_problem(await client.get(address), 404, "not-found")
    control.away = True
    answer = await client.get(address)
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    ("address", "field"),
    [("report?format=pdf", "format"), ("report?language=de", "language"), ("status?source=x", "source")],
)
async def test_a_wish_that_cannot_be(client: Client, campaign: str, address: str, field: str) -> None:
    assert_problem(await client.get(f"/invite/{campaign}/{address}"), 422, "invalid", field)


def test_everything_that_can_happen_has_its_sentences() -> None:
    every: list[Any] = [*Kind, *(reason for reason in Reason if reason)]
    for value in every:
        words = sentence(value)
        assert all(words.values())
        assert json.dumps(words)
    assert explanation(None, None)["en"] == "Not done yet."
    assert explanation("failed", "") == sentence(Kind.FAILED)
