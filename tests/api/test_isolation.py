"""No route shows or changes anything of another owner (SEC-2). It walks the OpenAPI: a new route is not forgotten."""

from typing import Any

import pytest
from sqlalchemy import text

from storage.engine import Database
from tests.api.conftest import Client, assert_problem
from tests.api.control import RecordingControl

TABLES = (
    "audience",
    "audience_recipient",
    "audience_dropped",
    "campaign",
    "recipient",
    "queue",
    "account",
    "suppression",
    "audit",
)


async def everything(database: Database, owner: str) -> dict[str, list[Any]]:
    async with database.owner(owner) as tx:
        return {table: sorted(str(row) for row in await tx.execute(text(f"SELECT * FROM {table}"))) for table in TABLES}


async def make_account(database: Database, owner: str, account_id: str) -> None:
    async with database.owner(owner) as tx:
        await tx.execute(
            text(
                "INSERT INTO account (owner, adapter, account_id, label, external_status, credentials_version, "
                "created_at, state, reason, since, times_limited, failures_running, block_reported, "
                "seen_inactive, fence, slow) VALUES "
                "(:owner, 'telegram', :id, 'Mine', 'active', 1, now(), 'blocked', 'banned', now(), "
                "0, 0, true, false, 0, 1)"
            ),
            {"owner": owner, "id": account_id},
        )


async def test_every_route_with_another_owners_ids_answers_404(
    app: Any, client: Client, stranger: Client, owner: str, database: Database, worker_database: Database
) -> None:
    await make_account(worker_database, owner, "mine")
    check = (await client.post("/admin-check", json={"platform": "telegram", "destination": "@spring"})).json()["id"]
    ids = {
        "audience_id": await client.audience(b"@anna\n!\n"),
        "campaign_id": await client.campaign(),
        "check_id": check,
        "account_id": "mine",
    }
    before = await everything(database, owner)
    walked = 0
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            # An identifier is a person's, and no owner's: /suppression and /people have tests of their own.
            if "{" in path and "{identifier}" not in path:
                body = example(app.openapi(), operations[method])
                answer = await stranger.request(method, path.format(**ids), **body)
                assert_problem(answer, 404, "not-found")
                walked += 1
    assert walked >= 10
    assert await everything(database, owner) == before


def example(openapi: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """A body that the route takes, as documented."""
    if "requestBody" not in operation:
        return {}
    [content] = operation["requestBody"]["content"].values()
    schema = openapi["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[-1]]
    return {"json": schema["example"]}


@pytest.mark.parametrize("path", ["/audiences", "/invite", "/audit"])
async def test_lists_hold_the_owners_alone(client: Client, stranger: Client, path: str) -> None:
    await client.campaign()
    assert (await stranger.get(path)).json()["items"] == []


async def test_another_owners_audience_makes_no_campaign(client: Client, stranger: Client) -> None:
    audience = await client.audience()
    assert_problem(await stranger.invite(audience_id=audience), 404, "not-found")


async def test_another_owners_workflow_is_not_asked(
    client: Client, stranger: Client, control: RecordingControl
) -> None:
    campaign = await client.campaign()
    control.away = True  # asked, it would answer 503
    answer = await stranger.get(f"/invite/{campaign}/status", params={"source": "workflow"})
    assert_problem(answer, 404, "not-found")


async def test_another_owners_things_within_a_body_are_not_there(client: Client, stranger: Client) -> None:
    theirs = {"audience_id": await client.audience(), "platform": "telegram", "action": "message"}
    message = {"message": {"texts": ["Hello, {first_name|friend}!"]}}
    assert_problem(await stranger.post("/plan", json=theirs | message), 404, "not-found")
    asked = {"audience_id": theirs["audience_id"], "platform": "telegram"}
    assert_problem(await stranger.post("/messages/preview", json=asked | message), 404, "not-found")
    campaign = await client.campaign()
    assert_problem(await stranger.invite(exclude_reached_by=[campaign]), 404, "not-found")
