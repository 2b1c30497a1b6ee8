"""`/accounts` and `/admin-check`: integration-service's word beside ours, and rights that may take their time."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.ports import AccountRights
from storage.engine import Database
from tests.api.conftest import Client, assert_problem
from tests.api.control import RecordingControl
from tests.api.neighbour import Neighbour, account


async def stand(database: Database, owner: str, account_id: str, state: str, reason: str, until: str | None) -> None:
    """As the worker writes how it found the account."""
    async with database.owner(owner) as tx:
        await tx.execute(
            text(
                "INSERT INTO account (owner, adapter, account_id, label, external_status, credentials_version, "
                "created_at, state, reason, since, until, times_limited, failures_running, "
                "block_reported, seen_inactive, fence, slow) "
                "VALUES (:owner, 'telegram', :id, 'Mine', 'active', 1, now(), :state, :reason, "
                "'2026-03-01T08:00Z', CAST(:until AS timestamptz), 1, 2, true, false, 0, 1)"
            ),
            {"owner": owner, "id": account_id, "state": state, "reason": reason, "until": until},
        )


async def test_both_words_on_each_account(
    client: Client, owner: str, neighbour: Neighbour, worker_database: Database
) -> None:
    neighbour.accounts[owner].append(account("a3", status="inactive", credentials={"session": "hidden"}))
    await stand(worker_database, owner, "a1", "limited", "peer_flood", "2026-03-01T12:00Z")
    await stand(worker_database, owner, "a2", "cooldown", "flood_wait", "2026-03-01T08:30Z")  # over
    answer = await client.get("/accounts", params={"platform": "telegram"})
    items = {each["id"]: each for each in answer.json()["items"]}
    assert {name: (each["status"], each["state"], each["why"]["code"]) for name, each in items.items()} == {
        "a1": ("active", "limited", "account_limited"),
        "a2": ("active", "active", "queue_empty"),
        "a3": ("inactive", "active", "account_inactive"),
    }
    assert items["a1"]["reason"] == "peer_flood"
    assert items["a1"]["why"]["until"] == "2026-03-01T12:00:00Z"
    assert "hidden" not in answer.text
    assert "vault" not in answer.text


async def test_what_is_not_understood_is_left_out(client: Client, owner: str, neighbour: Neighbour) -> None:
    odd: list[Any] = [
        account("good", id=77, status="sleeping", more={"x": 1}, label=None),
        account("other", platform="whatsapp"),
        account("no moment", created_at="yesterday"),
        account("nul", id="a\0b"),
        {"id": "bare"},
        "text",
        None,
    ]
    neighbour.accounts[owner] = odd
    items = (await client.get("/accounts?platform=telegram")).json()["items"]
    assert [(each["id"], each["label"], each["status"]) for each in items] == [("77", "77", "inactive")]


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (httpx.ReadTimeout("secret-of-the-call"), 503, "unavailable"),
        (httpx.Response(502), 503, "unavailable"),
        (httpx.Response(200, content=b"[" * 100_000), 503, "unavailable"),
        (httpx.Response(200, content=b" " * (9 * 1024 * 1024)), 503, "unavailable"),
        (httpx.Response(401), 403, "no-role"),
        (httpx.Response(403), 403, "no-role"),
    ],
)
async def test_integration_service_in_trouble(
    client: Client, neighbour: Neighbour, answer: httpx.Response | Exception, status: int, kind: str
) -> None:
    neighbour.answer = answer
    response = await client.get("/accounts", params={"platform": "telegram"})
    assert_problem(response, status, kind)
    assert "secret" not in response.text


@pytest.mark.parametrize("query", ["", "platform=", "platform=icq"])
async def test_a_platform_is_needed(client: Client, query: str) -> None:
    assert_problem(await client.get(f"/accounts?{query}"), 422, "invalid", "platform")


@pytest.mark.parametrize(
    ("state", "reason"), [("blocked", "banned"), ("limited", "peer_flood"), ("cooldown", "no_answer")]
)
async def test_the_owner_ends_a_block_or_rest_of_ours(
    client: Client, owner: str, worker_database: Database, control: RecordingControl, state: str, reason: str
) -> None:
    campaign = await client.campaign()
    await stand(worker_database, owner, "a1", state, reason, "2026-03-01T12:00Z")
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("INSERT INTO campaign_account VALUES (:c, 'a1', :o, true, true, '{}', 'working', now())"),
            {"c": campaign, "o": owner},
        )
    for _ in range(2):
        body = (await client.post("/accounts/a1/enable")).json()
        assert (body["id"], body["state"], body["reason"]) == ("a1", "active", "")
    assert control.told == [UUID(campaign)] * 2


async def test_a_rest_that_the_platform_named_goes_on(client: Client, owner: str, worker_database: Database) -> None:
    await stand(worker_database, owner, "a1", "cooldown", "flood_wait", "2026-03-01T12:00Z")
    body = (await client.post("/accounts/a1/enable")).json()
    assert (body["state"], body["why"]["until"]) == ("cooldown", "2026-03-01T12:00:00Z")


async def test_an_account_that_is_not_there(client: Client) -> None:
    assert_problem(await client.post("/accounts/nobody/enable"), 404, "not-found")


CHECK = {"platform": "telegram", "destination": "https://t.me/Spring"}


async def test_an_admin_check_that_ends_in_time(client: Client, owner: str, control: RecordingControl) -> None:
    control.rights = [
        AccountRights("a1", True, "", "Spring", "channel", 120, ("channel_past_invites", "slow_mode")),
        AccountRights("a2", False, "no_right_to_invite"),
        AccountRights("a3", False, "credentials_away"),
    ]
    answer = await client.post("/admin-check", json=CHECK | {"account_ids": ["a1", "a2"]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["finished"] is True
    assert [(each["account_id"], each["can_invite"]) for each in body["accounts"]] == [
        ("a1", True),
        ("a2", False),
        ("a3", False),
    ]
    assert all(each["text"]["ru"] for each in body["accounts"][1:])
    warnings = body["accounts"][0]["warnings"]
    assert [each["code"] for each in warnings] == ["channel_past_invites", "slow_mode"]
    assert all(each["text"]["en"] and each["text"]["ru"] for each in warnings)
    assert body["accounts"][1]["warnings"] == []
    assert [body["in_all"][name] for name in ("accounts", "checked", "may_invite")] == [3, 2, 1]
    [not_admin] = body["in_all"]["may_not_invite"]
    assert (not_admin["code"], not_admin["accounts"]) == ("no_right_to_invite", 1)
    assert not_admin["text"] == body["accounts"][1]["text"]
    assert [(each["code"], each["accounts"]) for each in body["in_all"]["warnings"]] == [
        ("channel_past_invites", 1),
        ("slow_mode", 1),
    ]
    assert control.checks == {(owner, UUID(body["id"])): ("telegram", "spring", ["a1", "a2"])}
    assert control.waits == [timedelta(seconds=20)]


async def test_an_admin_check_that_takes_longer(client: Client, control: RecordingControl) -> None:
    control.rights = None
    answer = await client.post("/admin-check", json=CHECK)
    assert (answer.status_code, answer.json()["finished"], answer.json()["in_all"]) == (202, False, None)
    address = answer.headers["location"]
    assert (await client.get(address)).status_code == 202
    control.rights = [AccountRights("a1", True)]
    later = await client.get(address)
    assert (later.status_code, later.json()["accounts"][0]["can_invite"]) == (200, True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"destination": ""}, "destination"),
        ({"destination": "no place!"}, "destination"),
        ({"platform": "icq"}, "platform"),
        ({"account_ids": ["unknown"]}, "account_ids"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_an_admin_check_that_cannot_be(client: Client, changes: dict[str, Any], field: str) -> None:
    assert_problem(await client.post("/admin-check", json=CHECK | changes), 422, "invalid", field)


async def test_an_admin_check_that_is_not_there_or_cannot_be_made_now(
    client: Client, control: RecordingControl
) -> None:
    assert_problem(await client.get(f"/admin-check/{uuid4()}"), 404, "not-found")
    control.away = True
    assert_problem(await client.post("/admin-check", json=CHECK), 503, "unavailable")


@pytest.mark.parametrize("account", ["%00", "a%00b", "a%0Ab", "%1b[31m", "x" * 201])
async def test_what_cannot_be_an_id_is_named(client: Client, account: str) -> None:
    assert_problem(await client.post(f"/accounts/{account}/enable"), 422, "invalid", "account_id")
