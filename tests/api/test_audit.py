"""`GET /audit`: who did what, from where; what administrators looked at; nothing that identifies a person."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from storage.engine import Database
from tests.api.conftest import Client, assert_problem, make_token
from tests.api.test_auth import routes_of_owners
from tests.api.test_isolation import make_account


async def trail(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/audit", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_who_did_what_to_which_when_and_from_where(client: Client, owner: str) -> None:
    campaign = await client.campaign()
    paused = await client.post(f"/invite/{campaign}/pause", headers={"X-Request-ID": "my-request-1"})
    assert paused.headers["X-Request-ID"] == "my-request-1"
    [last, *_] = await trail(client)
    assert last.pop("at")
    assert last.pop("number") > 0
    assert last == {
        "event": "campaign_commanded",
        "text": {"en": "A campaign was given a command.", "ru": "Кампании отдана команда."},
        "actor": owner,
        "roles": ["user"],
        "kind": "campaign",
        "subject": campaign,
        "address": "127.0.0.1",
        "request_id": "my-request-1",
        "details": {"command": "pause"},
    }


async def test_everything_that_changes_something_is_told_once(
    app: FastAPI, client: Client, owner: str, worker_database: Database
) -> None:
    await make_account(worker_database, owner, "a1")
    asked: list[tuple[str, str]] = []

    async def note(answer: httpx.Response) -> None:
        if answer.is_success:
            asked.append((answer.request.method, answer.request.url.path))

    client.event_hooks["response"].append(note)
    audience = await client.audience()
    campaign = await client.campaign(audience_id=audience, key="once")
    assert (await client.invite(audience_id=audience, key="once")).status_code == 200
    for _ in range(2):  # repeated, none of these changes anything
        await client.patch(f"/invite/{campaign}", json={"priority": 5})
        await client.post(f"/invite/{campaign}/cancel")
        await client.post("/accounts/a1/enable")
        await client.post("/suppression", json={"identifiers": ["@anna"]})
    await client.post("/suppression/upload", files={"file": ("people.csv", b"@vera\n@boris\n")})
    await client.delete("/suppression/@anna")
    await client.delete("/people/@vera")
    await client.post("/audiences/import", json={"parsed_data_id": "chat-1"})
    await client.delete(f"/audiences/{audience}")
    await client.post("/admin-check", json={"platform": "telegram", "destination": "@spring"})
    await client.put("/webhook", json={"url": "https://example.com/hook"})
    await client.post("/webhook/test")
    for _ in range(2):
        await client.delete("/webhook")
    message = {"platform": "telegram", "message": {"texts": ["Hello!"]}}
    assert (await client.post("/messages/test", json=message | {"account_id": "a1", "to": "@my_own_name"})).is_success
    draft = await client.campaign(start=False)
    for command in ("start", "pause", "resume"):
        assert (await client.post(f"/invite/{draft}/{command}")).is_success
    await stands(worker_database, owner, draft, "waiting")
    assert (await client.post(f"/invite/{draft}/finish")).is_success
    await stands(worker_database, owner, draft, "done")
    again = await client.post(f"/invite/{draft}/retry", json={"reasons": ["accounts_exhausted"]})
    assert again.is_success, again.text
    told = await trail(client)
    assert [(each["event"], each["kind"]) for each in reversed(told)] == [
        ("audience_uploaded", "audience"),
        ("campaign_created", "campaign"),
        ("campaign_edited", "campaign"),
        ("campaign_commanded", "campaign"),
        ("account_enabled", "account"),
        ("suppressed", "list"),
        ("suppressed", "list"),
        ("allowed_again", "person"),
        ("erased", "person"),
        ("audience_import_started", "audience"),
        ("audience_deleted", "audience"),
        ("admin_check", "check"),
        ("webhook_set", "webhook"),
        ("webhook_tested", "webhook"),
        ("webhook_removed", "webhook"),
        ("test_message", "campaign"),
        ("audience_uploaded", "audience"),
        ("campaign_created", "campaign"),
        *[("campaign_commanded", "campaign")] * 4,
        ("campaign_retried", "campaign"),
    ]
    writing = [(path, method) for path, method in routes_of_owners(app) if method != "GET" and path not in LOOKS_ONLY]
    untold = [(method, path) for path, method in writing if not any(fits(method, path, each) for each in asked)]
    assert not untold, "a route that changes something: ask it here, and see that it is told"
    for name in ("anna", "vera", "boris", "Hello"):
        assert name not in str(told)


LOOKS_ONLY = {"/plan", "/messages/preview"}
"""What is asked by POST, and changes nothing."""


def fits(method: str, template: str, asked: tuple[str, str]) -> bool:
    """Whether a request was one to this route."""
    return asked[0] == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), asked[1]) is not None


async def stands(database: Database, owner: str, campaign: str, phase: str) -> None:
    """As a worker moves a campaign on; nobody was reached, for a reason that can pass."""
    async with database.owner(owner) as tx:
        await tx.execute(text("UPDATE campaign SET phase = :phase WHERE id = :id"), {"id": campaign, "phase": phase})
        await tx.execute(
            text("UPDATE recipient SET outcome = 'failed', reason = 'accounts_exhausted' WHERE campaign_id = :id"),
            {"id": campaign},
        )


async def test_refused_it_is_not_told(client: Client) -> None:
    campaign = await client.campaign()
    await client.post(f"/invite/{campaign}/cancel")
    before = await trail(client)
    assert (await client.post(f"/invite/{campaign}/resume")).status_code == 409
    assert await trail(client) == before


async def test_pages_and_filters(client: Client) -> None:
    campaign = await client.campaign()
    await client.campaign()
    everything = await trail(client)
    assert len(everything) == 4
    first = (await client.get("/audit", params={"limit": 3})).json()
    assert first["items"] == everything[:3]
    last = (await client.get("/audit", params={"limit": 3, "before": first["next"]})).json()
    assert (last["items"], last["next"]) == (everything[3:], None)
    assert [each["subject"] for each in await trail(client, campaign_id=campaign)] == [campaign]
    assert len(await trail(client, event="audience_uploaded")) == 2
    assert await trail(client, campaign_id=uuid4()) == []


@pytest.mark.parametrize(
    ("field", "value"), [("limit", 0), ("before", "x"), ("campaign_id", "x"), ("event", "nothing")]
)
async def test_a_bad_value_is_named(client: Client, field: str, value: object) -> None:
    assert_problem(await client.get("/audit", params={field: value}), 422, "invalid", field)


async def test_what_administrators_look_at_the_owner_sees(app: FastAPI, client: Client, owner: str) -> None:
    campaign = await client.campaign()
    root = f"root-{uuid4().hex[:8]}"
    async with Client(app, make_token(root, roles=("admin",))) as administrator:
        await administrator.get(f"/invite/{campaign}", params={"owner": owner})
        await administrator.get("/owners", params={"owner": owner})
        own = await trail(administrator)
    [listed, looked] = await trail(client, event="read_by_administrator")
    assert (looked["actor"], looked["roles"], looked["kind"]) == (root, ["admin"], "data")
    assert (looked["subject"], looked["details"]) == ("/invite/{campaign_id}", {"campaign_id": campaign})
    assert listed["subject"] == "/owners"
    assert looked in await trail(client, campaign_id=campaign)
    assert [each["event"] for each in own] == ["owners_read"], "with whose data it was asked changes nothing"


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 65, "ünicode-name"])
async def test_a_request_is_named_anew_where_its_name_cannot_be_one(client: Client, given: str) -> None:
    answer = await client.get("/audit", headers={"X-Request-ID": given.encode()})
    assert len(answer.headers["X-Request-ID"]) == 32
