"""Who was invited is looked for again, by whom and when; and the counts say the same as the people, whoever asks."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from domain.account import ExternalStatus
from domain.campaign import Command
from domain.limits import Limits
from domain.membership import DueLooks, Memberships, ToLookFor
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action
from storage.looks import AT_ONCE, GIVEN_UP_AFTER
from tests.storage.world import (
    BANNED,
    FLOOD,
    GAP,
    HOUR,
    INVITED,
    LOOKS,
    OWNER,
    PEER_FLOOD,
    PLATFORM,
    PRIVACY,
    SECOND,
    UNCERTAIN,
    World,
    known,
    make_limits,
    ref,
)

JOIN_REQUESTED = Outcome(Kind.REFUSED, Reason.JOIN_REQUESTED)
ALREADY_MEMBER = Outcome(Kind.ALREADY_MEMBER)
FIRST, DAY, THREE_DAYS = LOOKS


async def due(world: World, account: str = "a") -> list[int]:
    """For whom the account is to look now."""
    sought = await world.looks.due(ref(account), world.now)
    return [] if sought is None else [person.position for person in sought.people]


async def look(world: World, told: Mapping[int, bool], account: str = "a") -> ToLookFor:
    """The account looks, and is told that."""
    sought = await world.looks.due(ref(account), world.now)
    assert sought is not None
    await world.looks.seen(ref(account), sought, told, world.now)
    return sought


async def found(world: World, campaign: str) -> tuple[int, int, int, int]:
    """Joined, there, left and unknown: in the status, in the workflow's snapshot and in the people's rows alike."""
    status = (await world.reports.snapshot(OWNER, UUID(campaign), world.now)).membership
    query = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot.membership
    rows = await world.query("SELECT membership, outcome, reason FROM recipient WHERE campaign_id = %s", campaign)
    followed = [row for row in rows if row["outcome"] == "invited" or row["reason"] == "join_requested"]
    counts = {state: sum(row["membership"] == state for row in followed) for state in ("joined", "there", "left")}
    assert status == query == Memberships(**counts, unknown=sum(row["membership"] is None for row in followed))
    return status.joined, status.there, status.left, status.unknown


class TestLooks:
    async def test_who_joins_stays_and_leaves(self, world: World) -> None:
        campaign = await world.campaign(3)
        for _ in range(3):
            await world.act(campaign, INVITED)
        settled_at = world.now
        assert await due(world) == []
        assert await found(world, campaign) == (0, 0, 0, 3)
        world.now = settled_at + FIRST
        sought = await look(world, {0: True, 1: True, 2: False})
        assert (sought.campaign_id, sought.destination) == (campaign, "@club")
        assert [person.username for person in sought.people] == ["person_0", "person_1", "person_2"]
        assert await found(world, campaign) == (2, 0, 1, 0)
        assert await due(world) == []
        world.now = settled_at + DAY
        await look(world, {0: True, 1: False, 2: True})
        assert await found(world, campaign) == (1, 1, 1, 0)
        world.now = settled_at + THREE_DAYS
        await look(world, {0: True, 1: False, 2: True})
        assert await found(world, campaign) == (0, 2, 1, 0)
        assert await world.query("SELECT FROM look") == []

    async def test_a_request_to_join_that_is_granted_later_is_noticed(self, world: World) -> None:
        campaign = await world.campaign(2)
        for _ in range(2):
            await world.act(campaign, JOIN_REQUESTED)
        world.now += FIRST
        await look(world, {0: False, 1: False})
        assert await found(world, campaign) == (0, 0, 0, 2)
        world.now += DAY
        await look(world, {0: True, 1: False})
        assert await found(world, campaign) == (1, 0, 0, 1)

    async def test_of_whom_nothing_was_told_is_as_before_and_looked_for_at_the_next_time(self, world: World) -> None:
        campaign = await world.campaign(2)
        for _ in range(2):
            await world.act(campaign, INVITED)
        world.now += FIRST
        await look(world, {0: True})
        assert (await found(world, campaign), await due(world)) == ((1, 0, 0, 1), [])
        world.now += DAY
        await look(world, {})
        assert (await found(world, campaign), await due(world)) == ((1, 0, 0, 1), [])

    @pytest.mark.parametrize("outcome", [PRIVACY, ALREADY_MEMBER, UNCERTAIN])
    async def test_nobody_else_is_looked_for(self, world: World, outcome: Outcome) -> None:
        campaign = await world.campaign(1)
        await world.act(campaign, outcome)
        world.now += FIRST
        assert (await due(world), await found(world, campaign)) == ([], (0, 0, 0, 0))

    async def test_but_whom_a_doubt_turns_out_to_have_been_invited(self, world: World) -> None:
        campaign = await world.campaign(1)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        for outcome in (UNCERTAIN, INVITED, INVITED):
            await world.settle(turn, outcome)
        world.now += FIRST
        assert (await due(world), await found(world, campaign)) == ([0], (0, 0, 0, 1))

    async def test_a_campaign_of_messages_has_no_members(self, world: World) -> None:
        campaign = await world.campaign(1, action=Action.MESSAGE)
        assert (await world.reports.snapshot(OWNER, UUID(campaign), world.now)).membership is None

    async def test_where_the_limits_name_no_times_nobody_is_looked_for(self, world: World) -> None:
        world.limits = Limits({PLATFORM: replace(make_limits().of(PLATFORM), look_again=())})
        campaign = await world.campaign(1)
        await world.act(campaign, INVITED)
        assert await world.query("SELECT FROM look") == []
        assert await found(world, campaign) == (0, 0, 0, 1)


class TestWhen:
    async def test_it_goes_on_after_the_campaigns_end(self, world: World) -> None:
        campaign = await world.campaign(1)
        await world.act(campaign, INVITED)
        assert (await world.runs.review(OWNER, campaign, None, world.now)).ended
        for each, states in ((FIRST, (1, 0, 0, 0)), (DAY, (0, 1, 0, 0))):
            world.now += each
            await look(world, {0: True})
            assert await found(world, campaign) == states

    async def test_a_cancelled_campaigns_people_are_looked_for_once_more(self, world: World) -> None:
        campaign = await world.campaign(2)
        await world.act(campaign, INVITED)
        await world.command(campaign, Command.CANCEL)
        world.now += FIRST
        await look(world, {0: True})
        assert await found(world, campaign) == (1, 0, 0, 0)
        assert await world.query("SELECT FROM look") == []

    async def test_looks_that_were_missed_are_not_made_up_for(self, world: World) -> None:
        campaign = await world.campaign(1)
        await world.act(campaign, INVITED)
        world.now += DAY + HOUR
        await look(world, {0: True})
        world.now += HOUR
        assert await due(world) == []
        world.now += DAY
        assert await due(world) == []
        world.now += DAY
        assert await due(world) == [0]

    async def test_a_look_that_is_written_twice_counts_once(self, world: World) -> None:
        campaign = await world.campaign(1)
        await world.act(campaign, INVITED)
        world.now += FIRST
        sought = await look(world, {0: True})
        for told in ({0: True}, {0: False}):
            await world.looks.seen(ref("a"), sought, told, world.now)
        assert await found(world, campaign) == (1, 0, 0, 0)

    async def test_few_at_once_those_who_have_waited_longest_first(self, world: World) -> None:
        world.limits = make_limits(invites=1000)
        campaign = await world.campaign(AT_ONCE + 2)
        for _ in range(AT_ONCE + 2):
            await world.act(campaign, INVITED)
        world.now += FIRST
        assert await due(world) == list(range(AT_ONCE))
        await look(world, dict.fromkeys(range(AT_ONCE), True))
        assert await due(world) == [AT_ONCE, AT_ONCE + 1]

    async def test_one_campaign_at_a_time(self, world: World) -> None:
        campaigns = [await world.campaign(1) for _ in range(2)]
        for campaign in campaigns:
            await world.act(campaign, INVITED)
        world.now += FIRST
        assert [(await look(world, {0: True})).campaign_id for _ in campaigns] == campaigns


class TestByWhom:
    @pytest.fixture
    async def campaign(self, world: World) -> str:
        """Invited by `a`; `b` may invite as well, `c` may not."""
        campaign = await world.campaign(2, accounts=["a", "b", "c"], admins=["a", "b"])
        await world.act(campaign, INVITED)
        return campaign

    async def lookers(self, world: World) -> list[DueLooks]:
        return await world.housekeeping.due_looks(world.now, 10)

    async def test_by_who_has_invited_them(self, world: World, campaign: str) -> None:
        world.now += FIRST - SECOND
        assert await self.lookers(world) == []
        world.now += SECOND
        assert await self.lookers(world) == [DueLooks(ref("a"), able=True)]
        assert await due(world, "b") == []

    async def test_while_it_rests_for_a_moment_they_wait(self, world: World, campaign: str) -> None:
        await world.accounts.refused(ref("a"), FLOOD, world.now + FIRST)
        world.now += FIRST
        assert await self.lookers(world) == []
        world.now += timedelta(seconds=40)
        assert await self.lookers(world) == [DueLooks(ref("a"), able=True)]

    @pytest.mark.parametrize("lost", [BANNED, PEER_FLOOD, None])
    async def test_another_one_takes_the_place_of_one_that_is_gone(
        self, world: World, campaign: str, lost: Outcome | None
    ) -> None:
        if lost is None:
            await world.lists(known("a", ExternalStatus.INACTIVE))
        else:
            await world.accounts.refused(ref("a"), lost, world.now)
        world.now += FIRST
        assert await self.lookers(world) == [DueLooks(ref("a"), able=False)]
        await world.looks.hand_over(ref("a"), world.now)
        assert await self.lookers(world) == [DueLooks(ref("b"), able=True)]
        await look(world, {0: True}, "b")
        assert await found(world, campaign) == (1, 0, 0, 0)

    async def test_without_another_they_wait_and_are_given_up_in_the_end(self, world: World, campaign: str) -> None:
        await world.right(campaign, "b", False)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        world.now += FIRST + GIVEN_UP_AFTER - SECOND
        await world.looks.hand_over(ref("a"), world.now)
        assert await self.lookers(world) == [DueLooks(ref("a"), able=False)]
        world.now += SECOND
        await world.looks.hand_over(ref("a"), world.now)
        assert await self.lookers(world) == []
        assert await found(world, campaign) == (0, 0, 0, 1)

    async def test_those_that_can_come_first(self, world: World, campaign: str) -> None:
        world.now += GAP
        await world.act(campaign, INVITED, "b")
        await world.accounts.refused(ref("a"), BANNED, world.now)
        world.now += FIRST
        assert await self.lookers(world) == [DueLooks(ref("b"), able=True), DueLooks(ref("a"), able=False)]
        assert len(await world.housekeeping.due_looks(world.now, 1)) == 1

    async def test_two_at_the_same_moment(self, world: World, campaign: str) -> None:
        await world.act(campaign, INVITED, "b")
        world.now += FIRST
        await asyncio.gather(look(world, {0: True}, "a"), look(world, {1: True}, "b"))
        assert await found(world, campaign) == (2, 0, 0, 0)
