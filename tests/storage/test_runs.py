"""Campaigns as their workflow sees them: the phase moves with the facts, and ends when nothing is open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from domain.account import ExternalStatus
from domain.campaign import Command, Phase, Wanted
from domain.errors import Forbidden, NotFound
from domain.forecast import Unknown
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action
from domain.policy import NothingNow
from domain.ports import DestinationCheck, Right
from domain.preflight import Preflight
from domain.review import Review, ToCheck
from domain.standing import Rest
from domain.statistics import Numbers
from domain.told import LINES_AT_ONCE
from domain.why import Why
from runtime.clock import SystemClock
from storage.campaigns import Edit
from storage.reviewing import LOOKED_AT
from tests.storage.world import (
    BANNED,
    FLOOD,
    GAP,
    HOUR,
    INVITED,
    MESSAGED,
    MINUTE,
    OWNER,
    PEER_FLOOD,
    PRIVACY,
    SECOND,
    UNCERTAIN,
    World,
    known,
    make_limits,
    ref,
)


async def review(world: World, campaign: str, problem: Why | None = None) -> Review:
    return await world.runs.review(OWNER, campaign, problem, world.now)


def usable(found: Review) -> list[str]:
    """Of a review that tells all lines."""
    return [line.account_id for line in found.snapshot.accounts if line.account_id not in found.gone]


async def phase(world: World, campaign: str, problem: Why | None = None) -> tuple[Phase, Why, datetime | None]:
    await review(world, campaign, problem)
    view = await world.view(campaign)
    return view.phase, view.why, view.until


def waiting(why: Why, until: datetime | None = None) -> tuple[Phase, Why, datetime | None]:
    return Phase.WAITING, why, until


RUNNING = (Phase.RUNNING, Why.WORKING, None)


class TestPreflight:
    async def found(self, world: World, campaign: str) -> Preflight:
        """As the workflow's query tells it; the status must say the same."""
        told = (await review(world, campaign)).snapshot.preflight
        assert told == (await world.reports.snapshot(OWNER, UUID(campaign), world.now)).preflight
        assert told is not None
        return told

    async def test_what_the_accounts_found_is_told_in_all(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b", "c"], admins=["a"])
        slow = DestinationCheck(Right.INVITE, warnings=(Reason.SLOW_MODE, Reason.NEARLY_FULL))
        await world.runs.rights(OWNER, campaign, "a", slow, world.now)
        assert await self.found(world, campaign) == Preflight(
            3, 3, 1, {"no_right_to_invite": 2}, {"nearly_full": 1, "slow_mode": 1}
        )

    async def test_an_account_that_is_looked_at_again_keeps_its_last_answer(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b"], admins=["a"])
        before = await self.found(world, campaign)
        await world.runs.join(await world.runs.chosen(OWNER, campaign), ["c"], world.now)
        assert await self.found(world, campaign) == before
        await world.lists(known("c"))
        await world.runs.join(await world.runs.chosen(OWNER, campaign), ["c"], world.now)
        assert await self.found(world, campaign) == Preflight(3, 2, 1, {"no_right_to_invite": 1})

    async def test_who_loses_the_right_says_why(self, world: World) -> None:
        campaign = await world.campaign(2)
        await world.act(campaign, Outcome(Kind.DESTINATION, Reason.DESTINATION_FULL))
        assert await self.found(world, campaign) == Preflight(1, 1, 0, {"destination_full": 1})
        await world.right(campaign, "a", True)
        assert await self.found(world, campaign) == Preflight(1, 1, 1)

    async def test_only_the_chosen_ones_count(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b"], chosen=["a", "b"], admins=["a"])
        await world.campaigns.edit(OWNER, UUID(campaign), Edit(account_ids=["a"]), world.now)
        assert await self.found(world, campaign) == Preflight(1, 1, 1)

    async def test_a_campaign_without_a_destination_has_none(self, world: World) -> None:
        campaign = await world.campaign(1, action=Action.MESSAGE)
        assert (await review(world, campaign)).snapshot.preflight is None


class TestPhases:
    async def test_from_preparing_to_done(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=[])
        await world.do("UPDATE campaign SET accounts_checked_at = NULL")
        assert (await world.view(campaign)).phase is Phase.NEW
        assert await phase(world, campaign) == (Phase.PREPARING, Why.PREPARING, None)
        await world.enlist(campaign, ["a"])
        assert await phase(world, campaign) == RUNNING
        await world.act(campaign, INVITED)
        assert await phase(world, campaign) == (Phase.DONE, Why.ENDED, None)
        view = await world.view(campaign)
        assert (view.ended_at, view.started_at, view.since) == (world.now, world.now - GAP, world.now)

    async def test_the_end_is_the_end(self, world: World) -> None:
        campaign = await world.campaign(1)
        await world.act(campaign, INVITED)
        await review(world, campaign)
        before = await world.view(campaign)
        world.now += HOUR
        found = await review(world, campaign)
        await world.runs.fail(OWNER, campaign, world.now)
        assert await world.view(campaign) == before
        assert (found.ended, found.gone, found.wake, found.accounts_due) == (True, [], [], False)
        with pytest.raises(Forbidden):
            await world.runs.command(OWNER, campaign, Command.PAUSE, world.now)

    @pytest.mark.parametrize("outcome", [UNCERTAIN, Outcome(Kind.CONTENT, Reason.TEXT_REFUSED)])
    async def test_failed_and_uncertain_are_errors(self, world: World, outcome: Outcome) -> None:
        campaign = await world.campaign(2)
        await world.act(campaign, INVITED)
        await world.act(campaign, outcome)
        assert await phase(world, campaign) == (Phase.DONE_WITH_ERRORS, Why.ENDED, None)

    @pytest.mark.parametrize("outcome", [PRIVACY, Outcome(Kind.UNREACHABLE, Reason.DELETED)])
    async def test_refused_and_unreachable_are_results(self, world: World, outcome: Outcome) -> None:
        campaign = await world.campaign(2)
        await world.act(campaign, FLOOD)
        world.now += MINUTE
        await world.act(campaign, outcome)
        await world.act(campaign, outcome)
        assert await phase(world, campaign) == (Phase.DONE, Why.ENDED, None)

    async def test_a_doubt_that_was_resolved_before_the_end_is_no_error(self, world: World) -> None:
        campaign = await world.campaign(1)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await world.settle(turn, UNCERTAIN)
        await world.settle(turn, INVITED)
        assert (await phase(world, campaign))[0] is Phase.DONE

    async def test_paused_resumed_and_cancelled(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.act(campaign, INVITED)
        await world.command(campaign, Command.PAUSE)
        found = await review(world, campaign)
        assert (found.wanted, found.control_no, found.gone) == (Wanted.PAUSED, 2, [])
        assert await phase(world, campaign) == (Phase.PAUSED, Why.PAUSED, None)
        [row] = await world.query("SELECT acknowledged_no FROM campaign")
        assert row["acknowledged_no"] == 2
        await world.command(campaign, Command.RESUME)
        assert await phase(world, campaign) == RUNNING
        await world.command(campaign, Command.CANCEL)
        assert await phase(world, campaign) == (Phase.CANCELLED, Why.ENDED, None)
        assert (await review(world, campaign)).snapshot.numbers.cancelled == 2
        await world.check(campaign)

    async def test_a_cancelled_draft_ends_cancelled(self, world: World) -> None:
        campaign = await world.campaign(2, start=False)
        await world.command(campaign, Command.CANCEL)
        assert await phase(world, campaign) == (Phase.CANCELLED, Why.ENDED, None)
        await world.check(campaign)

    async def test_our_own_error_fails_it(self, world: World) -> None:
        campaign = await world.campaign(2)
        await world.runs.fail(OWNER, campaign, world.now)
        view = await world.view(campaign)
        assert (view.phase, view.why, view.ended_at) == (Phase.FAILED, Why.OWN_ERROR, world.now)

    async def test_since_stays_while_the_reason_stays(self, world: World) -> None:
        campaign = await world.campaign(2)
        await review(world, campaign)
        began = world.now
        world.now += HOUR
        await review(world, campaign)
        assert (await world.view(campaign)).since == began
        await world.command(campaign, Command.PAUSE)
        await review(world, campaign)
        assert (await world.view(campaign)).since == world.now

    async def test_another_owners_campaign_is_not_found(self, world: World) -> None:
        campaign = await world.campaign(2)
        for call in (
            world.runs.review("boris", campaign, None, world.now),
            world.runs.chosen("boris", campaign),
            world.runs.fail("boris", campaign, world.now),
            world.runs.command("boris", campaign, Command.CANCEL, world.now),
            world.runs.destination_to_check("boris", campaign, "a"),
        ):
            with pytest.raises(NotFound):
                await call


class TestWaiting:
    async def test_without_accounts(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=[])
        tried_again_at = world.now + MINUTE
        assert await phase(world, campaign, Why.INTEGRATION_AWAY) == waiting(Why.INTEGRATION_AWAY, tried_again_at)
        assert await phase(world, campaign) == waiting(Why.NO_ACCOUNTS)

    async def test_a_list_without_one_from_the_start_is_no_preparing_for_ever(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=[])
        found = await review(world, campaign)
        assert (found.snapshot.why, found.alarm, found.busy) == (Why.NO_ACCOUNTS, Why.NO_ACCOUNTS, False)

    async def test_a_new_choice_of_accounts_is_read_before_anybody_is_alarmed(self, world: World) -> None:
        campaign = await world.campaign(3, chosen=["a"])
        await review(world, campaign)
        await world.campaigns.edit(OWNER, UUID(campaign), Edit(account_ids=("b",)), world.now)
        found = await review(world, campaign)
        assert (found.snapshot.why, found.alarm, found.accounts_due) == (Why.PREPARING, None, True)
        await world.enlist(campaign, ["b"])
        assert await phase(world, campaign) == RUNNING

    async def test_until_the_first_account_has_rested(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=["a", "b"])
        await world.accounts.refused(ref("a"), FLOOD, world.now)
        assert await phase(world, campaign) == RUNNING
        await world.accounts.refused(ref("b"), PEER_FLOOD, world.now)
        until = world.now + timedelta(seconds=40)
        assert await phase(world, campaign) == waiting(Why.ACCOUNTS_RESTING, until)
        world.now = until
        found = await review(world, campaign)
        assert (found.snapshot.state, usable(found)) == ("running", ["a", "b"])

    async def test_for_the_one_reason_of_all(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
        assert await phase(world, campaign) == waiting(Why.ACCOUNT_LIMITED, world.now + 24 * HOUR)

    async def test_for_a_budget(self, world: World) -> None:
        world.limits = make_limits(invites=1)
        campaign = await world.campaign(3)
        await world.act(campaign, INVITED)
        world.now += GAP
        found = await world.begin(campaign)
        assert isinstance(found, Rest)
        assert await phase(world, campaign) == waiting(Why.BUDGET_SPENT, found.until)

    async def test_for_the_account_that_has_not_failed_on_the_last_ones(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b"])
        limited = world.now
        await world.accounts.refused(ref("b"), PEER_FLOOD, limited)
        await world.act(campaign, FLOOD, "a")
        world.now += HOUR
        assert await phase(world, campaign) == RUNNING, "nobody has tried the other one"
        await world.act(campaign, INVITED, "a")
        world.now += GAP
        assert await world.begin(campaign, "a") == NothingNow()
        found = await review(world, campaign)
        assert (found.wake, found.busy) == ([], False)
        assert await phase(world, campaign) == waiting(Why.UNTRIED_RESTS, limited + 24 * HOUR)
        world.now = limited + 24 * HOUR
        assert await phase(world, campaign) == RUNNING

    async def test_of_many_who_were_tried_the_first_ones_are_looked_at(self, world: World) -> None:
        campaign = await world.campaign(LOOKED_AT - 1, accounts=["a", "b"])
        await world.accounts.refused(ref("b"), PEER_FLOOD, world.now)
        await world.do("UPDATE queue SET tried = '{a}'")
        until = world.now + 24 * HOUR
        assert await phase(world, campaign) == waiting(Why.UNTRIED_RESTS, until)
        await world.do(
            "INSERT INTO queue SELECT (jsonb_populate_record(q, jsonb_build_object('seq', 999 + q.seq))).* FROM queue q"
        )
        assert await phase(world, campaign) == RUNNING, "there may be somebody behind them"

    async def test_for_what_its_run_said(self, world: World) -> None:
        campaign = await world.campaign(3)
        rest = Rest(world.now + MINUTE, Why.CREDENTIALS_AWAY)
        await world.runs.says(OWNER, campaign, "a", rest, world.now)
        assert await phase(world, campaign) == waiting(Why.CREDENTIALS_AWAY, world.now + MINUTE)
        world.now += MINUTE
        assert await phase(world, campaign) == RUNNING

    async def test_for_accounts_that_are_gone(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=["a", "b"])
        await world.accounts.refused(ref("a"), BANNED, world.now)
        await world.lists(known("b", ExternalStatus.BANNED))
        found = await review(world, campaign)
        assert (found.snapshot.why, usable(found)) == (Why.ACCOUNTS_GONE, [])
        assert {line.account_id: line.state for line in found.snapshot.accounts} == {"a": "blocked", "b": "inactive"}

    async def test_for_an_administrator(self, world: World) -> None:
        campaign = await world.campaign(3, admins=[])
        assert await phase(world, campaign) == waiting(Why.NO_ADMIN)
        [line] = (await review(world, campaign)).snapshot.accounts
        assert (line.state, line.why) == ("not_admin", Why.NOT_ADMIN)

    async def test_for_the_destination(self, world: World) -> None:
        campaign = await world.campaign(3)
        unknown = DestinationCheck(Right.NONE, Reason.DESTINATION_UNKNOWN)
        await world.runs.rights(OWNER, campaign, "a", unknown, world.now)
        assert await phase(world, campaign) == waiting(Why.DESTINATION_UNKNOWN)

    async def test_not_while_a_turn_is_in_flight(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.turn(campaign)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        assert await phase(world, campaign) == RUNNING

    async def test_who_sleeps_though_there_is_work_is_woken(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"], admins=["a"], fallback=True)
        assert await world.begin(campaign, "b") == Rest(None, Why.NOT_ADMIN)
        assert (await review(world, campaign)).wake == []
        await world.act(campaign, PRIVACY)
        assert (await review(world, campaign)).wake == ["b"]


@asynccontextmanager
async def settling_held_up(world: World, admin_dsn: str) -> AsyncIterator[None]:
    """Whoever settles waits within, after having read the campaign's wish."""
    async with await psycopg.AsyncConnection.connect(admin_dsn) as holder:
        await holder.execute("SELECT FROM attempt FOR UPDATE")
        yield
        await holder.rollback()


async def someone_waits(world: World) -> None:
    """Until a worker's transaction stands at a lock."""
    async with asyncio.timeout(10):
        while not await world.query(
            "SELECT FROM pg_stat_activity WHERE usename = 'invite_worker' AND wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ):
            await asyncio.sleep(0.005)


class TestTheEndAndASettleInFlight:
    async def test_it_does_not_end_before_the_last_is_settled(self, world: World, admin_dsn: str) -> None:
        campaign = await world.campaign(1)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        async with settling_held_up(world, admin_dsn):
            settling = asyncio.ensure_future(world.settle(turn, INVITED))
            await someone_waits(world)
            found = await review(world, campaign)
            assert (found.ended, found.snapshot.numbers.left) == (False, 1)
        await settling
        found = await review(world, campaign)
        assert (found.ended, found.snapshot.numbers.invited) == (True, 1)

    async def test_one_who_is_put_back_behind_a_cancels_drain_is_drained_at_the_next(
        self, world: World, admin_dsn: str
    ) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        async with settling_held_up(world, admin_dsn):
            settling = asyncio.ensure_future(world.settle(turn, FLOOD))
            await someone_waits(world)
            await world.command(campaign, Command.CANCEL)
            found = await review(world, campaign)
            assert (found.ended, found.snapshot.numbers.cancelled) == (False, 2)
        await settling
        assert len(await world.queue(campaign)) == 1, "the settle had read the wish before"
        found = await review(world, campaign)
        assert (found.ended, found.snapshot.numbers.cancelled) == (True, 3)
        await world.check(campaign)

    async def test_reviews_settles_and_begins_at_once_end_it_whole(self, world: World) -> None:
        world.limits = make_limits(gap=timedelta(0))
        names = ["a", "b", "c", "d"]
        campaign = await world.campaign(20, accounts=names)
        ended = asyncio.Event()

        async def run(name: str) -> None:
            while not ended.is_set():
                begun = await world.begin(campaign, name)
                if hasattr(begun, "attempts"):
                    await world.mark(begun, campaign, name)
                    await world.settle(begun, INVITED, name)

        async def watch() -> None:
            while not (await review(world, campaign)).ended:
                pass
            ended.set()

        async with asyncio.timeout(30):
            await asyncio.gather(watch(), *(run(name) for name in names))
        numbers = (await review(world, campaign)).snapshot.numbers
        assert (numbers.processed, numbers.invited, numbers.left) == (20, 20, 0)
        assert await world.query("SELECT FROM turn WHERE closed_at IS NULL") == []
        await world.check(campaign)


class TestAccountsDue:
    async def test_at_once_then_after_the_time_for_running_or_waiting(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=[])
        assert (await review(world, campaign)).accounts_due is False, "they were just read"
        await world.do("UPDATE campaign SET accounts_checked_at = NULL")
        assert (await review(world, campaign)).accounts_due
        await world.enlist(campaign, ["a"])
        read_at = world.now
        world.now = read_at + 5 * MINUTE - SECOND
        assert not (await review(world, campaign)).accounts_due
        world.now = read_at + 5 * MINUTE
        assert (await review(world, campaign)).accounts_due
        await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
        world.now = read_at + MINUTE - SECOND
        assert not (await review(world, campaign)).accounts_due
        world.now = read_at + MINUTE
        assert (await review(world, campaign)).accounts_due

    async def test_a_list_that_could_not_be_read_is_asked_for_again_after_the_same_time(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=[])
        world.now += HOUR
        assert (await review(world, campaign, Why.INTEGRATION_AWAY)).accounts_due
        await world.runs.tried_to_join(await world.runs.chosen(OWNER, campaign), world.now)
        assert not (await review(world, campaign, Why.INTEGRATION_AWAY)).accounts_due
        world.now += MINUTE
        assert (await review(world, campaign, Why.INTEGRATION_AWAY)).accounts_due

    async def test_not_while_paused(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.command(campaign, Command.PAUSE)
        world.now += HOUR
        assert not (await review(world, campaign)).accounts_due


class TestJoining:
    async def test_only_known_accounts_join_and_those_inside_stay_as_they_are(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=["a"])
        await world.lists(known("b"))
        chosen = await world.runs.chosen(OWNER, campaign)
        await world.runs.join(chosen, ["a", "b", "never heard of"], world.now)
        rows = await world.query("SELECT account_id, can_invite, checked, why FROM campaign_account ORDER BY 1")
        assert [tuple(row.values()) for row in rows] == [
            ("a", True, True, Why.WORKING),
            ("b", False, False, Why.PREPARING),
        ]
        assert usable(await review(world, campaign)) == ["a", "b"]

    async def test_another_owners_account_does_not_join(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=[])
        await world.lists(known("b"), owner="boris")
        await world.runs.join(await world.runs.chosen(OWNER, campaign), ["b"], world.now)
        assert await world.query("SELECT FROM campaign_account") == []

    async def test_who_may_not_invite_is_looked_at_again_at_each_poll(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=["a", "b"], admins=["a"])
        assert await world.runs.destination_to_check(OWNER, campaign, "b") == ToCheck("")
        await world.runs.join(await world.runs.chosen(OWNER, campaign), ["a", "b"], world.now)
        assert await world.runs.destination_to_check(OWNER, campaign, "a") == ToCheck("")
        assert await world.runs.destination_to_check(OWNER, campaign, "b") == ToCheck("@club")

    async def test_a_message_campaign_has_no_destination_to_check(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=[], action=Action.MESSAGE)
        await world.lists(known("a"))
        await world.runs.join(await world.runs.chosen(OWNER, campaign), ["a"], world.now)
        assert await world.runs.destination_to_check(OWNER, campaign, "a") == ToCheck("")


class TestHealing:
    @pytest.fixture
    async def campaign(self, world: World) -> str:
        campaign = await world.campaign(3)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        return campaign

    async def know(self, world: World, status: ExternalStatus, version: int = 1) -> str:
        await world.lists(known("a", status, version))
        return str((await world.account("a"))["state"])

    async def test_a_block_of_ours_outlasts_a_list_that_never_saw_it(self, world: World, campaign: str) -> None:
        assert await self.know(world, ExternalStatus.ACTIVE) == "blocked"
        assert (await review(world, campaign)).snapshot.why == Why.ACCOUNTS_GONE

    @pytest.mark.parametrize("status", [ExternalStatus.INACTIVE, ExternalStatus.BANNED])
    async def test_off_and_on_again_heals_it(self, world: World, campaign: str, status: ExternalStatus) -> None:
        assert await self.know(world, status) == "blocked"
        assert await self.know(world, ExternalStatus.ACTIVE) == "active"
        assert usable(await review(world, campaign)) == ["a"]
        await world.act(campaign, INVITED)

    async def test_new_credentials_heal_it_when_it_is_active(self, world: World, campaign: str) -> None:
        assert await self.know(world, ExternalStatus.ACTIVE, version=2) == "active"
        account = await world.account("a")
        assert (account["reason"], account["until"], account["credentials_version"]) == ("", None, 2)

    async def test_new_credentials_of_an_inactive_account_heal_it_once_it_is_active(
        self, world: World, campaign: str
    ) -> None:
        assert await self.know(world, ExternalStatus.INACTIVE, version=2) == "blocked"
        assert await self.know(world, ExternalStatus.ACTIVE, version=2) == "active"

    async def test_what_was_off_before_the_block_does_not_count(self, world: World) -> None:
        await world.campaign(3)
        await self.know(world, ExternalStatus.INACTIVE)
        await self.know(world, ExternalStatus.ACTIVE)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        assert await self.know(world, ExternalStatus.ACTIVE) == "blocked"

    async def test_the_owner_ends_a_block_and_a_rest_but_no_named_one(self, world: World, campaign: str) -> None:
        await world.owned.enable(OWNER, "a", world.now)
        assert (await world.account("a"))["state"] == "active"
        await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
        await world.owned.enable(OWNER, "a", world.now)
        assert (await world.account("a"))["state"] == "active"
        await world.accounts.refused(ref("a"), FLOOD, world.now)
        await world.owned.enable(OWNER, "a", world.now)
        assert (await world.account("a"))["state"] == "cooldown"
        with pytest.raises(NotFound):
            await world.owned.enable("boris", "a", world.now)

    async def test_a_rest_is_not_healed_by_the_list(self, world: World) -> None:
        await world.campaign(3)
        await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
        await self.know(world, ExternalStatus.INACTIVE)
        assert await self.know(world, ExternalStatus.ACTIVE, version=2) == "limited"


class TestNumbers:
    async def test_the_snapshot_tells_everybody_once(self, world: World) -> None:
        campaign = await world.campaign(6, accounts=["a", "b", "c"], admins=["a", "b"], fallback=True)
        began = world.now
        await world.act(campaign, INVITED, "a")
        await world.act(campaign, PRIVACY, "b")
        await world.act(campaign, MESSAGED, "c", Action.MESSAGE)
        await world.act(campaign, Outcome(Kind.REFUSED, Reason.BLOCKED_US), "a")
        await world.act(campaign, UNCERTAIN, "b")
        await world.act(campaign, FLOOD, "b")
        world.now = began + 2 * MINUTE
        found = (await review(world, campaign)).snapshot
        assert found.numbers == Numbers(
            total=6,
            processed=4,
            left=2,
            invited=1,
            already_member=0,
            messaged=0,
            messaged_instead=1,
            link_sent=0,
            refused={"blocked_us": 1},
            unreachable={},
            failed={},
            uncertain=1,
            cancelled=0,
        )
        first, second, third = found.accounts
        assert (first.done, first.errors) == ({"invited": 1, "refused": 1}, {})
        assert (second.done, second.errors) == ({"refused": 1}, {"no_answer": 1, "flood_wait": 1})
        assert (third.done, third.errors) == ({"messaged_instead": 1}, {})
        assert found == await world.reports.snapshot(OWNER, UUID(campaign), world.now)
        assert found.per_minute > 0
        assert (found.expected_end, found.no_end) == (None, Unknown.NOT_PLANNED_YET)

    async def test_the_report_lists_everybody_in_order_page_by_page(self, world: World) -> None:
        campaign = await world.campaign(7)
        await world.act(campaign, INVITED)
        async with world.reports.whole(OWNER, UUID(campaign), SystemClock().now) as whole:
            pages = [page async for page in whole.pages(3)]
        assert [line.position for page in pages for line in page] == list(range(7))
        assert [line.reached for page in pages for line in page] == [True] + [False] * 6
        with pytest.raises(NotFound):
            async with world.reports.whole("boris", UUID(campaign), SystemClock().now):
                pass

    async def test_a_report_sees_one_moment_while_the_campaign_goes_on(self, world: World) -> None:
        campaign = await world.campaign(7)
        await world.act(campaign, INVITED)
        async with world.reports.whole(OWNER, UUID(campaign), SystemClock().now) as whole:
            await world.act(campaign, INVITED)
            people = [line async for page in whole.pages(2) for line in page]
            settled = [line for line in people if line.outcome is not None]
            divided = whole.totals
            assert whole.snapshot.numbers.processed == len(settled) == 1
            assert sum(part.recipients for part in divided.by_day.values()) == 1
        after = await world.reports.snapshot(OWNER, UUID(campaign), world.now)
        assert after.numbers.processed == 2

    async def test_an_owners_reports_wait_for_one_another_and_others_do_not(self, world: World) -> None:
        campaign, theirs = UUID(await world.campaign(1)), UUID(await world.campaign(1, owner="boris"))

        async def read() -> None:
            async with world.reports.whole(OWNER, campaign, SystemClock().now):
                pass

        async with world.reports.whole(OWNER, campaign, SystemClock().now):
            waiting = [asyncio.create_task(read()) for _ in range(3)]
            async with world.reports.whole("boris", theirs, SystemClock().now):
                assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)


class TestTelling:
    """The workflow's history holds every review's answer: so it tells what changed, page by page."""

    async def test_only_the_lines_that_changed_since_the_number_that_was_heard(self, world: World) -> None:
        campaign = await world.campaign(5, accounts=["a", "b", "c"])
        first = await review(world, campaign)
        assert [line.account_id for line in first.snapshot.accounts] == ["a", "b", "c"]
        await world.act(campaign, INVITED, "b")
        second = await world.runs.review(OWNER, campaign, None, world.now, first.seen)
        assert [(line.account_id, line.done) for line in second.snapshot.accounts] == [("b", {"invited": 1})]
        assert second.snapshot.numbers.invited == 1
        third = await world.runs.review(OWNER, campaign, None, world.now, second.seen)
        assert (third.snapshot.accounts, third.seen, third.more) == ([], second.seen, False)

    async def test_an_answer_that_was_lost_is_told_again(self, world: World) -> None:
        campaign = await world.campaign(5, accounts=["a", "b"])
        first = await review(world, campaign)
        await world.act(campaign, INVITED, "b")
        answers = [await world.runs.review(OWNER, campaign, None, world.now, first.seen) for _ in range(2)]
        assert answers[0].snapshot.accounts == answers[1].snapshot.accounts != []
        assert answers[0].seen == answers[1].seen

    async def test_that_an_account_is_gone_and_back_again(self, world: World) -> None:
        campaign = await world.campaign(5, accounts=["a", "b"])
        first = await review(world, campaign)
        await world.accounts.refused(ref("a"), BANNED, world.now)
        second = await world.runs.review(OWNER, campaign, None, world.now, first.seen)
        assert (second.gone, [line.state for line in second.snapshot.accounts]) == (["a"], ["blocked"])
        await world.owned.enable(OWNER, "a", world.now)
        third = await world.runs.review(OWNER, campaign, None, world.now, second.seen)
        assert (third.gone, [line.account_id for line in third.snapshot.accounts]) == ([], ["a"])

    async def test_thousands_are_told_page_by_page_and_then_they_are_those_of_the_status(self, world: World) -> None:
        names = [f"account-{number:04}" for number in range(2 * LINES_AT_ONCE + 3)]
        campaign = await world.campaign(5, accounts=[])
        await world.lists(*map(known, names))
        await world.runs.join(await world.runs.chosen(OWNER, campaign), names, world.now)
        lines, seen, pages = {}, 0, []
        while not pages or pages[-1].more:
            pages.append(await world.runs.review(OWNER, campaign, None, world.now, seen))
            seen = pages[-1].seen
            lines |= {line.account_id: line for line in pages[-1].snapshot.accounts}
        assert [len(page.snapshot.accounts) for page in pages] == [LINES_AT_ONCE, LINES_AT_ONCE, 3]
        status = await world.reports.snapshot(OWNER, UUID(campaign), world.now)
        assert list(lines.values()) == status.accounts
