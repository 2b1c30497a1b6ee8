"""`/plan` and a campaign's plan: made of what stands in the database and in integration-service's list."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from storage.engine import Database
from tests.api.conftest import Client, ManualClock, assert_problem
from tests.api.neighbour import Neighbour, account

HOUR = timedelta(hours=1)
NEVER_MADE = "0b5c4c1e-6f0a-4f2e-9d39-0d6a3b0f6d11"


async def meet(database: Database, owner: str, account_id: str, state: str = "active", **more: Any) -> None:
    """The worker has met the account; `until`, `spent` in the hour before, `at` which time."""
    async with database.owner(owner) as tx:
        await tx.execute(
            text(
                "INSERT INTO account (owner, adapter, account_id, label, external_status, credentials_version, "
                "created_at, state, reason, since, until, times_limited, failures_running, block_reported, "
                "seen_inactive, fence, slow) VALUES "
                "(:owner, 'telegram', :id, 'Mine', 'active', 1, '2025-01-01Z', :state, '', now(), :until, "
                "0, 0, true, false, 0, 1)"
            ),
            {"owner": owner, "id": account_id, "state": state, "until": more.get("until")},
        )
        if "spent" in more:
            await tx.execute(
                text(
                    "INSERT INTO usage (owner, scope, budget, hour, amount) "
                    "VALUES (:owner, :scope, 'invite', date_trunc('hour', CAST(:hour AS timestamptz)), :n)"
                ),
                {
                    "owner": owner,
                    "scope": f"account/telegram/{account_id}",
                    "hour": more["at"] - HOUR,
                    "n": more["spent"],
                },
            )


async def enlist(database: Database, owner: str, campaign: str, account_id: str, may_invite: bool) -> None:
    async with database.owner(owner) as tx:
        await tx.execute(
            text(
                "INSERT INTO campaign_account (campaign_id, account_id, owner, can_invite, checked, warnings, why, "
                "since) VALUES (:campaign, :id, :owner, :may, true, '{}', 'working', now())"
            ),
            {"campaign": campaign, "id": account_id, "owner": owner, "may": may_invite},
        )


def ask(**changes: Any) -> dict[str, Any]:
    body = {"platform": "telegram", "action": "invite", "recipients": 200} | changes
    return {name: value for name, value in body.items() if value is not ...}


async def planned(client: Client, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/plan", json=ask(**changes))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def codes(body: dict[str, Any]) -> list[str]:
    return [each["code"] for each in body["notes"]]


def end(body: dict[str, Any], which: str = "planned") -> datetime:
    return datetime.fromisoformat(body["end"][which])


async def test_a_plan_without_a_campaign(client: Client, clock: ManualClock) -> None:
    body = await planned(client)
    assert body["recipients"] == 200
    assert {each["id"]: each["label"] for each in body["accounts"]} == {"a1": "A1", "a2": "A2"}
    assert clock.at + 30 * HOUR < end(body) < clock.at + 60 * HOUR  # 100 a day
    assert end(body, "earliest") < end(body) < end(body, "latest")
    assert body["bound_by"]["code"] == "budget"
    assert body["bound_by"]["budget"] == "invite"
    assert body["bound_by"]["text"]["ru"]
    assert sum(day["actions"] for day in body["days"]) == pytest.approx(200, abs=1)
    assert [each["accounts"] for each in body["with_more_accounts"]] == [1, 5, 10]
    assert codes(body) == ["rights_unknown"]
    assert (await client.get("/invite")).json()["items"] == []


async def test_terms_texts_and_accounts_change_a_plan(client: Client) -> None:
    usual = await planned(client)
    assert end(await planned(client, account_ids=["a1"])) > end(usual)
    assert end(await planned(client, pace="fast", recipients=20)) < end(await planned(client, recipients=20))
    assert end(await planned(client, limits={"daily": {"invite": 10}})) > end(usual)
    office = {"windows": [{"days": ["mon"], "from": "09:00", "to": "18:00"}], "time_zone": "Europe/Moscow"}
    assert end(await planned(client, schedule=office)) > end(usual)
    message = {"action": "message", "message": {"texts": ["Hello"]}}
    link = {"action": "message", "message": {"texts": ["https://example.org"]}}
    assert end(await planned(client, **link)) > end(await planned(client, **message))
    both = await planned(client, message_when_refused=True, message=link["message"])
    assert (both["assumed_refusals"], usual["assumed_refusals"]) == (0.44, None)
    assert "refusals_assumed" in codes(both)
    assert both["bound_by"]["budget"] == "message_with_link"


async def test_an_audience_is_planned_by_what_is_known_of_its_people(client: Client) -> None:
    audience = await client.audience(b"username,phone\n@anna,\n,+79161234567\n@boris,+79161234568\n")
    assert (await planned(client, recipients=..., audience_id=audience))["recipients"] == 3


async def test_what_accounts_have_spent_and_how_they_rest_is_in_the_plan(
    client: Client, worker_database: Database, owner: str, clock: ManualClock
) -> None:
    fresh = await planned(client)
    await meet(worker_database, owner, "a1", spent=50, at=clock.at)
    body = await planned(client)
    assert end(body) > end(fresh)
    [line, _] = body["accounts"]
    assert line["why"]["code"] == "budget_spent"
    assert datetime.fromisoformat(line["why"]["until"]) == clock.at.replace(microsecond=0) + 24 * HOUR
    await meet(worker_database, owner, "a2", "limited", until=clock.at + 300 * HOUR)
    assert (await planned(client, account_ids=["a2"]))["bound_by"]["code"] == "accounts_resting"


async def test_a_dry_run_has_accounts_of_its_own(
    client: Client, worker_database: Database, owner: str, clock: ManualClock
) -> None:
    await meet(worker_database, owner, "a1", "blocked")
    await meet(worker_database, owner, "a2", "blocked")
    real = await planned(client)
    assert (real["end"], real["bound_by"]["code"]) == (None, "accounts_gone")
    assert (await planned(client, dry_run=True))["end"]


async def test_without_the_list_those_are_planned_with_whom_we_have_met(
    client: Client, worker_database: Database, owner: str, neighbour: Neighbour
) -> None:
    neighbour.answer = httpx.ConnectError("away")
    assert_problem(await client.post("/plan", json=ask()), 503, "unavailable")
    await meet(worker_database, owner, "a1")
    body = await planned(client)
    assert [each["id"] for each in body["accounts"]] == ["a1"]
    assert "accounts_list_away" in codes(body)


async def test_a_draft_is_planned(client: Client, clock: ManualClock) -> None:
    campaign = await client.campaign(start=False)
    body = (await client.get(f"/invite/{campaign}/plan")).json()
    assert body["recipients"] == 3
    assert codes(body) == ["as_if_started", "rights_unknown", "refusals_assumed"]
    assert end(body) > clock.at


async def test_a_running_campaign_is_planned_by_its_accounts_rights(
    client: Client, worker_database: Database, owner: str, neighbour: Neighbour
) -> None:
    neighbour.accounts[owner] = [account("a1"), account("a2", status="banned")]
    campaign = await client.campaign(message_when_refused=False)
    other = await client.campaign(message_when_refused=False)
    await meet(worker_database, owner, "a1")
    await enlist(worker_database, owner, campaign, "a1", may_invite=False)
    body = (await client.get(f"/invite/{campaign}/plan")).json()
    assert (body["end"], body["bound_by"]["code"], codes(body)) == (None, "no_admin", [])
    assert [each["why"]["code"] for each in body["accounts"]] == ["not_admin", "account_inactive"]
    await enlist(worker_database, owner, other, "a1", may_invite=True)
    body = (await client.get(f"/invite/{other}/plan")).json()
    assert body["end"]
    assert codes(body) == ["other_campaigns"]


async def test_a_campaign_that_has_ended_has_no_plan(client: Client) -> None:
    campaign = await client.campaign()
    await client.post(f"/invite/{campaign}/pause")
    paused = (await client.get(f"/invite/{campaign}/plan")).json()
    assert "waits_for_owner" in codes(paused)
    await client.post(f"/invite/{campaign}/cancel")
    assert_problem(await client.get(f"/invite/{campaign}/plan"), 409, "forbidden-now")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"platform": "carrier-pigeon"}, "platform"),
        ({"recipients": 0}, "recipients"),
        ({"recipients": ...}, "recipients"),
        ({"audience_id": NEVER_MADE}, "recipients"),
        ({"account_ids": ["nobody"]}, "account_ids"),
        ({"limits": {"daily": {"invite": 51}}}, "limits.daily.invite"),
        ({"schedule": {"time_zone": "Mars/Olympus"}}, "schedule.time_zone"),
        ({"destination": "https://example.org/x"}, "destination"),
        ({"message": {"texts": [" "]}}, "message.texts.0"),
        ({"priority": 9}, "priority"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_planned_is_named(client: Client, changes: dict[str, Any], field: str) -> None:
    assert_problem(await client.post("/plan", json=ask(**changes)), 422, "invalid", field)


async def test_another_owners_audience_and_accounts_are_nobodys(
    client: Client, stranger: Client, worker_database: Database, owner: str
) -> None:
    audience = await client.audience()
    body = ask(recipients=..., audience_id=audience)
    assert_problem(await stranger.post("/plan", json=body), 404, "not-found")
    await meet(worker_database, owner, "s1", "blocked")
    assert (await planned(stranger))["end"]  # the other's account of the same name is not theirs
