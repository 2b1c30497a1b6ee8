"""Turns on the real PostgreSQL, as role invite_worker: never lost, never twice, never beyond a limit."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from domain.account import AccountState, ExternalStatus
from domain.audience import Contact
from domain.campaign import Command, Phase, Wanted
from domain.errors import LeaseLost, NotFound
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget, Identifier
from domain.policy import Act, NothingNow
from domain.ports import Found
from domain.standing import Rest
from domain.turn import AttemptState, Halted, Settled, Turn
from domain.why import Why
from storage import claims
from storage.engine import together
from tests.storage.world import (
    AWAY,
    BANNED,
    CONTACT_ADDED,
    FLOOD,
    GAP,
    HOUR,
    INVITED,
    MESSAGED,
    MINUTE,
    NOT_ADMIN,
    OWNER,
    PEER_FLOOD,
    POSTPONED,
    PRIVACY,
    SAME_PERSON,
    SECOND,
    UNCERTAIN,
    World,
    known,
    make_limits,
    ref,
)

DAY = timedelta(hours=24)


class TestOneTurn:
    async def test_a_recipient_is_taken_marked_and_settled(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        [attempt] = turn.attempts
        assert (turn.action, turn.destination) == (Action.INVITE, "@club")
        assert (attempt.person.position, attempt.person.username) == (0, "person_0")
        assert attempt.state is AttemptState.OPEN
        assert [position for position, _, _ in await world.queue(campaign)] == [1, 2]
        assert await world.mark(turn, campaign)
        world.now += SECOND
        await world.settle(turn, INVITED)
        await world.check(campaign)
        assert await world.recipients(campaign) == {0: ("invited", ""), 1: (None, None), 2: (None, None)}
        assert await world.counters(campaign) == {("a", "invited", "", True): 1}
        [row] = await world.query("SELECT * FROM recipient WHERE position = 0")
        assert (row["account_id"], row["action"], row["instead"], row["settled_at"]) == (
            "a",
            "invite",
            False,
            world.now,
        )
        assert await world.usage() == 1
        assert (await world.account("a"))["next_at"] == world.now + GAP

    async def test_the_gap_is_kept_to_the_second(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.settle(turn, INVITED)
        world.now += GAP - SECOND
        assert await world.begin(campaign) == Rest(world.now + SECOND, Why.GAP)
        world.now += SECOND
        await world.turn(campaign)

    async def test_begun_again_it_is_the_same_turn(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign, turn_id="t1")
        before = await world.everything()
        assert await world.begin(campaign, turn_id="t1") == turn
        assert await world.everything() == before
        await world.mark(turn, campaign)
        [sent] = (await world.turn(campaign, turn_id="t1")).attempts
        assert sent == replace(turn.attempts[0], state=AttemptState.SENT, sent_at=world.now)

    async def test_begun_again_after_its_end_it_is_settled(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign, turn_id="t1")
        await world.settle(turn, INVITED)
        world.now += HOUR
        before = await world.everything()
        assert await world.begin(campaign, turn_id="t1") == Settled()
        assert await world.everything() == before

    @pytest.mark.parametrize("again", [INVITED, PRIVACY, FLOOD, BANNED, UNCERTAIN, None])
    async def test_settled_twice_nothing_changes(self, world: World, again: Outcome | None) -> None:
        campaign = await world.campaign(3, fallback=True)
        turn = await world.turn(campaign)
        await world.settle(turn, INVITED)
        before = await world.everything()
        world.now += MINUTE
        await world.settle(turn, again)
        assert await world.everything() == before

    async def test_a_turn_that_never_was_is_settled_to_nothing(self, world: World) -> None:
        campaign = await world.campaign(3)
        before = await world.everything()
        await world.turns.settle("nobody's", ref("a"), {0: INVITED}, world.now)
        assert await world.everything() == before
        await world.check(campaign)

    async def test_no_call_was_made_leaves_the_person_in_place_and_the_budget_unspent(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        assert await world.usage() == 1
        await world.settle(turn, None)
        assert [position for position, _, _ in await world.queue(campaign)] == [0, 1, 2]
        assert await world.usage() == 0
        assert await world.counters(campaign) == {}
        await world.check(campaign)

    async def test_an_unknown_account_or_campaign_is_not_found(self, world: World) -> None:
        campaign = await world.campaign(3)
        other = await world.campaign(3, accounts=["b"])
        with pytest.raises(NotFound):
            await world.begin(other, "a")
        world.fences[OWNER, "nobody"] = 1
        with pytest.raises(NotFound):
            await world.begin(campaign, "nobody")

    async def test_another_action_that_is_due_is_named(self, world: World) -> None:
        campaign = await world.campaign(1)
        found = await world.begin(campaign, action=Action.MESSAGE)
        assert isinstance(found, Act)
        assert found.waiting.action is Action.INVITE
        assert await world.query("SELECT FROM turn") == []

    async def test_an_empty_queue_is_nothing_now(self, world: World) -> None:
        campaign = await world.campaign(1)
        await world.act(campaign, INVITED)
        world.now += GAP
        assert await world.begin(campaign) == NothingNow()
        [row] = await world.query("SELECT why FROM campaign_account")
        assert row["why"] == Why.QUEUE_EMPTY


class TestPermission:
    async def test_a_paused_campaign_starts_nothing_and_sends_nothing(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.command(campaign, Command.PAUSE)
        assert not await world.mark(turn, campaign)
        await world.settle(turn, None)
        assert await world.begin(campaign) == Halted(Wanted.PAUSED)
        await world.check(campaign)
        await world.command(campaign, Command.RESUME)
        world.now += GAP
        assert (await world.turn(campaign)).attempts[0].person.position == 0

    async def test_after_the_leases_end_nothing_is_sent_or_begun(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        by = world.key(campaign, "a")
        assert await world.turns.still_ours(by)
        await world.end_lease("a")
        assert not await world.turns.still_ours(by)
        assert not await world.mark(turn, campaign)
        with pytest.raises(LeaseLost):
            await world.begin(campaign)

    async def test_an_old_fence_sends_nothing_and_begins_nothing(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        old = world.key(campaign, "a", "next")
        await world.lease("a")
        assert await world.turns.mark_sent(turn.turn_id, old, [0], world.now) == frozenset()
        assert not await world.turns.still_ours(old)
        with pytest.raises(LeaseLost):
            await world.turns.begin(old, Action.INVITE, world.now)
        assert await world.mark(turn, campaign)

    async def test_a_holder_from_before_cannot_say_that_nothing_was_done(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        old = world.key(campaign, "a").fence
        await world.lease("a")
        assert (await world.turn(campaign)).turn_id == turn.turn_id
        before = await world.everything()
        await world.turns.settle(turn.turn_id, ref("a"), {0: None}, world.now, old)
        await world.turns.settle(turn.turn_id, ref("a"), {0: Outcome(Kind.UNCERTAIN)}, world.now, old)
        after = await world.everything()
        assert {name: rows for name, rows in after.items() if name != "account"} == {
            name: rows for name, rows in before.items() if name != "account"
        }

    async def test_but_what_it_saw_done_is_a_fact(self, world: World) -> None:
        campaign = await world.campaign(1)
        turn = await world.turn(campaign)
        old = world.key(campaign, "a").fence
        await world.lease("a")
        await world.turn(campaign)
        await world.turns.settle(turn.turn_id, ref("a"), {0: INVITED}, world.now, old)
        assert await world.recipients(campaign) == {0: ("invited", "")}

    async def test_a_mark_is_given_once(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        assert sorted(await asyncio.gather(*(world.mark(turn, campaign) for _ in range(8)))) == [False] * 7 + [True]

    async def test_a_draft_starts_nothing(self, world: World) -> None:
        campaign = await world.campaign(3, start=False)
        assert await world.begin(campaign) == Halted(Wanted.NONE)

    async def test_an_earlier_runs_open_turn_is_adopted(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign, turn_id="run-1/7/0")
        await world.mark(turn, campaign)
        await world.lease("a", holder="w1")
        adopted = await world.turn(campaign, turn_id="run-2/0/0")
        assert adopted.turn_id == "run-1/7/0"
        assert adopted.attempts[0].key == turn.attempts[0].key
        assert adopted.attempts[0].state is AttemptState.SENT

    @pytest.mark.parametrize("nothing", [None, AWAY, UNCERTAIN, FLOOD])
    async def test_a_late_holder_that_did_nothing_leaves_the_turn_to_who_was_given_it(
        self, world: World, nothing: Outcome | None
    ) -> None:
        campaign = await world.campaign(1)
        turn = await world.turn(campaign, turn_id="run/0/0")
        old = world.key(campaign, "a").fence
        await world.lease("a", holder="w1")
        adopted = await world.turn(campaign, turn_id="run/0/0")
        assert await world.mark(adopted, campaign)
        await world.turns.settle(turn.turn_id, ref("a"), {0: nothing}, world.now, old)
        assert not await world.queue(campaign)
        await world.settle(adopted, INVITED)
        assert await world.recipients(campaign) == {0: ("invited", "")}

    async def test_a_late_holders_fact_settles_the_turn_that_another_was_given(self, world: World) -> None:
        campaign = await world.campaign(1)
        turn = await world.turn(campaign, turn_id="run/0/0")
        old = world.key(campaign, "a").fence
        assert await world.mark(turn, campaign)
        await world.lease("a", holder="w1")
        await world.turn(campaign, turn_id="run/0/0")
        await world.turns.settle(turn.turn_id, ref("a"), {0: INVITED}, world.now, old)
        assert await world.recipients(campaign) == {0: ("invited", "")}

    async def test_another_campaign_is_told_that_the_account_is_busy(self, world: World) -> None:
        first, second = await world.campaign(3), await world.campaign(3)
        turn = await world.turn(first)
        assert await world.begin(second) == Rest(world.now + SECOND, Why.ACCOUNT_BUSY)
        await world.settle(turn, INVITED)
        assert await world.begin(second) == Rest(world.now + GAP, Why.GAP)
        world.now += GAP
        await world.turn(second)

    async def test_an_account_that_its_owner_switched_off_acts_no_more(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await world.lists(known("a", ExternalStatus.INACTIVE))
        await world.settle(turn, INVITED)
        world.now += GAP
        assert await world.begin(campaign) == Rest(None, Why.ACCOUNT_INACTIVE)
        await world.lists(known("a"))
        assert (await world.runs.review(OWNER, campaign, None, world.now)).wake == ["a"]
        await world.turn(campaign)

    async def test_what_is_in_doubt_waits_until_its_account_has_rested(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign, turn_id="t1")
        await world.mark(turn, campaign)
        await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
        assert await world.begin(campaign, turn_id="t1") == Rest(world.now + DAY, Why.ACCOUNT_LIMITED)
        world.now += DAY
        assert (await world.turn(campaign, turn_id="t1")).attempts[0].key == turn.attempts[0].key


class TestFacts:
    @pytest.mark.parametrize(
        "fact", [INVITED, Outcome(Kind.ALREADY_MEMBER), Outcome(Kind.UNREACHABLE, Reason.DELETED), PRIVACY]
    )
    async def test_a_late_fact_takes_the_place_of_uncertain_once(self, world: World, fact: Outcome) -> None:
        campaign = await world.campaign(2)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await world.settle(turn, UNCERTAIN)
        assert await world.counters(campaign) == {("a", "uncertain", "no_answer", True): 1}
        await world.lease("a")  # whatever the fence says
        await world.settle(turn, fact)
        assert (await world.recipients(campaign))[0] == (fact.kind, fact.reason)
        assert await world.counters(campaign) == {("a", fact.kind, fact.reason, True): 1}
        before = await world.everything()
        await world.settle(turn, INVITED)
        await world.settle(turn, UNCERTAIN)
        assert await world.everything() == before

    @pytest.mark.parametrize("answer", [FLOOD, BANNED, AWAY, NOT_ADMIN, UNCERTAIN, None])
    async def test_what_is_no_fact_leaves_it_uncertain(self, world: World, answer: Outcome | None) -> None:
        campaign = await world.campaign(2)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await world.settle(turn, UNCERTAIN)
        before = await world.everything()
        await world.settle(turn, answer)
        assert await world.everything() == before

    async def test_uncertain_is_never_done_again(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"])
        await world.act(campaign, UNCERTAIN)
        world.now += HOUR
        assert await world.begin(campaign, "a") == NothingNow()
        assert await world.begin(campaign, "b") == NothingNow()
        await world.check(campaign)

    async def test_only_one_of_many_that_settle_at_once_counts(self, world: World) -> None:
        campaign = await world.campaign(2)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await asyncio.gather(*(world.settle(turn, INVITED) for _ in range(8)))
        assert await world.counters(campaign) == {("a", "invited", "", True): 1}
        await world.check(campaign)


class TestTries:
    async def test_untried_accounts_first_and_the_third_failure_is_the_last(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b", "c", "d"])
        assert await world.act(campaign, FLOOD, "a") == 0
        assert await world.queue(campaign) == [(1, "invite", []), (0, "invite", ["a"])]
        assert await world.act(campaign, INVITED, "d") == 1
        world.now += MINUTE  # a has rested, but b, c and d are untried
        assert await world.begin(campaign, "a") == NothingNow()
        assert await world.act(campaign, PEER_FLOOD, "b") == 0
        assert await world.begin(campaign, "a") == NothingNow()
        assert await world.act(campaign, BANNED, "c") == 0
        assert (await world.recipients(campaign))[0] == ("failed", "accounts_exhausted")
        counters = await world.counters(campaign)
        assert counters["c", "blocked", "banned", False] == counters["c", "failed", "accounts_exhausted", True] == 1
        await world.check(campaign)

    async def test_with_nobody_untried_left_it_returns_to_one_that_has_rested(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"])
        await world.act(campaign, FLOOD, "a")
        await world.act(campaign, PEER_FLOOD, "b")
        assert await world.begin(campaign, "b") == Rest(world.now + DAY, Why.ACCOUNT_LIMITED)
        world.now += MINUTE
        assert await world.act(campaign, INVITED, "a") == 0
        await world.check(campaign)

    async def test_one_accounts_third_failure_is_failed_too(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a"])
        for _ in range(3):
            world.now += MINUTE
            await world.act(campaign, FLOOD, "a")
        assert (await world.recipients(campaign))[0] == ("failed", "accounts_exhausted")

    async def test_an_untried_account_that_rests_is_waited_for(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"])
        await world.accounts.refused(ref("b"), PEER_FLOOD, world.now)
        await world.act(campaign, FLOOD, "a")
        world.now += HOUR
        assert await world.begin(campaign, "a") == NothingNow()
        world.now += DAY
        assert await world.act(campaign, INVITED, "b") == 0

    async def test_blocked_and_inactive_accounts_are_not_waited_for(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b", "c"])
        await world.accounts.refused(ref("b"), BANNED, world.now)
        await world.lists(known("c", ExternalStatus.INACTIVE))
        await world.act(campaign, FLOOD, "a")
        world.now += HOUR
        assert await world.act(campaign, INVITED, "a") == 0

    async def test_who_may_not_invite_is_waited_for_with_messages_only(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b"], admins=["a"], fallback=True)
        assert await world.act(campaign, PRIVACY, "a") == 0
        await world.act(campaign, FLOOD, "a")
        world.now += HOUR
        assert await world.act(campaign, FLOOD, "a", Action.MESSAGE) == 0
        world.now += HOUR
        assert await world.act(campaign, INVITED, "a") == 1
        world.now += HOUR
        assert await world.begin(campaign, "a", Action.MESSAGE) == NothingNow()
        assert await world.act(campaign, MESSAGED, "b", Action.MESSAGE) == 0
        await world.check(campaign)

    async def test_a_message_instead_starts_with_untried_accounts(self, world: World) -> None:
        campaign = await world.campaign(1, accounts=["a", "b"], fallback=True)
        await world.act(campaign, FLOOD, "a")
        await world.act(campaign, PRIVACY, "b")
        assert await world.queue(campaign) == [(0, "message", [])]
        world.now += MINUTE
        assert await world.act(campaign, MESSAGED, "a", Action.MESSAGE) == 0
        [row] = await world.query("SELECT outcome, instead, action FROM recipient")
        assert row == {"outcome": "messaged", "instead": True, "action": "message"}

    async def test_unavailable_is_no_try_and_goes_to_the_tail(self, world: World) -> None:
        campaign = await world.campaign(2, accounts=["a", "b"])
        await world.act(campaign, AWAY, "a")
        assert await world.queue(campaign) == [(1, "invite", []), (0, "invite", [])]
        assert await world.usage() == 0
        for expected in (1, 0):
            assert await world.act(campaign, AWAY, "a") == expected
        assert await world.begin(campaign, "a") == Rest(world.now + MINUTE, Why.PLATFORM_AWAY)

    async def test_who_may_take_whom_is_as_the_contract_says(self, world: World) -> None:
        """The SQL against the contract in Python, over random accounts and queues."""
        names = ["a", "b", "c", "d", "e"]
        campaign = await world.campaign(1, accounts=names)
        dice = random.Random(7)
        for _ in range(14):
            accounts = await self._scatter(world, campaign, names, dice)
            rows = await world.query("SELECT * FROM queue ORDER BY seq")
            for name in names:
                heads: dict[tuple[Action, Identifier], int] = {}
                for action, lane in product(Action, Identifier):
                    able = {
                        each for each, (works, admin) in accounts.items() if works and (admin or action == "message")
                    }
                    expected = [
                        row["position"]
                        for row in rows
                        if (row["action"], row["lane"]) == (action, lane)
                        and row["bound_to"] in (None, name)
                        and (name not in row["tried"] or row["bound_hard"] or not able - set(row["tried"]))
                    ]
                    # In a campaign that invites, contacts are added by who may invite.
                    if expected and (accounts[name][1] or action is Action.MESSAGE):
                        heads[action, lane] = expected[0]
                    taken = await self._claim(world, campaign, name, action, lane)
                    assert taken == expected, (name, action, lane, accounts, rows)
                waits = await self._waiting(world, campaign, name)
                assert waits == sorted(heads, key=lambda each: heads[each]), (name, accounts, rows)

    @staticmethod
    async def _scatter(
        world: World, campaign: str, names: list[str], dice: random.Random
    ) -> dict[str, tuple[bool, bool]]:
        """Throw the dice for all accounts and all rows of the queue. Who works at all, and who may invite."""
        await world.do("DELETE FROM queue")
        found = {}
        for name in names:
            state, status = dice.choice([*AccountState, *AccountState]), dice.choice([*ExternalStatus] + ["active"] * 4)
            admin = dice.random() < 0.6
            await world.do(
                "UPDATE account SET state = %s, external_status = %s WHERE account_id = %s", state, status, name
            )
            await world.do("UPDATE campaign_account SET can_invite = %s WHERE account_id = %s", admin, name)
            found[name] = (state is not AccountState.BLOCKED and status == "active", admin)
        for seq in range(8):
            tried = [dice.choice(names) for _ in range(dice.randrange(3))]
            lane = dice.choice([*Identifier])
            anybody = [] if lane is Identifier.USER_ID else [None] * 5
            bound = dice.choice([*anybody, *names])
            hard = bound is not None and dice.random() < 0.5
            # All rows are of the one recipient: the order tells them apart.
            await world.do(
                "INSERT INTO recipient SELECT (jsonb_populate_record(r, jsonb_build_object('position', %s::int))).* "
                "FROM recipient r WHERE position = 0 ON CONFLICT DO NOTHING",
                seq,
            )
            await world.do(
                "INSERT INTO queue (campaign_id, action, lane, seq, owner, position, instead, tried, bound_to, "
                "bound_hard) VALUES (%s, %s, %s, %s, %s, %s, false, %s, %s, %s)",
                *(campaign, dice.choice([*Action]).value, lane.value),
                *(seq, OWNER, seq, tried, bound, hard),
            )
        return found

    @staticmethod
    async def _waiting(world: World, campaign: str, name: str) -> list[tuple[Action, Identifier]]:
        [row] = await world.query("SELECT can_invite FROM campaign_account WHERE account_id = %s", name)
        async with world.worker.owner(OWNER) as tx:
            [rows] = await together(tx, claims.waiting(ref(name), campaign, row["can_invite"], can_write=True))
        return claims.heads(rows)

    @staticmethod
    async def _claim(world: World, campaign: str, name: str, action: Action, lane: Identifier) -> list[int]:
        class Undo(Exception):
            pass

        taken: list[int] = []
        try:
            async with world.worker.owner(OWNER) as tx:
                [rows] = await together(tx, claims.claim(ref(name), campaign, action, lane, 100))
                taken = [each.person.position for each in claims.claimed(rows)]
                raise Undo
        except Undo:
            return taken


class TestAccounts:
    @pytest.mark.parametrize(
        ("outcome", "rest"),
        [
            (FLOOD, (timedelta(seconds=40), Why.COOLDOWN)),
            (PEER_FLOOD, (DAY, Why.ACCOUNT_LIMITED)),
            (BANNED, (None, Why.ACCOUNT_BLOCKED)),
        ],
    )
    async def test_what_befalls_an_account_counts_in_all_campaigns(
        self, world: World, outcome: Outcome, rest: tuple[timedelta | None, Why]
    ) -> None:
        first, second = await world.campaign(3), await world.campaign(3)
        await world.act(first, outcome)
        length, why = rest
        until = None if length is None else world.now + length
        world.now += GAP
        assert await world.begin(first) == await world.begin(second) == Rest(until, why)

    async def test_who_may_not_invite_still_sends_messages(self, world: World) -> None:
        campaign = await world.campaign(3, accounts=["a", "b"], fallback=True)
        await world.act(campaign, PRIVACY, "a")
        await world.act(campaign, NOT_ADMIN, "a")
        queue = await world.queue(campaign)
        assert queue == [(1, "invite", []), (2, "invite", []), (0, "message", [])]
        world.now += GAP
        found = await world.begin(campaign, "a")
        assert isinstance(found, Act)
        assert found.waiting.action is Action.MESSAGE
        assert await world.act(campaign, MESSAGED, "a", Action.MESSAGE) == 0
        world.now += GAP
        assert await world.begin(campaign, "a") == Rest(None, Why.NOT_ADMIN)
        assert await world.act(campaign, INVITED, "b") == 1
        await world.check(campaign)

    @pytest.mark.parametrize(
        ("reason", "why"),
        [
            (Reason.DESTINATION_FULL, Why.DESTINATION_FULL),
            (Reason.DESTINATION_UNKNOWN, Why.DESTINATION_UNKNOWN),
            (Reason.DESTINATION_PRIVATE, Why.DESTINATION_PRIVATE),
            (Reason.DESTINATION_CLOSED, Why.DESTINATION_CLOSED),
        ],
    )
    async def test_a_destination_that_takes_nobody(self, world: World, reason: Reason, why: Why) -> None:
        campaign = await world.campaign(2)
        await world.act(campaign, Outcome(Kind.DESTINATION, reason))
        assert await world.queue(campaign) == [(0, "invite", []), (1, "invite", [])]
        world.now += GAP
        assert await world.begin(campaign) == Rest(None, why)
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert (review.snapshot.state, review.snapshot.why) == ("waiting", why)
        await world.right(campaign, "a", True)
        assert await world.act(campaign, INVITED) == 0

    async def test_people_that_the_platform_cannot_reach_are_settled_at_once(self, world: World) -> None:
        campaign = await world.campaign(
            [Contact("boris"), Contact(phone="+79001234567"), Contact("vera", "+79007654321")]
        )
        assert (await world.recipients(campaign))[1] == ("unreachable", "no_path")
        assert [position for position, _, _ in await world.queue(campaign)] == [0, 2]
        await world.check(campaign)


class TestBudgets:
    async def test_two_campaigns_share_an_accounts_budget(self, world: World) -> None:
        world.limits = make_limits(invites=3)
        first, second = await world.campaign(5), await world.campaign(5)
        await world.act(first, INVITED)
        await world.act(second, INVITED)
        await world.act(first, PRIVACY)  # a refusal has cost as much
        world.now += GAP
        free = world.now.replace(minute=0, second=0) + 25 * HOUR
        assert await world.begin(first) == await world.begin(second) == Rest(free, Why.BUDGET_SPENT)
        world.now = free - SECOND
        assert await world.begin(second) == Rest(free, Why.BUDGET_SPENT)
        world.now = free
        await world.act(second, INVITED)

    async def test_a_member_already_costs_nothing(self, world: World) -> None:
        world.limits = make_limits(invites=1)
        campaign = await world.campaign(3)
        await world.act(campaign, Outcome(Kind.ALREADY_MEMBER))
        await world.act(campaign, INVITED)
        world.now += GAP
        found = await world.begin(campaign)
        assert isinstance(found, Rest)
        assert found.why is Why.BUDGET_SPENT

    async def test_a_link_in_one_text_makes_all_messages_cost_a_link(self, world: World) -> None:
        world.limits = make_limits(messages=5, links=1)
        campaign = await world.campaign(3, action=Action.MESSAGE, texts=["plain", "see example.com"])
        await world.act(campaign, MESSAGED, action=Action.MESSAGE)
        assert await world.usage(Budget.MESSAGE_WITH_LINK) == 1
        assert await world.usage(Budget.MESSAGE) == 0
        world.now += GAP
        found = await world.begin(campaign, action=Action.MESSAGE)
        assert isinstance(found, Rest)
        assert found.why is Why.BUDGET_SPENT

    async def test_a_spent_budget_for_invites_leaves_messages(self, world: World) -> None:
        world.limits = make_limits(invites=1)
        campaign = await world.campaign(2, fallback=True)
        await world.act(campaign, PRIVACY)
        assert await world.act(campaign, MESSAGED, action=Action.MESSAGE) == 0
        world.now += GAP
        assert isinstance(await world.begin(campaign), Rest)

    async def test_eight_accounts_of_two_campaigns_at_once(self, world: World) -> None:
        """Many connections, no order: nobody twice, nobody lost, no limit passed, one turn per account."""
        names, most, people = [f"a{n}" for n in range(8)], 4, 30
        world.limits = make_limits(invites=most, gap=timedelta(0), contacts=3)
        crowd = [Contact(f"person_{n}") if n % 3 else Contact(phone=f"+790000000{n:02}") for n in range(people)]
        campaigns = [await world.campaign(crowd, accounts=names, reaches=list(Identifier)) for _ in range(2)]
        at_work: set[str] = set()
        invited: Counter[tuple[str, int]] = Counter()

        async def run(campaign: str, name: str) -> None:
            while True:
                begun = await world.begin(campaign, name)
                if isinstance(begun, Rest) and begun.why is Why.ACCOUNT_BUSY:
                    continue
                if not isinstance(begun, Turn):
                    return
                assert name not in at_work, "two turns of one account at once"
                at_work.add(name)
                assert await world.mark(begun, campaign, name)
                invited[campaign, begun.attempts[0].person.position] += 1
                at_work.remove(name)
                await world.settle(begun, INVITED, name)

        for day in range(1, 5):
            await asyncio.gather(*(run(campaign, name) for campaign in campaigns for name in names))
            assert sum(invited.values()) == len(invited)
            # Who has phones to look up left may have no invites left: the last few can take a day more.
            assert len(invited) == (most * len(names) if day == 1 else 2 * people) or 1 < day < 4
            for name in names if day == 1 else ():
                assert await world.usage(account_id=name) == most
                assert await world.usage(Budget.ADD_CONTACT, name) <= 3
            world.now += 25 * HOUR
        for campaign in campaigns:
            assert await world.queue(campaign) == []
            assert set((await world.recipients(campaign)).values()) == {("invited", "")}
            assert sum((await world.counters(campaign)).values()) == people
            await world.check(campaign)
        assert await world.query("SELECT FROM turn WHERE closed_at IS NULL") == []
        [row] = await world.query("SELECT count(*) AS n FROM attempt")
        assert row["n"] == 2 * people


class TestCancel:
    async def test_the_rest_is_cancelled_and_nobody_in_flight_goes_back(self, world: World) -> None:
        names = ["a", "b", "c", "d", "e"]
        campaign = await world.campaign(8, accounts=names, fallback=True)
        turns = {name: await world.turn(campaign, name) for name in names}
        for name in names[1:]:
            assert await world.mark(turns[name], campaign, name)
        await world.command(campaign, Command.CANCEL)
        assert not await world.mark(turns["a"], campaign, "a")
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert (review.ended, review.snapshot.numbers.cancelled) == (False, 3)
        assert await world.queue(campaign) == []
        for name, outcome in zip(names, [None, INVITED, FLOOD, PRIVACY, UNCERTAIN], strict=True):
            assert not (await world.runs.review(OWNER, campaign, None, world.now)).ended
            await world.settle(turns[name], outcome, name)
        await world.check(campaign)
        cancelled = ("cancelled", "campaign_cancelled")
        assert list((await world.recipients(campaign)).values()) == [
            *(cancelled, ("invited", ""), cancelled, cancelled, ("uncertain", "no_answer")),
            *[cancelled] * 3,
        ]
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert review.ended
        assert (await world.view(campaign)).phase is Phase.CANCELLED
        assert (await world.account("c"))["state"] == "cooldown"

    async def test_a_row_that_came_back_behind_the_drain_is_drained_too(self, world: World) -> None:
        """The settle had read the wish before it was cancelled."""
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.settle(turn, None)
        await world.do("UPDATE campaign SET wanted = 'cancelled', control_no = 2")
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert review.ended
        assert review.snapshot.numbers.cancelled == 3
        await world.check(campaign)


class TestAbandon:
    async def test_who_was_not_sent_goes_back_to_its_place(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.turns.abandon(ref("a"), campaign, world.now)
        assert [position for position, _, _ in await world.queue(campaign)] == [0, 1, 2]
        assert await world.usage() == 0
        await world.check(campaign)
        assert not await world.mark(turn, campaign), "a late holder must not send any more"
        before = await world.everything()
        await world.turns.abandon(ref("a"), campaign, world.now)
        await world.settle(turn, None)
        assert await world.everything() == before

    async def test_who_was_sent_is_uncertain_until_the_late_holder_tells(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await world.turns.abandon(ref("a"), campaign, world.now)
        assert (await world.recipients(campaign))[0] == ("uncertain", "account_gone")
        await world.check(campaign)
        await world.settle(turn, INVITED)
        assert (await world.recipients(campaign))[0] == ("invited", "")
        await world.check(campaign)

    async def test_the_gap_is_kept_after_it(self, world: World) -> None:
        campaign = await world.campaign(3)
        turn = await world.turn(campaign)
        await world.mark(turn, campaign)
        await world.turns.abandon(ref("a"), campaign, world.now)
        assert await world.begin(campaign) == Rest(world.now + GAP, Why.GAP)

    async def test_another_campaigns_turn_is_left_alone(self, world: World) -> None:
        first, second = await world.campaign(3), await world.campaign(3)
        await world.turn(first)
        before = await world.everything()
        await world.turns.abandon(ref("a"), second, world.now)
        assert await world.everything() == before

    async def test_in_a_cancelled_campaign_it_is_cancelled(self, world: World) -> None:
        campaign = await world.campaign(1)
        await world.turn(campaign)
        await world.command(campaign, Command.CANCEL)
        await world.turns.abandon(ref("a"), campaign, world.now)
        assert (await world.recipients(campaign))[0] == ("cancelled", "campaign_cancelled")
        assert (await world.runs.review(OWNER, campaign, None, world.now)).ended


ANSWERS = [INVITED, INVITED, MESSAGED, PRIVACY, PRIVACY, FLOOD, PEER_FLOOD, NOT_ADMIN, UNCERTAIN, AWAY, None]
STEPS = [CONTACT_ADDED, CONTACT_ADDED, CONTACT_ADDED, PRIVACY, FLOOD, UNCERTAIN, AWAY, None]
UNSENT = [None, None, AWAY, POSTPONED, Outcome(Kind.UNREACHABLE, Reason.NOT_FOUND_BY_PHONE)]
CROWD = [
    [
        Contact(f"person_{n}"),
        Contact(phone=f"+7900000000{n}"),
        Contact(f"both_{n}", f"+7900000001{n}"),
        Contact(user_id=n),
    ]
    for n in range(5)
]
"""In all lanes; who is known by an id alone is in the address book of account a, but for the last."""
FACTS = [INVITED, PRIVACY, Outcome(Kind.UNREACHABLE, Reason.DELETED), FLOOD, None]


class Walk:
    """Random steps over two campaigns that share three accounts; a seed is a story."""

    def __init__(self, world: World, campaigns: list[str], seed: int) -> None:
        self.world = world
        self.campaigns = campaigns
        self.dice = random.Random(seed)
        self.open: dict[str, tuple[str, Turn]] = {}
        self.past: list[tuple[str, Turn]] = []
        self.twice: set[str] = set()
        self.steps = [self.begin] * 9 + [self.mark] * 3 + [self.settle] * 6 + [self.resume] * 3 + [self.heal] * 3
        self.steps += [self.late] * 2 + [self.abandon, self.pause, self.review, self.wait]

    async def step(self) -> None:
        await self.dice.choice(self.steps)()

    def pick(self) -> tuple[str, str]:
        return self.dice.choice(self.campaigns), self.dice.choice("abc")

    async def begin(self) -> None:
        campaign, name = self.pick()
        self.world.now += MINUTE / 2
        begun = await self.world.begin(campaign, name)
        if isinstance(begun, Act):
            begun = await self.world.begin(campaign, name, begun.waiting.action)
        if isinstance(begun, Turn):
            # Every seventh person is the one before under another identifier.
            position = begun.attempts[0].person.position
            found = Found(f"peer-{position - (position % 7 == 6)}")
            if not await self.world.identify(campaign, begun, found, name):
                self.twice.add(begun.turn_id)
            elif self.dice.random() < 0.6:
                await self.world.mark(begun, campaign, name)
            held = self.open.get(name)
            assert held is None or held[1].turn_id == begun.turn_id, "a second turn of one account"
            self.open[name] = (campaign, begun)

    async def mark(self) -> None:
        for name, (campaign, turn) in self.open.items():
            if turn.turn_id in self.twice:
                continue
            view = await self.world.view(campaign)
            marked = await self.world.mark(turn, campaign, name)
            assert not marked or view.wanted is Wanted.RUN

    async def settle(self) -> None:
        if not self.open:
            return
        name = self.dice.choice(sorted(self.open))
        _, turn = self.open.pop(name)
        rows = await self.world.query("SELECT state FROM attempt WHERE turn_id = %s", turn.turn_id)
        sent = rows[0]["state"] == "sent"
        answers = STEPS if turn.action is Action.ADD_CONTACT else ANSWERS
        outcome = self.dice.choice(answers if sent else UNSENT)
        await self.world.settle(turn, SAME_PERSON if turn.turn_id in self.twice else outcome, name)
        self.past.append((name, turn))

    async def late(self) -> None:
        if self.past:
            name, turn = self.dice.choice(self.past)
            await self.world.settle(turn, self.dice.choice(FACTS), name)

    async def abandon(self) -> None:
        campaign, name = self.pick()
        if self.dice.random() < 0.4:
            await self.world.turns.abandon(ref(name), campaign, self.world.now)
            if name in self.open and self.open[name][0] == campaign:
                self.past.append((name, self.open.pop(name)[1]))

    async def pause(self) -> None:
        await self._command(self.dice.choice(self.campaigns), Command.PAUSE)

    async def resume(self) -> None:
        for campaign in self.campaigns:
            await self._command(campaign, Command.RESUME)

    async def heal(self) -> None:
        for campaign in self.campaigns:
            await self.world.right(campaign, self.dice.choice("abc"), True)

    async def review(self) -> None:
        await self.world.runs.review(OWNER, self.dice.choice(self.campaigns), None, self.world.now)

    async def wait(self) -> None:
        self.world.now += self.dice.choice([GAP, MINUTE, MINUTE, 25 * HOUR])

    async def _command(self, campaign: str, command: Command) -> None:
        view = await self.world.view(campaign)
        if view.ended_at is None and view.wanted in (Wanted.RUN, Wanted.PAUSED):
            await self.world.command(campaign, command)

    async def finish(self) -> None:
        """The first is cancelled, the second carried to its end."""
        first, second = self.campaigns
        for campaign, command in ((first, Command.CANCEL), (second, Command.RESUME)):
            if (await self.world.view(campaign)).ended_at is None:
                await self.world.command(campaign, command)
        for name, (_, turn) in self.open.items():
            await self.world.settle(turn, UNCERTAIN, name)
        await self.world.do("UPDATE account SET state = 'active', until = NULL")
        self.world.now += 26 * HOUR  # look-ups are possible again
        for name in "abc":
            await self.world.right(second, name, True)
        while await self.world.queue(second):
            for name, action in [(name, action) for name in "abc" for action in Action]:
                self.world.now += MINUTE
                begun = await self.world.begin(second, name, action)
                if isinstance(begun, Turn):
                    await self.world.mark(begun, second, name)
                    outcome = CONTACT_ADDED if begun.action is Action.ADD_CONTACT else INVITED
                    await self.world.settle(begun, outcome, name)


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_everybody_is_in_exactly_one_place(world: World, seed: int) -> None:
    world.limits = make_limits(rests=(MINUTE,))
    people = [person for row in CROWD for person in row]
    known_ids = {f"user_id:{person.user_id}": "1:2" for person in people[:-1] if person.user_id is not None}
    await world.book("a").keep(known_ids)
    world.now += SECOND
    campaigns = [
        await world.campaign(
            people, accounts=["a", "b", "c"], fallback=True, reaches=list(Identifier), add_contact_first=first
        )
        for first in (False, True)
    ]
    walk = Walk(world, campaigns, seed)
    for _ in range(180):
        await walk.step()
        for campaign in campaigns:
            await world.check(campaign)
    [row] = await world.query("SELECT count(*) AS n, count(DISTINCT outcome) AS kinds FROM attempt")
    assert row["n"] >= 15, "the walk must go somewhere"
    assert row["kinds"] >= 5
    lanes = await world.query("SELECT DISTINCT lane FROM attempt")
    assert len(lanes) == 3
    await walk.finish()
    for campaign in campaigns:
        await world.check(campaign)
        assert (await world.runs.review(OWNER, campaign, None, world.now)).ended
        assert all(outcome is not None for outcome, _ in (await world.recipients(campaign)).values())
