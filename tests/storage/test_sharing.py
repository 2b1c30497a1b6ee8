"""Campaigns that share accounts, on the real PostgreSQL: claims, own limits, edits, guardrails, hours, floods."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from domain.account import ExternalStatus
from domain.audience import Contact
from domain.campaign import Command, Phase
from domain.limits import Guardrails, Limits, PlatformSlowDown, Scope, SlowDown
from domain.outcome import Kind, Outcome
from domain.platform import Action, Budget, Identifier
from domain.policy import PATIENCE, GiveWay, NothingNow
from domain.review import Review
from domain.schedule import Schedule, Window
from domain.standing import Rest
from domain.terms import Pace, Terms
from domain.turn import Turn
from domain.why import Why
from storage.campaigns import Edit
from tests.storage.world import (
    BANNED,
    CONTACT_ADDED,
    FAST,
    FLOOD,
    GAP,
    HOUR,
    INVITED,
    MINUTE,
    NOW,
    OWNER,
    PLATFORM,
    PRIVACY,
    SECOND,
    World,
    known,
    make_limits,
    ref,
)

DAY = timedelta(days=1)
HIGH, LOW = replace(FAST, priority=1), replace(FAST, priority=5)
TINY = timedelta(microseconds=1)


async def review(world: World, campaign: str) -> Review:
    return await world.runs.review(OWNER, campaign, None, world.now)


async def edit(world: World, campaign: str, asked: Edit) -> None:
    await world.campaigns.edit(OWNER, UUID(campaign), asked, world.now)
    await review(world, campaign)


async def claims(world: World, campaign: str) -> set[str]:
    """The accounts that the campaign claims, live."""
    rows = await world.query("SELECT account_id FROM waiter WHERE campaign_id = %s AND until > %s", campaign, world.now)
    return {row["account_id"] for row in rows}


def usable(found: Review) -> list[str]:
    """Whose runs should exist."""
    lines = found.snapshot.accounts if found.acts else []
    return [line.account_id for line in lines if line.account_id not in found.gone]


def section(world: World, **changes: object) -> None:
    """Other limits from now on."""
    world.limits = Limits({PLATFORM: replace(world.limits.of(PLATFORM), **changes)})  # type: ignore[arg-type]


class TestClaims:
    async def test_a_higher_one_holds_a_lower_one_and_it_says_to_whom(self, world: World) -> None:
        high, low = await world.campaign(5, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        world.now += GAP
        until = world.now + PATIENCE
        given = await world.begin(low)
        assert isinstance(given, GiveWay)
        assert (given.until, given.to) == (until, high)
        found = await review(world, low)
        snapshot = found.snapshot
        assert (snapshot.state, snapshot.why, snapshot.to, snapshot.until) == ("waiting", Why.GIVES_WAY, high, until)
        [line] = snapshot.accounts
        assert (line.why, line.to) == (Why.GIVES_WAY, high)
        await world.turn(high)

    async def test_a_lower_one_finishes_the_action_in_flight_first(self, world: World) -> None:
        high, low = await world.campaign(5, terms=HIGH, start=False), await world.campaign(5, terms=LOW)
        turn = await world.turn(low)
        await world.command(high, Command.START)
        assert await world.begin(high) == Rest(world.now + SECOND, Why.ACCOUNT_BUSY)
        assert await world.mark(turn, low)
        await world.settle(turn, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(low), GiveWay)
        await world.turn(high)

    async def test_equal_ones_do_not_hold_each_other(self, world: World) -> None:
        first, second = await world.campaign(5), await world.campaign(5)
        for _ in range(2):
            await world.act(first, INVITED)
            await world.act(second, INVITED)

    @pytest.mark.parametrize("command", [Command.PAUSE, Command.CANCEL])
    async def test_a_command_lets_go_at_once_and_tells_whom(self, world: World, command: Command) -> None:
        high, low = await world.campaign(5, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(low), GiveWay)
        await world.command(high, command)
        assert await claims(world, high) == set()
        assert (await review(world, high)).freed == [low]
        assert (await review(world, low)).wake == ["a"]
        await world.turn(low)

    async def test_an_empty_queue_lets_go(self, world: World) -> None:
        high, low = await world.campaign(1, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        world.now += GAP
        assert await world.begin(high) == NothingNow()
        assert await claims(world, high) == set()
        await world.turn(low)

    async def test_the_end_lets_go(self, world: World) -> None:
        high, low = await world.campaign(1, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        assert (await review(world, high)).ended
        assert await claims(world, high) == set()
        world.now += GAP
        await world.turn(low)

    async def test_the_end_of_its_hours_lets_go(self, world: World) -> None:
        hours = Schedule(windows=(Window(frozenset(range(7)), 9 * 60, 9 * 60 + 31),))
        high = await world.campaign(5, terms=replace(HIGH, schedule=hours))
        low = await world.campaign(5, terms=LOW)
        world.now = NOW + MINUTE - GAP - SECOND
        await world.act(high, INVITED)
        world.now += GAP
        assert await claims(world, high) == set(), "the next action would be outside its hours"
        await world.turn(low)
        assert (await review(world, high)).snapshot.why == Why.OUTSIDE_WINDOW

    async def test_a_guardrail_lets_go(self, world: World) -> None:
        section(world, guardrails=Guardrails(sample=2, refused=0.5, flooded=1, blocked=1))
        high, low = await world.campaign(5, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, PRIVACY)
        await world.act(high, PRIVACY)
        world.now += GAP
        assert isinstance(await world.begin(low), GiveWay)
        assert (await review(world, high)).freed == [low]
        await world.turn(low)

    async def test_a_stuck_one_is_waited_for_no_longer_than_its_claim(self, world: World) -> None:
        high, low = await world.campaign(5, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        world.now += GAP
        given = await world.begin(low)
        assert isinstance(given, GiveWay)
        world.now = given.until - TINY
        assert await world.begin(low) == given
        world.now = given.until
        await world.turn(low)

    async def test_a_pace_holds_its_own_kind_of_action_only(self, world: World) -> None:
        high = await world.campaign(5, terms=replace(HIGH, pace=Pace.EVEN))
        low = await world.campaign(5, terms=LOW)
        writes = await world.campaign(5, terms=LOW, action=Action.MESSAGE)
        await world.act(high, INVITED)
        world.now += MINUTE
        paced = await world.begin(high)
        assert isinstance(paced, Rest)
        assert paced.why is Why.PACE
        assert isinstance(await world.begin(low), GiveWay)
        await world.turn(writes, action=Action.MESSAGE)

    async def test_priorities_change_while_both_run(self, world: World) -> None:
        first, second = await world.campaign(9, terms=HIGH), await world.campaign(9, terms=LOW)
        await world.act(first, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(second), GiveWay)
        await edit(world, second, Edit(terms=replace(FAST, priority=1)))
        await edit(world, first, Edit(terms=replace(FAST, priority=2)))
        await world.act(second, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(first), GiveWay)
        await world.turn(second)


class TestLimitsOfItsOwn:
    LOWER = replace(FAST, daily={Budget.INVITE: 2})

    async def test_they_hold_for_the_campaign_and_leave_the_rest_to_others(self, world: World) -> None:
        small, large = await world.campaign(9, terms=replace(self.LOWER, priority=1)), await world.campaign(9)
        await world.act(large, INVITED)
        await world.act(small, INVITED)
        await world.act(small, INVITED)
        world.now += GAP
        spent = await world.begin(small)
        assert isinstance(spent, Rest)
        assert (spent.why, spent.until) == (Why.BUDGET_SPENT, world.now.replace(minute=0, second=0) + 25 * HOUR)
        await world.act(large, INVITED)
        assert await world.usage() == 4
        await world.check(small)

    async def test_the_account_s_limit_counts_all_campaigns(self, world: World) -> None:
        world.limits = make_limits(invites=3)
        small, large = await world.campaign(9, terms=self.LOWER), await world.campaign(9)
        await world.act(small, INVITED)
        for _ in range(2):
            await world.act(large, INVITED)
        world.now += GAP
        for campaign in (small, large):
            spent = await world.begin(campaign)
            assert isinstance(spent, Rest)
            assert spent.why is Why.BUDGET_SPENT

    async def test_what_asked_nobody_is_given_back_to_both(self, world: World) -> None:
        small = await world.campaign(9, terms=replace(FAST, daily={Budget.INVITE: 1}))
        await world.act(small, Outcome(Kind.ALREADY_MEMBER))
        await world.act(small, INVITED)
        await world.check(small)

    async def test_one_campaign_s_pace_is_not_another_s(self, world: World) -> None:
        slow = await world.campaign(9, terms=Terms(daily={Budget.INVITE: 1}))
        even = await world.campaign(9, terms=Terms())
        await world.act(slow, INVITED)
        await world.act(even, INVITED)

    async def test_an_edit_paces_at_once(self, world: World) -> None:
        campaign = await world.campaign(9, terms=Terms(daily={Budget.INVITE: 2}))
        await world.act(campaign, INVITED)
        world.now += HOUR
        paced = await world.begin(campaign)
        assert isinstance(paced, Rest)
        assert (paced.why, paced.until > world.now + 8 * HOUR) == (Why.PACE, True)
        await edit(world, campaign, Edit(terms=Terms(daily={Budget.INVITE: 40})))
        await world.act(campaign, INVITED)

    async def test_a_portfolio_s_limit_holds_also_when_two_begin_at_once(self, world: World) -> None:
        section(
            world,
            scopes={Budget.MESSAGE: Scope.PORTFOLIO},
            daily=dict.fromkeys(Budget, 1000) | {Budget.MESSAGE: 7},
            batch=5,
        )
        names = ["a", "b", "c"]
        campaign = await world.campaign(40, accounts=names, action=Action.MESSAGE)
        await world.do("UPDATE account SET portfolio = 'shop'")
        begun = await asyncio.gather(*(world.begin(campaign, each, Action.MESSAGE) for each in names))
        assert sum(len(each.attempts) for each in begun if isinstance(each, Turn)) == 7
        assert {each.why for each in begun if isinstance(each, Rest)} <= {Why.BUDGET_SPENT}
        [row] = await world.query("SELECT sum(amount) AS n FROM usage WHERE scope = 'portfolio/telegram/shop'")
        assert row["n"] == 7


class TestHours:
    HOURS = Schedule(windows=(Window(frozenset(range(7)), 9 * 60, 10 * 60),))

    async def test_outside_its_hours_it_waits_and_says_until_when(self, world: World) -> None:
        campaign = await world.campaign(5, terms=replace(FAST, schedule=self.HOURS))
        await world.act(campaign, INVITED)
        world.now = NOW.replace(hour=10, minute=0)
        opens = NOW.replace(hour=9, minute=0) + DAY
        assert await world.begin(campaign) == Rest(opens, Why.OUTSIDE_WINDOW)
        found = await review(world, campaign)
        assert (found.snapshot.state, found.snapshot.why, found.snapshot.until) == (
            "waiting",
            Why.OUTSIDE_WINDOW,
            opens,
        )
        assert (found.busy, usable(found)) == (False, [])
        assert found.look_at is not None
        assert found.look_at <= opens
        world.now = opens
        assert usable(await review(world, campaign)) == ["a"]
        await world.turn(campaign)

    async def test_a_turn_begun_within_them_is_not_carried_out_after_them(self, world: World) -> None:
        campaign = await world.campaign(5, terms=replace(FAST, schedule=self.HOURS))
        world.now = NOW.replace(hour=9, minute=59, second=59)
        turn = await world.turn(campaign, turn_id="t")
        world.now += SECOND
        assert await world.turn(campaign, turn_id="t") == turn
        assert not await world.mark(turn, campaign)
        [row] = await world.query("SELECT state, sent_at FROM attempt")
        assert (row["state"], row["sent_at"]) == ("open", None)
        await world.settle(turn, None)
        await world.check(campaign)
        assert len(await world.queue(campaign)) == 5

    @pytest.mark.parametrize("change", ["UPDATE campaign SET held = 'too_many_floods'", "not chosen"])
    async def test_nor_one_of_a_campaign_that_is_held_or_of_an_account_taken_out(
        self, world: World, change: str
    ) -> None:
        campaign = await world.campaign(5, accounts=["a", "b"])
        turn = await world.turn(campaign)
        if change == "not chosen":
            await edit(world, campaign, Edit(account_ids=("b",)))
        else:
            await world.do(change)
        assert not await world.mark(turn, campaign)

    async def test_a_scheduled_one_runs_at_its_time(self, world: World) -> None:
        starts = NOW + HOUR
        terms = replace(FAST, schedule=Schedule(start_at=starts))
        campaign = await world.campaign(5, terms=terms)
        view = await world.view(campaign)
        assert (view.phase, view.why, view.until) == (Phase.SCHEDULED, Why.SCHEDULED, starts)
        assert await world.begin(campaign) == Rest(starts, Why.SCHEDULED)
        found = await review(world, campaign)
        assert (found.snapshot.state, usable(found), found.busy) == ("scheduled", [], False)
        assert (await world.view(campaign)).started_at is None
        world.now = starts
        assert (await review(world, campaign)).snapshot.state == "running"
        assert (await world.view(campaign)).started_at == starts
        await world.turn(campaign)


class TestChosenAccounts:
    async def test_one_that_is_taken_out_acts_no_more_and_claims_nothing(self, world: World) -> None:
        high, low = await world.campaign(5, accounts=["a", "b"], terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        await edit(world, high, Edit(account_ids=("b",)))
        world.now += GAP
        assert await world.begin(high) == Rest(None, Why.NOT_CHOSEN)
        assert await claims(world, high) == set()
        await world.turn(low)
        assert usable(await review(world, high)) == ["b"]
        await edit(world, high, Edit(account_ids=()))
        assert usable(await review(world, high)) == ["a", "b"]

    async def test_whom_it_added_as_contacts_is_free_for_the_others(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"], add_contact_first=True)
        await world.act(campaign, CONTACT_ADDED, action=Action.ADD_CONTACT)
        assert [bound for *_, bound, _ in await world.waiting(campaign)] == ["a"]
        await edit(world, campaign, Edit(account_ids=("b",)))
        assert [bound for *_, bound, _ in await world.waiting(campaign)] == [None]
        await world.act(campaign, INVITED, "b")
        await world.check(campaign)

    async def test_whom_it_alone_could_reach_is_settled(self, world: World) -> None:
        await world.campaign(0, accounts=["a", "b"])
        await world.book("a").keep({"user_id:7": "1:2"})
        campaign = await world.campaign([Contact(user_id=7)], accounts=["a", "b"], reaches=list(Identifier))
        assert [bound for *_, bound, _ in await world.waiting(campaign)] == ["a"]
        await edit(world, campaign, Edit(account_ids=("b",)))
        assert await world.recipients(campaign) == {0: ("unreachable", "account_gone")}
        await world.check(campaign)

    async def test_who_failed_on_all_that_are_left_does_not_wait_for_it(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"])
        await world.act(campaign, FLOOD)
        world.now += MINUTE
        assert await world.begin(campaign) == NothingNow(), "b comes first"
        await edit(world, campaign, Edit(account_ids=("a",)))
        await world.act(campaign, INVITED)
        await world.check(campaign)


class TestHeld:
    async def test_a_guardrail_holds_and_the_owner_lets_go_with_a_new_count(self, world: World) -> None:
        section(world, guardrails=Guardrails(sample=2, refused=0.5, flooded=1, blocked=1))
        campaign = await world.campaign(9)
        await world.act(campaign, PRIVACY)
        assert (await review(world, campaign)).alarm is None
        await world.act(campaign, PRIVACY)
        found = await review(world, campaign)
        assert (found.alarm, found.snapshot.state, usable(found)) == (Why.TOO_MANY_REFUSALS, "waiting", [])
        assert (await review(world, campaign)).alarm is None, "told once"
        world.now += GAP
        assert await world.begin(campaign) == Rest(None, Why.TOO_MANY_REFUSALS)
        await world.command(campaign, Command.RESUME)
        found = await review(world, campaign)
        assert (found.snapshot.state, found.wake) == ("running", ["a"])
        await world.act(campaign, PRIVACY)
        assert (await review(world, campaign)).snapshot.state == "running", "one after the word is no sample"
        await world.act(campaign, PRIVACY)
        assert (await review(world, campaign)).alarm is Why.TOO_MANY_REFUSALS

    async def test_a_pause_and_its_end_let_go_as_well(self, world: World) -> None:
        section(world, guardrails=Guardrails(sample=1, refused=0.5, flooded=1, blocked=1))
        campaign = await world.campaign(9)
        await world.act(campaign, PRIVACY)
        await review(world, campaign)
        await world.command(campaign, Command.PAUSE)
        assert (await review(world, campaign)).snapshot.state == "paused"
        await world.command(campaign, Command.RESUME)
        assert (await review(world, campaign)).snapshot.state == "running"


class TestNobodyLeft:
    async def test_it_waits_its_time_tells_once_and_ends_with_errors(self, world: World) -> None:
        section(world, gone_for=72 * HOUR)
        campaign = await world.campaign(3)
        await world.act(campaign, INVITED)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        began = world.now
        found = await review(world, campaign)
        assert (found.alarm, found.look_at is not None) == (Why.ACCOUNTS_GONE, True)
        assert (await world.view(campaign)).until == began + 72 * HOUR
        world.now = began + 72 * HOUR - TINY
        assert (await review(world, campaign)).alarm is None
        assert len(await world.queue(campaign)) == 2
        world.now = began + 72 * HOUR
        assert (await review(world, campaign)).ended
        assert (await world.view(campaign)).phase is Phase.DONE_WITH_ERRORS
        assert Counter((await world.recipients(campaign)).values()) == {
            ("invited", ""): 1,
            ("failed", "no_account_left"): 2,
        }
        await world.check(campaign)

    async def test_one_that_comes_back_in_time_starts_the_wait_anew(self, world: World) -> None:
        section(world, gone_for=72 * HOUR)
        campaign = await world.campaign(3)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        await review(world, campaign)
        world.now += 71 * HOUR
        await world.owned.enable(OWNER, "a", world.now)
        assert (await review(world, campaign)).snapshot.state == "running"
        await world.lists(known("a", ExternalStatus.INACTIVE))
        await review(world, campaign)
        assert (await world.view(campaign)).until == world.now + 72 * HOUR

    async def test_the_owner_ends_it_earlier(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        await review(world, campaign)
        await world.command(campaign, Command.FINISH)
        assert (await review(world, campaign)).ended
        assert (await world.view(campaign)).phase is Phase.DONE_WITH_ERRORS
        await world.check(campaign)

    async def test_it_does_not_end_over_a_turn_in_flight(self, world: World) -> None:
        section(world, gone_for=HOUR)
        campaign = await world.campaign(3, accounts=["a"], chosen=["a"])
        turn = await world.turn(campaign)
        assert await world.mark(turn, campaign)
        await edit(world, campaign, Edit(account_ids=("elsewhere",)))
        await world.runs.join(await world.runs.chosen(OWNER, campaign), [], world.now)
        world.now += 2 * HOUR
        assert not (await review(world, campaign)).ended
        await world.settle(turn, INVITED)
        await review(world, campaign)
        world.now += HOUR
        assert (await review(world, campaign)).ended
        await world.check(campaign)


class TestAFailedOne:
    async def test_started_again_it_goes_on_where_it_stood(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.act(campaign, INVITED)
        await world.runs.fail(OWNER, campaign, world.now)
        await world.runs.fail(OWNER, campaign, world.now)
        nobody = str(UUID(int=0))
        assert await world.housekeeping.live_campaigns(nobody, 10) == []
        await world.command(campaign, Command.START)
        [live] = await world.housekeeping.live_campaigns(nobody, 10)
        assert (live.campaign_id, live.control_no > live.acknowledged_no) == (campaign, True)
        found = await review(world, campaign)
        assert (found.ended, found.snapshot.state, usable(found)) == (False, "running", ["a"])
        view = await world.view(campaign)
        assert (view.ended_at, view.acknowledged_no) == (None, view.control_no)
        await world.act(campaign, INVITED)
        await world.act(campaign, INVITED)
        assert (await review(world, campaign)).ended
        assert await world.housekeeping.live_campaigns(nobody, 10) == []
        await world.check(campaign)


class TestFloods:
    async def test_signs_over_all_owners_slow_the_platform_and_calm_ends_it(self, world: World) -> None:
        section(world, platform_slow_down=PlatformSlowDown(floods=1, slower_by=0.2))
        campaign = await world.campaign(9)
        await world.campaign(2, accounts=["x", "y"], owner="boris")
        await world.act(campaign, INVITED)
        assert (await world.account("a"))["next_at"] == world.now + GAP
        for each in ("x", "y"):
            await world.accounts.refused(ref(each, "boris"), FLOOD, world.now)
        await world.act(campaign, INVITED)
        assert (await world.account("a"))["next_at"] == world.now + GAP / 0.8
        world.now += HOUR + MINUTE
        await world.act(campaign, INVITED)
        assert (await world.account("a"))["next_at"] == world.now + GAP

    async def test_an_account_s_signs_slow_it_alone(self, world: World) -> None:
        section(world, slow_down=SlowDown(2.0, 8.0, HOUR))
        campaign = await world.campaign(9, accounts=["a", "b"])
        await world.act(campaign, FLOOD)
        world.now += MINUTE
        await world.act(campaign, INVITED)
        await world.act(campaign, INVITED, "b")
        assert (await world.account("a"))["next_at"] == world.now - GAP + 2 * GAP
        assert (await world.account("b"))["next_at"] == world.now + GAP


class TestShares:
    async def test_one_that_leaves_gives_its_share_up_and_one_that_comes_takes_part_of_the_rest(
        self, world: World
    ) -> None:
        campaign = await world.campaign(60, accounts=["a", "b", "c"])

        async def rounds(n: int, *names: str) -> None:
            for _ in range(n):
                world.now += GAP
                for each in names:
                    await world.settle(await world.turn(campaign, each), INVITED, each)

        await rounds(5, "a", "b", "c")
        await world.lists(known("c", ExternalStatus.INACTIVE))
        assert await world.begin(campaign, "c") == Rest(None, Why.ACCOUNT_INACTIVE)
        await rounds(5, "a", "b")
        await world.enlist(campaign, ["d"])
        await world.lists(known("c"))
        assert usable(await review(world, campaign)) == ["a", "b", "c", "d"]
        await rounds(8, "a", "b", "c", "d")
        done = Counter(row["account_id"] for row in await world.query("SELECT account_id FROM recipient"))
        assert done == {"a": 18, "b": 18, "c": 13, "d": 8, None: 3}
        await world.check(campaign)

    async def test_a_batch_is_no_more_than_a_fair_part_of_the_rest(self, world: World) -> None:
        section(world, batch=100)
        campaign = await world.campaign(10, accounts=["a", "b"], action=Action.MESSAGE)
        sizes = []
        for each in ("a", "b"):
            turn = await world.begin(campaign, each, Action.MESSAGE)
            assert isinstance(turn, Turn)
            sizes.append(len(turn.attempts))
        assert sizes == [5, 3]


class TestWhatAReviewTells:
    async def test_when_it_will_be_looked_at_again(self, world: World) -> None:
        world.limits = make_limits(invites=24)
        campaign = await world.campaign(9, terms=Terms())
        assert (await review(world, campaign)).busy
        await world.act(campaign, INVITED)
        world.now += MINUTE
        paced = await world.begin(campaign)
        assert isinstance(paced, Rest)
        assert paced.until is not None
        found = await review(world, campaign)
        polled = NOW + 5 * MINUTE
        assert (found.busy, found.look_at) == (False, min(paced.until + SECOND, polled))
        assert found.priority == 3

    async def test_why_it_waits_is_not_what_an_account_said_before_it_was_limited(self, world: World) -> None:
        high, low = await world.campaign(5, terms=HIGH), await world.campaign(5, terms=LOW)
        await world.act(high, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(low), GiveWay)
        await world.accounts.refused(ref("a"), FLOOD, world.now)
        found = await review(world, low)
        assert (found.snapshot.why, found.snapshot.to) == (Why.COOLDOWN, None)
