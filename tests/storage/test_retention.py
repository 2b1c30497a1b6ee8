"""What was kept long enough goes, and the numbers stay."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.testing import ActivityEnvironment

from activities.retention import RetentionActivities
from domain.audience import Contact, FileLimits, Line
from domain.audit import OPERATOR, Act, Event
from domain.campaign import State
from storage.audit import AuditTrail
from storage.imports import Imports
from storage.retention import Retention
from tests.storage.world import INVITED, OWNER, World

PEOPLES = ("recipient", "peer", "queue", "queue_low", "attempt", "turn")
KEPT = timedelta(days=90)


async def ended_campaign(world: World) -> str:
    campaign = await world.campaign(2)
    await world.settle(await world.turn(campaign), INVITED)
    await world.do(
        "UPDATE campaign SET ended_at = %s, phase = 'done', acknowledged_no = control_no WHERE id = %s",
        *(world.now, campaign),
    )
    return campaign


async def test_the_people_of_a_campaign_go_and_its_numbers_stay(world: World) -> None:
    retention = Retention(world.worker)
    campaign = await ended_campaign(world)
    before = await world.query("SELECT * FROM counter")
    assert await retention.spent_campaigns(world.now, 10) == []
    [spent] = await retention.spent_campaigns(world.now + KEPT, 10)
    assert (spent.owner, spent.campaign_id) == (OWNER, campaign)
    await retention.remove_people(spent, world.now + KEPT)
    for table in PEOPLES:
        assert await world.query(f"SELECT FROM {table}") == [], table
    assert before
    assert await world.query("SELECT * FROM counter") == before
    [row] = await world.query("SELECT people_removed_at, recipients FROM campaign")
    assert row == {"people_removed_at": world.now + KEPT, "recipients": 2}
    assert await retention.spent_campaigns(world.now + KEPT, 10) == []


async def test_one_that_runs_keeps_its_people_and_its_audience(world: World) -> None:
    await world.campaign(2)
    retention = Retention(world.worker)
    assert await retention.spent_campaigns(world.now + KEPT, 10) == []
    assert await retention.spent_audiences(world.now + KEPT, 10) == []


async def test_an_audience_goes_when_no_campaign_needs_it(world: World) -> None:
    retention = Retention(world.worker)
    await world.audiences.store(OWNER, "unused", [Line(1, "anna", Contact("anna"))], world.now, 10)
    await Imports(world.api, FileLimits()).begin(OWNER, "importing", "chat-1", None, world.now)
    await ended_campaign(world)
    assert await retention.spent_audiences(world.now, 10) == []
    [unused] = await retention.spent_audiences(world.now + KEPT, 10)
    await retention.remove_audience(unused)
    [spent] = await retention.spent_campaigns(world.now + KEPT, 10)
    await retention.remove_people(spent, world.now)
    [used] = await retention.spent_audiences(world.now + KEPT, 10)
    await retention.remove_audience(used)
    assert [row["state"] for row in await world.query("SELECT state FROM audience")] == ["importing"]
    assert await world.query("SELECT FROM audience_recipient") == []


async def test_old_events_go_and_those_that_are_to_be_delivered_stay(world: World) -> None:
    retention = Retention(world.worker)
    await world.campaign(1)  # it has begun: the first event
    await world.events.set_webhook(OWNER, "https://example.com", [State.RUNNING], b"seed", world.now)
    await world.campaign(1)  # due
    later = world.now + KEPT
    assert await retention.owners_of_old_numbers(world.now, 10) == []
    assert await retention.owners_of_old_numbers(later, 10) == [OWNER]
    await retention.remove_old_numbers(OWNER, later)
    [due] = await world.query("SELECT due_at FROM event")
    assert due["due_at"] is not None
    assert await retention.owners_of_old_numbers(later, 10) == []


async def test_old_numbers_go_and_those_that_limits_look_at_stay(world: World) -> None:
    retention = Retention(world.worker)
    await ended_campaign(world)
    await world.do("INSERT INTO usage VALUES (%s, 'old', 'invite', %s, 1)", OWNER, world.now - KEPT)
    before = world.now - timedelta(days=7)
    assert await retention.owners_of_old_numbers(before, 10) == [OWNER]
    await retention.remove_old_numbers(OWNER, before)
    assert await retention.owners_of_old_numbers(before, 10) == []
    assert "old" not in {row["scope"] for row in await world.query("SELECT scope FROM usage")}
    assert await world.query("SELECT FROM usage")


@dataclass
class Clock:
    """Stands still."""

    at: datetime

    async def now(self) -> datetime:
        return self.at


async def test_a_round_removes_everything_by_its_own_time(world: World) -> None:
    today = datetime.now(UTC)  # the database's own clock guards young rows of the audit trail
    await ended_campaign(world)
    await world.do("UPDATE campaign SET ended_at = %s", today - KEPT - timedelta(hours=1))
    await world.do("UPDATE audience SET created_at = %s", today - KEPT - timedelta(hours=1))
    trail = AuditTrail(world.api)
    for days in (731, 729, 91):
        act = Act(Event.CAMPAIGN_COMMANDED, OPERATOR, today - timedelta(days=days))
        await trail.record(OWNER, act, days)
    activities = RetentionActivities(Retention(world.worker), Clock(today), KEPT, timedelta(days=730))
    removed = await ActivityEnvironment().run(activities.remove_old)
    assert (removed.campaigns, removed.audiences) == (1, 1)
    assert await world.query("SELECT FROM recipient") == await world.query("SELECT FROM audience") == []
    assert [kept.act.subject for kept in await trail.page(OWNER, 10)] == ["91", "729"]
    again = await ActivityEnvironment().run(activities.remove_old)
    assert (again.campaigns, again.audiences, again.owners) == (0, 0, 0)
