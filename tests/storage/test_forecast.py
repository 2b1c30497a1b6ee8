"""The expected end: written before a review as the plan says it, told alike by status, query and plan."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.campaigns import CampaignActivities, ReviewRequest
from domain.account import KnownAccount
from domain.campaign import Command
from domain.forecast import SHORTEST, Unknown
from domain.outcome import Reason
from domain.plan import plan
from domain.platform import Action, Identifier
from domain.review import Review
from domain.statistics import Snapshot
from domain.terms import Terms
from storage.campaigns import Edit
from storage.planning import Planning
from tests.storage.world import FAST, INVITED, OWNER, PEER_FLOOD, PLATFORM, SECOND, Now, World, ref


class Nobody:
    """Neither integration-service nor the accounts' runs are asked here."""

    async def accounts(self, owner: str, platform: str) -> list[KnownAccount]:
        raise NotImplementedError

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        raise NotImplementedError

    async def tell_run(self, campaign_id: UUID, account_id: str, signal: str, priority: int = 0) -> bool:
        raise NotImplementedError


def planning(world: World) -> Planning:
    return Planning(world.worker, lambda: world.limits)


async def review(world: World, campaign: str) -> Review:
    """As the activity does."""
    activities = CampaignActivities(world.runs, planning(world), world.accounts, Nobody(), Nobody(), Now(world))
    found: Review = await ActivityEnvironment().run(activities.review_campaign, ReviewRequest(OWNER, campaign))
    return found


async def status(world: World, campaign: str) -> Snapshot:
    return await world.reports.snapshot(OWNER, UUID(campaign), world.now)


async def test_status_query_and_plan_tell_the_same_end(world: World) -> None:
    campaign = await world.campaign(120, accounts=["a", "b"], terms=Terms())
    assert (await status(world, campaign)).no_end == Unknown.NOT_PLANNED_YET
    told = (await review(world, campaign)).snapshot
    started = await planning(world).campaign(OWNER, UUID(campaign), world.now)
    planned = plan(started.request(world.limits.of(PLATFORM), None, world.now))
    assert planned.ends is not None
    assert told.expected_end == planned.ends.planned
    assert (await status(world, campaign)).expected_end == planned.ends.planned
    assert told.no_end is None


async def test_it_stands_while_it_serves_and_follows_an_edit_at_once(world: World) -> None:
    campaign = await world.campaign(200, terms=Terms())
    world.now += SECOND
    first = (await review(world, campaign)).snapshot.expected_end
    world.now += SHORTEST
    assert (await review(world, campaign)).snapshot.expected_end == first
    await world.campaigns.edit(OWNER, UUID(campaign), Edit(FAST), world.now)
    sooner = (await review(world, campaign)).snapshot.expected_end
    assert first is not None
    assert sooner is not None
    assert sooner < first


async def test_an_account_that_rests_moves_it(world: World) -> None:
    campaign = await world.campaign(20)
    world.now += SECOND
    before = (await review(world, campaign)).snapshot.expected_end
    await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
    world.now += SHORTEST
    after = (await review(world, campaign)).snapshot.expected_end
    assert before is not None
    assert after is not None
    assert after - before > timedelta(hours=23)


@pytest.mark.parametrize(
    ("command", "why"), [(Command.PAUSE, Unknown.PAUSED), (Command.CANCEL, Unknown.ENDED)], ids=["paused", "cancelled"]
)
async def test_without_an_end_it_says_why(world: World, command: Command, why: Unknown) -> None:
    campaign = await world.campaign(20)
    await review(world, campaign)
    await world.command(campaign, command)
    found = (await review(world, campaign)).snapshot
    assert (found.expected_end, found.no_end) == (None, why)


async def test_a_campaign_that_nobody_can_serve_never_ends(world: World) -> None:
    campaign = await world.campaign(20, admins=[])
    assert (await review(world, campaign)).snapshot.no_end == Unknown.NEVER


async def test_an_end_that_has_passed_is_expected_at_any_moment(world: World) -> None:
    campaign = await world.campaign(1)
    await review(world, campaign)
    world.now += SHORTEST
    assert (await status(world, campaign)).expected_end == world.now


async def test_who_is_left_is_counted_from_the_marks_on(world: World) -> None:
    """Those below it were served, but the index still has them."""
    campaign = await world.campaign(9)
    for _ in range(3):
        await world.act(campaign, INVITED)
    await review(world, campaign)
    found = await planning(world).campaign(OWNER, UUID(campaign), world.now)
    assert found.waiting[Action.INVITE, Identifier.USERNAME] == 6
    await world.do("UPDATE queue_low SET seq = seq + 2 WHERE action = 'invite' AND lane = 'username'")
    found = await planning(world).campaign(OWNER, UUID(campaign), world.now)
    assert found.waiting[Action.INVITE, Identifier.USERNAME] == 4
