"""The actions: turns begun are settled whatever comes; what is in doubt is found out; what is next is said."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from temporalio.testing import ActivityEnvironment

from activities import heartbeat
from activities.actions import IN_DOUBT_FOR, LAST_TRY, ActionActivities, Work, Worked
from activities.open_accounts import OpenAccounts, SignIn
from domain.account import Lease, LeaseTimes, NoRoom
from domain.campaign import Wanted
from domain.errors import DatabaseAway, InDoubt, Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget
from domain.policy import Act, NothingNow, Waiting
from domain.ports import Found
from domain.recipient import Person
from domain.room import WORTH_CLOSING
from domain.standing import Rest
from domain.turn import AttemptState, Halted, Settled
from domain.why import Why
from tests.activities.fakes import (
    ADAPTER,
    HERE,
    HERE_QUEUE,
    MESSAGE_REPEATABLE,
    OTHER,
    OWNER,
    REF,
    START,
    FakeAccountStore,
    FakeAdapter,
    FakeBook,
    FakeClock,
    FakeLeases,
    FakeSession,
    FakeTurns,
    Journal,
    turn,
)

CAMPAIGN = "campaign-1"
CLOSE_WHEN_RESTING = timedelta(minutes=5)
POST = "https://t.me/news/12"
INVITED, MESSAGED = Outcome(Kind.INVITED), Outcome(Kind.MESSAGED)
CONTACT_ADDED = Outcome(Kind.CONTACT_ADDED)
UNCERTAIN = Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)


class Bench:
    """An account that is open, its activities, and Temporal's side of them."""

    def __init__(self, time_box: timedelta = timedelta(seconds=30), most: int = 1000) -> None:
        self.journal = Journal()
        self.leases = FakeLeases(self.journal)
        self.adapter = FakeAdapter(self.journal)
        self.open = OpenAccounts(
            {ADAPTER: self.adapter}, self.leases, HERE, HERE_QUEUE, LeaseTimes(), timedelta(minutes=5), FakeBook, most
        )
        self.turns = FakeTurns(self.journal)
        self.accounts = FakeAccountStore()
        self.clock = FakeClock()
        self.actions = ActionActivities(self.open, self.turns, self.accounts, self.clock, time_box, CLOSE_WHEN_RESTING)
        self.temporal = ActivityEnvironment()
        self.fence = 0

    async def sign_in(self) -> FakeSession:
        lease = await self.open.lease(REF, CAMPAIGN)
        assert isinstance(lease, Lease)
        assert await self.open.connect(REF, SignIn({})) is None
        self.fence = lease.fence
        return self.adapter.latest

    @property
    def work(self) -> Work:
        return Work(OWNER, ADAPTER, REF.account_id, CAMPAIGN, "run-1", number=7, fence=self.fence)

    async def invite(self) -> Worked:
        return await self.temporal.run(self.actions.invite, self.work)

    async def send(self) -> Worked:
        return await self.temporal.run(self.actions.send_message, self.work)

    async def act(self, action: Action) -> Worked:
        acts = {Action.INVITE: self.invite, Action.MESSAGE: self.send, Action.ADD_CONTACT: self.add_contact}
        return await acts[action]()

    async def add_contact(self) -> Worked:
        return await self.temporal.run(self.actions.add_contact, self.work)

    def attempt(self, number: int) -> None:
        self.temporal.info = replace(self.temporal.info, attempt=number)

    def outcomes(self) -> list[Outcome | None]:
        return [settled[0] for settled in self.turns.settled]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
async def session(bench: Bench) -> FakeSession:
    return await bench.sign_in()


class TestTurns:
    async def test_turn_after_turn_until_nothing_is_left(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(), turn()]
        assert await bench.invite() == Worked(2, why=Why.QUEUE_EMPTY)
        assert bench.outcomes() == [INVITED, INVITED]
        assert [each.turn_id for each in bench.turns.begun] == ["run-1/7/0", "run-1/7/1", "run-1/7/2"]
        assert {each.fence for each in bench.turns.begun} == set(bench.turns.settled_under) == {bench.fence}

    async def test_a_repetition_passes_over_the_turns_that_are_settled(
        self, bench: Bench, session: FakeSession
    ) -> None:
        bench.turns.begins = [Settled(), Settled(), turn()]
        assert await bench.invite() == Worked(3, why=Why.QUEUE_EMPTY)
        assert bench.outcomes() == [INVITED]
        assert bench.turns.begun[2].turn_id == "run-1/7/2"

    async def test_each_is_marked_before_its_call(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn()]
        bench.turns.allow = False  # paused, or the lease is another's
        await bench.invite()
        assert bench.journal[-1] == "mark 0"
        assert bench.turns.marked == [(0,)]
        assert session.calls == []
        assert bench.outcomes() == [None]

    async def test_a_message_takes_the_recipients_text_and_the_attempts_key(
        self, bench: Bench, session: FakeSession
    ) -> None:
        bench.turns.begins = [turn(Action.MESSAGE)]
        await bench.send()
        assert session.calls == [("send", 4, "first text", 77)]
        assert bench.outcomes() == [MESSAGED]

    @pytest.mark.parametrize("state", [AttemptState.OPEN, AttemptState.SENT])
    async def test_a_forward_takes_the_post_and_the_attempts_key_each_time(
        self, bench: Bench, session: FakeSession, state: AttemptState
    ) -> None:
        bench.turns.begins = [replace(turn(Action.MESSAGE, state, START), post=POST)]
        await bench.send()
        assert session.calls == [("forward", 4, POST, 77)]
        assert bench.outcomes() == [Outcome(Kind.FORWARDED)]

    async def test_a_forward_in_doubt_for_too_long_is_not_repeated(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [replace(turn(Action.MESSAGE, AttemptState.SENT, START), post=POST)]
        bench.clock.moment = START + MESSAGE_REPEATABLE + timedelta(seconds=1)
        await bench.send()
        assert session.calls == []
        assert bench.outcomes() == [UNCERTAIN]

    async def test_the_time_box_ends_it(self) -> None:
        bench = Bench(time_box=timedelta(0))
        await bench.sign_in()
        bench.turns.begins = [turn(), turn()]
        assert await bench.invite() == Worked(1, action=Action.INVITE)
        assert len(bench.turns.begins) == 1

    async def test_an_error_of_the_store_is_temporals_to_repeat(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [Unavailable("the database")]
        with pytest.raises(Unavailable):
            await bench.invite()


AWAY = Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER)
NOT_FOUND = Outcome(Kind.UNREACHABLE, Reason.NOT_FOUND_BY_PHONE)
POSTPONED = Outcome(Kind.POSTPONED, Reason.LOOKUPS_SPENT)
NEEDS_PREMIUM = Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM)


class TestWhatIsLogged:
    async def test_each_recipient_by_position_and_the_sum(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(), turn(), turn()]
        session.answers = [INVITED, Outcome(Kind.REFUSED, Reason.PRIVACY), INVITED]
        with capture_logs() as logs:
            await bench.invite()
        each = [(line["position"], line["outcome"], line["reason"]) for line in logs if line["log_level"] == "debug"]
        assert each == [(4, "invited", ""), (4, "refused", "privacy"), (4, "invited", "")]
        assert "anna" not in str(logs)
        [told] = [line for line in logs if line["log_level"] == "info"]
        assert told == {"event": "settled", "log_level": "info", "action": "invite", "invited": 2, "refused": 1}


class TestBeforeTheCall:
    @pytest.mark.parametrize(
        ("act", "steps"),
        [
            (Action.INVITE, ["find 4", "identify 4", "mark 0", "invite 4"]),
            (Action.MESSAGE, ["find 4", "identify 4", "requirements 4", "mark 0", "send 4"]),
            (Action.ADD_CONTACT, ["find 4", "identify 4", "mark 0", "add_contact 4"]),
        ],
    )
    async def test_the_person_is_found_known_and_asked_about_before_anything_is_marked(
        self, bench: Bench, session: FakeSession, act: Action, steps: list[str]
    ) -> None:
        bench.turns.begins = [turn(act)]
        begun = len(bench.journal)
        await bench.act(act)
        assert bench.journal[begun:] == steps
        assert bench.turns.identified == [(4, Found("peer-4"))]

    @pytest.mark.parametrize("act", list(Action))
    @pytest.mark.parametrize("found", [NOT_FOUND, POSTPONED, Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT)])
    async def test_who_is_not_found_is_settled_and_never_marked(
        self, bench: Bench, session: FakeSession, act: Action, found: Outcome
    ) -> None:
        bench.turns.begins = [turn(act)]
        session.finds = [found]
        await bench.act(act)
        assert bench.outcomes() == [found]
        assert bench.turns.marked == session.calls == bench.turns.identified == []

    @pytest.mark.parametrize("act", list(Action))
    async def test_the_same_person_under_another_identifier_is_skipped(
        self, bench: Bench, session: FakeSession, act: Action
    ) -> None:
        bench.turns.peers = {"peer-4": 3}
        bench.turns.begins = [turn(act)]
        await bench.act(act)
        assert bench.outcomes() == [Outcome(Kind.SKIPPED, Reason.SAME_PERSON)]
        assert bench.turns.marked == session.calls == []
        assert session.asked == [("find", 4)]

    @pytest.mark.parametrize("act", list(Action))
    async def test_who_is_on_the_do_not_contact_list_is_not_even_looked_up(
        self, bench: Bench, session: FakeSession, act: Action
    ) -> None:
        begun = turn(act)
        bench.turns.begins = [replace(begun, attempts=(replace(begun.attempts[0], suppressed=True),))]
        await bench.act(act)
        assert bench.outcomes() == [Outcome(Kind.SKIPPED, Reason.SUPPRESSED)]
        assert bench.turns.marked == session.calls == session.asked == []

    async def test_who_was_erased_while_in_doubt_stays_in_doubt(self, bench: Bench, session: FakeSession) -> None:
        begun = turn(state=AttemptState.SENT)
        bench.turns.begins = [replace(begun, attempts=(replace(begun.attempts[0], person=Person(4)),))]
        await bench.invite()
        assert bench.outcomes() == [Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)]
        assert session.calls == session.asked == []

    @pytest.mark.parametrize("act", [Action.INVITE, Action.MESSAGE])
    async def test_who_opted_out_while_in_doubt_is_not_tried_again(
        self, bench: Bench, session: FakeSession, act: Action
    ) -> None:
        begun = turn(act, AttemptState.SENT, START)
        bench.turns.begins = [replace(begun, attempts=(replace(begun.attempts[0], suppressed=True),))]
        await bench.act(act)
        assert bench.outcomes() == [Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)]
        assert session.calls == ([("is_member", 4)] if act is Action.INVITE else [])

    async def test_who_refuses_messages_beforehand_gets_none(self, bench: Bench, session: FakeSession) -> None:
        session.refusals = {4: NEEDS_PREMIUM}
        bench.turns.begins = [turn(Action.MESSAGE)]
        await bench.send()
        assert bench.outcomes() == [NEEDS_PREMIUM]
        assert bench.turns.marked == session.calls == []

    async def test_but_may_be_invited(self, bench: Bench, session: FakeSession) -> None:
        session.refusals = {4: NEEDS_PREMIUM}
        bench.turns.begins = [turn()]
        await bench.invite()
        assert bench.outcomes() == [INVITED]
        assert session.asked == [("find", 4)]

    async def test_a_look_up_without_an_answer_is_surely_nothing_done(self, bench: Bench, session: FakeSession) -> None:
        session.finds = [Unavailable("Telegram")]
        bench.turns.begins = [turn()]
        await bench.invite()
        assert bench.outcomes() == [AWAY]
        assert bench.turns.marked == []

    async def test_a_look_up_in_doubt_is_made_again_and_nothing_is_uncertain(
        self, bench: Bench, session: FakeSession
    ) -> None:
        session.finds = [InDoubt("timed out")]
        bench.turns.begins = [turn()]
        bench.attempt(LAST_TRY)
        bench.clock.moment = START + IN_DOUBT_FOR
        with pytest.raises(InDoubt):
            await bench.invite()
        assert bench.turns.marked == bench.turns.settled == []
        bench.turns.begins = [turn()]
        await bench.invite()
        assert bench.outcomes() == [INVITED]

    async def test_a_contact_that_a_look_up_added_is_told(self, bench: Bench, session: FakeSession) -> None:
        session.finds = [Found("peer-4", contact_added=True)] * 2
        bench.turns.begins = [turn()]
        await bench.invite()
        bench.turns.begins = [turn(Action.ADD_CONTACT)]
        await bench.add_contact()
        # Where contacts are what is added, the outcome counts it.
        assert [found.contact_added for _, found in bench.turns.identified] == [True, False]

    @pytest.mark.parametrize("act", list(Action))
    async def test_who_was_called_already_is_not_looked_up_again(
        self, bench: Bench, session: FakeSession, act: Action
    ) -> None:
        bench.turns.begins = [turn(act, AttemptState.SENT, START)]
        session.refusals = {4: NEEDS_PREMIUM}
        await bench.act(act)
        assert session.asked == bench.turns.identified == bench.turns.marked == []
        assert bench.outcomes() == [{Action.INVITE: INVITED, Action.MESSAGE: MESSAGED}.get(act, CONTACT_ADDED)]

    async def test_who_is_next_is_asked_about_in_the_same_request(self, bench: Bench, session: FakeSession) -> None:
        """And is not found, written to or marked for it."""
        bench.turns.begins = [turn(Action.MESSAGE)]
        bench.turns.next_people = [Person(5, username="beata"), Person(6, username="clara")]
        await bench.send()
        assert bench.journal[-6:] == [
            *("identify 4", "requirements 4", "requirements 5", "requirements 6", "mark 0", "send 4"),
        ]


class TestWhatIsNext:
    @pytest.mark.parametrize(
        ("said", "next_"),
        [
            (NothingNow(), Worked(0, why=Why.QUEUE_EMPTY)),
            (Halted(Wanted.PAUSED), Worked(0, halted=True)),
            (Act(Waiting(Action.MESSAGE, Budget.MESSAGE)), Worked(0, action=Action.MESSAGE)),
            (Rest(START, Why.GAP), Worked(0, action=Action.INVITE, until=START, why=Why.GAP)),
            (Rest(None, Why.NOT_ADMIN), Worked(0, why=Why.NOT_ADMIN)),
            (Rest(None, Why.ACCOUNT_BLOCKED), Worked(0, reopen=True)),
        ],
    )
    async def test_is_what_the_policy_said(
        self, bench: Bench, session: FakeSession, said: object, next_: Worked
    ) -> None:
        bench.turns.begins = [said]
        assert await bench.invite() == next_
        assert not session.closed

    @pytest.mark.parametrize("longer", [False, True])
    @pytest.mark.parametrize(("why", "action"), [(Why.BUDGET_SPENT, None), (Why.GAP, Action.INVITE)])
    async def test_an_account_that_rests_long_is_closed(
        self, bench: Bench, session: FakeSession, longer: bool, why: Why, action: Action | None
    ) -> None:
        until = START + CLOSE_WHEN_RESTING + timedelta(seconds=longer)
        bench.turns.begins = [Rest(until, why)]
        assert await bench.invite() == Worked(0, action, until, why, closed=longer)
        assert session.closed is longer

    @pytest.mark.parametrize(
        ("said", "gives_way"),
        [
            (NothingNow(), True),
            (Halted(Wanted.PAUSED), True),
            (Rest(START + 2 * WORTH_CLOSING, Why.GAP), True),
            (Rest(START + 2 * WORTH_CLOSING, Why.BUDGET_SPENT), True),
            (Rest(START + WORTH_CLOSING / 2, Why.GAP), False),
            (Act(Waiting(Action.MESSAGE, Budget.MESSAGE)), False),
        ],
    )
    async def test_who_rests_gives_its_place_to_others_in_a_full_process(self, said: object, gives_way: bool) -> None:
        bench = Bench(most=1)
        session = await bench.sign_in()
        bench.turns.begins = [said]
        await bench.invite()
        assert isinstance(await bench.open.lease(OTHER, CAMPAIGN), Lease if gives_way else NoRoom)
        assert session.closed is gives_way

    async def test_whose_place_was_given_away_is_to_be_opened(self) -> None:
        bench = Bench(most=1)
        await bench.sign_in()
        await bench.invite()
        await bench.open.lease(OTHER, CAMPAIGN)
        assert await bench.invite() == Worked(0, reopen=True)

    async def test_a_blocked_account_is_closed_and_told(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn()]
        session.answers = [Outcome(Kind.BLOCKED, Reason.BANNED)]
        worked = await bench.invite()
        assert worked == Worked(1, why=Why.ACCOUNT_BLOCKED, closed=True, blocked=Reason.BANNED)
        assert bench.outcomes() == [Outcome(Kind.BLOCKED, Reason.BANNED)]
        assert session.closed

    async def test_an_account_that_is_not_open_here_is_to_be_opened(self, bench: Bench) -> None:
        assert await bench.invite() == Worked(0, reopen=True)
        assert bench.turns.begun == []

    async def test_a_connection_that_broke_during_the_call_is_to_be_opened_again(
        self, bench: Bench, session: FakeSession
    ) -> None:
        bench.turns.begins = [turn()]
        session.gate = asyncio.Event()
        acting = asyncio.ensure_future(bench.invite())
        await session.called.wait()
        session.connected = False
        session.gate.set()
        assert await acting == Worked(1, reopen=True)
        assert bench.outcomes() == [INVITED]


class TestStopped:
    async def test_a_cancellation_lets_the_turn_be_settled(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(), turn()]
        session.gate = asyncio.Event()
        acting = asyncio.ensure_future(bench.invite())
        await session.called.wait()
        bench.temporal.cancel()
        await asyncio.sleep(0)
        session.gate.set()
        assert await acting == Worked(1, action=Action.INVITE)
        assert bench.outcomes() == [INVITED]
        assert len(bench.turns.begins) == 1

    async def test_neither_do_two_of_them_while_it_is_being_settled(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn()]
        bench.turns.slow = asyncio.Event()
        acting = asyncio.ensure_future(bench.invite())
        await session.called.wait()
        for _ in range(2):  # the workflow's, then the end of the worker's grace
            bench.temporal.cancel()
            await asyncio.sleep(0)
        bench.turns.slow.set()
        assert await acting == Worked(1, action=Action.INVITE)
        assert bench.outcomes() == [INVITED]

    async def test_a_worker_that_shuts_down_begins_no_further_turn(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(), turn()]
        session.gate = asyncio.Event()
        acting = asyncio.ensure_future(bench.invite())
        await session.called.wait()
        bench.temporal.worker_shutdown()
        session.gate.set()
        assert await acting == Worked(1, action=Action.INVITE)
        assert bench.outcomes() == [INVITED]

    async def test_heartbeats_flow_while_a_call_takes_long(self, bench: Bench, session: FakeSession) -> None:
        beats: asyncio.Queue[tuple[object, ...]] = asyncio.Queue()
        bench.temporal.on_heartbeat = lambda *details: beats.put_nowait(details)
        bench.turns.begins = [turn()]
        session.gate = asyncio.Event()
        acting = asyncio.ensure_future(bench.invite())
        async with asyncio.timeout(3 * heartbeat.EVERY.total_seconds()):
            details = [await beats.get() for _ in range(2)]
        assert not acting.done()
        assert details == [(), ()], "heartbeats are no record"
        session.gate.set()
        await acting


class TestUnavailable:
    async def test_what_was_surely_not_done_is_settled_so(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn()]
        session.answers = [Unavailable("Telegram")]
        await bench.invite()
        assert bench.outcomes() == [Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER)]

    async def test_but_not_while_an_earlier_call_is_in_doubt(self, bench: Bench, session: FakeSession) -> None:
        """The look failed, not the call."""
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        session.member_answer = Unavailable("Telegram")
        with pytest.raises(Unavailable):
            await bench.invite()
        assert bench.turns.settled == []

    async def test_which_is_uncertain_in_the_end(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        session.member_answer = Unavailable("Telegram")
        bench.attempt(LAST_TRY)
        with pytest.raises(Unavailable):  # tries are used up by the database's absence too
            await bench.invite()
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        bench.clock.moment = START + IN_DOUBT_FOR
        await bench.invite()
        assert bench.outcomes() == [UNCERTAIN]


class TestTheDatabaseIsAway:
    """Surely nothing was done, and no account is blamed: a turn's outcome of None gives the person back."""

    async def test_during_a_look_up(self, bench: Bench, session: FakeSession) -> None:
        session.finds = [DatabaseAway("OperationalError")]
        bench.turns.begins = [turn()]
        assert await bench.invite() == Worked(1, why=Why.QUEUE_EMPTY)
        assert bench.outcomes() == [None]
        assert bench.turns.marked == []

    async def test_before_the_person_is_touched(self, bench: Bench, session: FakeSession) -> None:
        session.answers = [DatabaseAway("OperationalError")]  # as the address book's, read once more
        bench.turns.begins = [turn()]
        await bench.invite()
        assert bench.outcomes() == [None]

    async def test_while_an_earlier_call_is_in_doubt(self, bench: Bench, session: FakeSession) -> None:
        """However long that lasts, it is found out when the database is back."""
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        session.member_answer = DatabaseAway("OperationalError")
        bench.attempt(LAST_TRY)
        bench.clock.moment = START + IN_DOUBT_FOR
        with pytest.raises(DatabaseAway):
            await bench.invite()
        assert bench.turns.settled == []


class TestInDoubt:
    @pytest.mark.parametrize("act", list(Action))
    async def test_a_call_without_an_answer_is_looked_into_by_the_next_attempt(
        self, bench: Bench, session: FakeSession, act: Action
    ) -> None:
        bench.turns.begins = [turn(act)]
        session.answers = [InDoubt("timed out")]
        with pytest.raises(InDoubt):
            await bench.act(act)
        assert bench.turns.settled == []
        bench.attempt(2)
        bench.turns.begins = [turn(act, AttemptState.SENT, START)]
        await bench.act(act)
        assert bench.outcomes() == [{Action.INVITE: INVITED, Action.MESSAGE: MESSAGED}.get(act, CONTACT_ADDED)]
        assert bench.turns.marked == [(0,)]

    async def test_a_member_was_invited(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        session.inside = {"anna"}
        await bench.invite()
        assert bench.outcomes() == [INVITED]
        assert session.calls == [("is_member", 4)]

    async def test_an_invite_of_somebody_who_is_no_member_is_repeated(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        await bench.invite()
        assert session.calls == [("is_member", 4), ("invite", 4, "town")]

    @pytest.mark.parametrize(
        ("passed", "outcome"),
        [
            (MESSAGE_REPEATABLE, MESSAGED),
            (MESSAGE_REPEATABLE + timedelta(seconds=1), UNCERTAIN),
        ],
    )
    async def test_a_message_is_repeated_with_its_key_while_the_platform_remembers_it(
        self, bench: Bench, session: FakeSession, passed: timedelta, outcome: Outcome
    ) -> None:
        bench.turns.begins = [turn(Action.MESSAGE, AttemptState.SENT, START)]
        bench.clock.moment = START + passed
        await bench.send()
        assert bench.outcomes() == [outcome]
        assert session.calls == ([("send", 4, "first text", 77)] if outcome is MESSAGED else [])

    async def test_nothing_is_repeated_by_a_holder_who_is_no_longer_it(
        self, bench: Bench, session: FakeSession
    ) -> None:
        bench.turns.begins = [turn(Action.MESSAGE, AttemptState.SENT, START)]
        bench.turns.ours = False
        assert await bench.send() == Worked(0, reopen=True)
        assert session.calls == []
        assert bench.turns.settled == []

    async def test_after_the_last_try_it_is_uncertain(self, bench: Bench, session: FakeSession) -> None:
        bench.turns.begins = [turn(Action.MESSAGE, AttemptState.SENT, START)]
        session.answers = [InDoubt("timed out"), InDoubt("timed out")]
        bench.attempt(LAST_TRY)
        with pytest.raises(InDoubt):
            await bench.send()
        bench.turns.begins = [turn(Action.MESSAGE, AttemptState.SENT, START)]
        bench.clock.moment = START + IN_DOUBT_FOR
        await bench.send()
        assert bench.outcomes() == [UNCERTAIN]

    @pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.RATE_LIMITED])
    async def test_an_account_that_is_refused_the_look_rests_with_its_turn_open(
        self, bench: Bench, session: FakeSession, kind: Kind
    ) -> None:
        bench.turns.begins = [turn(state=AttemptState.SENT, sent_at=START)]
        session.member_answer = Outcome(kind, Reason.BANNED if kind is Kind.BLOCKED else Reason.FLOOD_WAIT)
        worked = await bench.invite()
        assert worked.reopen
        assert bench.turns.settled == []
        assert [each.kind for each in bench.accounts.refusals] == [kind]
        assert session.closed
