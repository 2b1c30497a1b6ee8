"""The numbers over all owners are sums of what really happened, under the names that operators know."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from domain.account import AccountState
from domain.campaign import Command, Wanted
from domain.fleet import STUCK_AFTER, Fleet
from domain.outcome import Kind
from domain.platform import Action, Budget
from domain.turn import Turn
from runtime.fleet_metrics import FleetCollector
from storage.fleet import Fleets
from storage.owners import Owners
from storage.planning import Planning
from tests.storage.world import AWAY, FLOOD, INVITED, OWNER, PLATFORM, SECOND, World, ref


@pytest.fixture
async def fleet(world: World) -> Fleet:
    """Two owners' campaigns: one that invites and meets a FloodWait, one that is paused, one that ended, a draft."""
    mine = await world.campaign(4)
    for outcome in (INVITED, INVITED, FLOOD):
        await world.act(mine, outcome)
    theirs = await world.campaign(3, owner="boris", accounts=("b",))
    turn = await world.turns.begin(world.key(theirs, "b", owner="boris"), Action.INVITE, world.now)
    assert isinstance(turn, Turn)
    await world.turns.settle(turn.turn_id, ref("b", "boris"), {0: AWAY}, world.now)
    await world.command(theirs, Command.PAUSE, "boris")
    ended = await world.campaign(2, accounts=("d",))
    await world.do("UPDATE campaign SET ended_at = %s, phase = 'done' WHERE id = %s", world.now, ended)
    await world.campaign(5, start=False, accounts=("d",))
    return await Fleets(world.api).look(world.now)


async def test_it_tells_of_all_owners(world: World, fleet: Fleet) -> None:
    assert sum(each.campaigns for each in fleet.live) == 2, "a draft and an end are not live"
    assert {each.wanted: each.people for each in fleet.live} == {Wanted.RUN: 2, Wanted.PAUSED: 3}
    assert fleet.outcomes == {
        (PLATFORM, Kind.INVITED, True): 2,
        (PLATFORM, Kind.RATE_LIMITED, False): 1,
        (PLATFORM, Kind.UNAVAILABLE, False): 1,
    }
    assert fleet.settled == {PLATFORM: 2}
    assert fleet.accounts == {(PLATFORM, AccountState.ACTIVE): 2, (PLATFORM, AccountState.COOLDOWN): 1}
    assert fleet.leases == {PLATFORM: 3}
    assert fleet.left(world.limits)[PLATFORM, Budget.INVITE] == 3 * 50 - fleet.spent[PLATFORM, Budget.INVITE]
    assert fleet.spent[PLATFORM, Budget.INVITE] == sum([await world.usage(account_id=each) for each in "abd"])
    later = await Fleets(world.api).look(world.now + timedelta(minutes=10))
    assert later.settled == {}, "the speed is that of the last minutes"


async def test_it_is_exposed_under_the_documented_names(world: World, fleet: Fleet) -> None:
    exposed = told(world, fleet)
    assert exposed["invite_active_tasks", PLATFORM] == 2
    assert exposed["invite_processed_users_total", PLATFORM, "invited"] == 2
    assert exposed["invite_floodwait_events", PLATFORM] == 1
    assert exposed["external_api_errors", PLATFORM] == 1
    assert exposed["current_speed_messages_per_minute",] == 0.4
    assert exposed["task_waiting_queue",] == 5
    assert exposed["invite_leases_total", PLATFORM] == 3
    assert exposed["invite_accounts", PLATFORM, "cooldown"] == 1
    assert exposed["invite_budget_left", "invite", PLATFORM] == fleet.left(world.limits)[PLATFORM, Budget.INVITE]
    assert sum(value for (name, *_), value in exposed.items() if name == "invite_campaigns") == 2


def told(world: World, fleet: Fleet) -> Mapping[tuple[str, ...], float]:
    """Each sample as Prometheus reads it, by its name and labels."""
    registry = CollectorRegistry()
    collector = FleetCollector(lambda: world.limits)
    registry.register(collector)
    assert generate_latest(registry) == b"", "nothing is told before it was looked at"
    collector.show(fleet)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


async def test_what_alerts_count_begins_at_nought(world: World) -> None:
    exposed = told(world, await Fleets(world.api).look(world.now))
    assert exposed["invite_processed_users_total", PLATFORM, "uncertain"] == 0, "else the first one is no increase"
    assert exposed["invite_floodwait_events", PLATFORM] == exposed["external_api_errors", PLATFORM] == 0


async def test_nothing_is_there_at_first(world: World) -> None:
    fleet = await Fleets(world.api).look(world.now)
    assert (fleet.live, fleet.outcomes, fleet.per_minute(), fleet.left(world.limits)) == ([], {}, 0.0, {})
    assert fleet.late == {}


class TestLate:
    """Planned for ten days at first, which then grow."""

    PLANNED = timedelta(days=10)

    @pytest.mark.parametrize(
        ("planned", "grown", "late"),
        [
            (timedelta(days=10), timedelta(days=5), 0),
            (timedelta(days=10), timedelta(days=5, seconds=1), 1),
            (timedelta(hours=2), timedelta(days=1), 0),
            (timedelta(hours=2), timedelta(days=1, seconds=1), 1),
            (timedelta(hours=2), timedelta(hours=-1), 0),
        ],
        ids=["half", "more than half", "a day", "more than a day", "sooner"],
    )
    async def test_by_half_of_what_was_planned_and_by_a_day(
        self, world: World, planned: timedelta, grown: timedelta, late: int
    ) -> None:
        campaign = await world.campaign(3)
        world.now += SECOND
        await self.plan(world, campaign, end := world.now + planned)
        await self.plan(world, campaign, end + grown / 2)
        await self.plan(world, campaign, end + grown)
        assert await self.late(world) == {PLATFORM: late}

    async def test_an_end_that_is_out_of_reach_now_is_late(self, world: World) -> None:
        campaign = await world.campaign(3)
        world.now += SECOND
        await self.plan(world, campaign, None)
        assert await self.late(world) == {}, "nothing was promised"
        await self.plan(world, campaign, world.now + self.PLANNED)
        assert await self.late(world) == {PLATFORM: 0}
        await self.plan(world, campaign, None)
        assert await self.late(world) == {PLATFORM: 1}

    async def test_what_the_owner_says_begins_anew(self, world: World) -> None:
        campaign = await world.campaign(3)
        world.now += SECOND
        await self.plan(world, campaign, end := world.now + self.PLANNED)
        await self.plan(world, campaign, end + self.PLANNED)
        await world.command(campaign, Command.PAUSE)
        assert await self.late(world) == {}, "it stands as its owner wishes"
        await world.command(campaign, Command.RESUME)
        world.now += SECOND
        await self.plan(world, campaign, end + self.PLANNED)
        assert await self.late(world) == {PLATFORM: 0}
        await world.do("UPDATE campaign SET ended_at = %s, phase = 'done'", world.now)
        assert await self.late(world) == {}

    @staticmethod
    async def plan(world: World, campaign: str, end: datetime | None) -> None:
        await Planning(world.worker, lambda: world.limits).keep(OWNER, campaign, end, world.now)
        world.now += SECOND

    @staticmethod
    async def late(world: World) -> Mapping[str, int]:
        return (await Fleets(world.api).look(world.now)).late


class TestStuck:
    @pytest.fixture
    async def campaign(self, world: World) -> str:
        """One that works: somebody was settled just now."""
        campaign = await world.campaign(4)
        await world.runs.review(OWNER, campaign, None, world.now)
        await world.act(campaign, INVITED)
        await world.runs.review(OWNER, campaign, None, world.now)
        assert await self.stuck(world) == {PLATFORM: 0}
        return campaign

    async def test_who_says_to_be_at_work_and_settles_nobody(self, world: World, campaign: str) -> None:
        world.now += STUCK_AFTER - timedelta(minutes=2)
        assert await self.stuck(world) == {PLATFORM: 0}
        other = await world.campaign(4, accounts=("b",))
        await world.act(other, INVITED, account_id="b")
        world.now += timedelta(minutes=4)
        assert await self.stuck(world) == {PLATFORM: 1}, "whatever others do"
        await world.act(campaign, INVITED)
        assert await self.stuck(world) == {PLATFORM: 0}

    async def test_a_slow_pace_is_none(self, world: World, campaign: str) -> None:
        until = world.now + timedelta(hours=5)
        await world.do("UPDATE campaign_account SET why = 'pace', until = %s", until)
        world.now = until + STUCK_AFTER
        assert await self.stuck(world) == {PLATFORM: 0}
        world.now += SECOND
        assert await self.stuck(world) == {PLATFORM: 1}, "it was to act long ago"

    async def test_a_wish_that_no_workflow_hears(self, world: World, campaign: str) -> None:
        await world.command(campaign, Command.PAUSE)
        world.now += 2 * STUCK_AFTER
        assert await self.stuck(world) == {PLATFORM: 1}
        await world.runs.review(OWNER, campaign, None, world.now)
        world.now += 2 * STUCK_AFTER
        assert await self.stuck(world) == {}, "it stands, and says why"

    @staticmethod
    async def stuck(world: World) -> Mapping[str, int]:
        return (await Fleets(world.api).look(world.now)).stuck


async def test_owners_come_page_by_page(world: World) -> None:
    for owner in (OWNER, "boris", "vera"):
        await world.campaign(2, owner=owner, accounts=())
    owners = Owners(world.api)
    first = await owners.list("", 2)
    assert [(each.owner, each.campaigns, each.live, each.recipients) for each in first] == [
        (OWNER, 1, 1, 2),
        ("boris", 1, 1, 2),
    ]
    assert [each.owner for each in await owners.list(first[-1].owner, 2)] == ["vera"]
