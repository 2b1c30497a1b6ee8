"""The audit trail is kept with what it tells of, can only grow, and goes when it is old."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from domain.audit import OPERATOR, Act, By, Event
from domain.campaign import Command
from storage.audit import AuditTrail, record
from storage.retention import Retention
from tests.storage.world import OWNER, World

ANNA = By("anna", ("user",), "203.0.113.7", "request-1")


def act(world: World, event: Event = Event.CAMPAIGN_COMMANDED) -> Act:
    return Act(event, ANNA, world.now)


async def events(world: World) -> list[Any]:
    rows = await world.query("SELECT event, details FROM audit ORDER BY number")
    return [(row["event"], row["details"]) for row in rows]


async def test_a_command_and_its_row_are_one_transaction(world: World) -> None:
    campaign = UUID(await world.campaign())
    await world.campaigns.command(OWNER, campaign, Command.PAUSE, world.now, act(world))
    await world.campaigns.command(OWNER, campaign, Command.PAUSE, world.now, act(world))
    assert await events(world) == [("campaign_commanded", {"command": "pause"})], "the second one changed nothing"

    async def breaks() -> None:
        async with world.api.owner(OWNER) as tx:
            await record(tx, OWNER, act(world), campaign)
            raise KeyError

    with pytest.raises(KeyError):
        await breaks()
    assert len(await events(world)) == 1


async def test_an_operators_command_is_told_as_such_and_once(world: World) -> None:
    campaign = await world.campaign()
    for _ in range(2):  # an activity may be repeated
        await world.runs.command(OWNER, campaign, Command.CANCEL, world.now)
    [kept] = await AuditTrail(world.api).page(OWNER, 10)
    assert (kept.act.by, kept.act.subject, kept.act.at) == (OPERATOR, campaign, world.now)


@pytest.mark.parametrize("role", ["invite_api", "invite_worker"])
async def test_nobody_can_change_a_row(world: World, database_urls: Mapping[str, str], role: str) -> None:
    await AuditTrail(world.api).record(OWNER, act(world), "x")
    for statement in ("UPDATE audit SET actor = 'boris'", "DELETE FROM audit", "TRUNCATE audit"):
        with psycopg.connect(database_urls[role].replace("+psycopg", "")) as connection:
            connection.execute("SELECT set_config('app.owner', %s, true)", [OWNER])
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)


async def test_old_rows_go_and_young_ones_never_whatever_is_asked(world: World) -> None:
    retention, trail = Retention(world.worker), AuditTrail(world.api)
    today = datetime.now(UTC)  # the database's own clock guards the young ones
    for days in (800, 400, 20):
        await trail.record(OWNER, Act(Event.ADMIN_CHECK, ANNA, today - timedelta(days=days)), days)
    before = today - timedelta(days=730)
    assert await retention.owners_of_old_audit(before, 10) == [OWNER]
    await retention.remove_old_audit(OWNER, before)
    assert await retention.owners_of_old_audit(before, 10) == []
    assert [kept.act.subject for kept in await trail.page(OWNER, 10)] == ["20", "400"]
    await retention.remove_old_audit(OWNER, today)
    assert [kept.act.subject for kept in await trail.page(OWNER, 10)] == ["20"]
    await retention.remove_old_audit("boris", today)
