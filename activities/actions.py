"""The actions: an activity takes an account's turns of one kind for a time box, and says what is next.

Each turn begins with a look at the campaign's wish, is marked as sent before its call, and once begun is settled also
when the activity is cancelled or the worker shuts down.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link
from structlog.contextvars import get_contextvars
from temporalio import activity

from activities.heartbeat import heartbeating
from activities.open_accounts import OpenAccounts
from activities.requirements import Requirements
from domain.account import AccountRef
from domain.errors import DatabaseAway, InDoubt, LeaseLost, Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action
from domain.policy import Act, Decision, GiveWay, NothingNow
from domain.ports import Clock, Found, Session
from domain.recipient import Person
from domain.standing import Rest, Standing
from domain.turn import Attempt, AttemptState, Halted, Settled, Turn, TurnKey
from domain.why import Why

_log = structlog.get_logger("execution")
_tracer = trace.get_tracer("invite-service")

LAST_TRY = 5
"""The activity's last attempt: what is in doubt then is looked into when the account has been opened again."""
IN_DOUBT_FOR = timedelta(minutes=10)
"""What could not be found out for so long is settled as uncertain, at the last attempt."""


class TurnStore(Protocol):
    """What the actions ask of storage."""

    async def begin(self, turn: TurnKey, action: Action, now: datetime) -> Turn | Decision | Settled | Halted:
        """Give the account its turn, or say why not."""

    async def mark_sent(self, turn_id: str, by: TurnKey, slots: Sequence[int], now: datetime) -> frozenset[int]:
        """Which of the attempts may be called now."""

    async def identify(self, by: TurnKey, person: Person, found: Found) -> Outcome | None:
        """Write down who a recipient turned out to be; an outcome: the person must not be touched."""

    async def ahead(self, by: TurnKey, at_most: int) -> Sequence[Person]:
        """Who is next to be written to, of those whom the account knows; nobody is claimed."""

    async def still_ours(self, by: TurnKey) -> bool:
        """Whether the lease and the fence still hold."""

    async def settle(
        self,
        turn_id: str,
        ref: AccountRef,
        outcomes: Mapping[int, Outcome | None],
        now: datetime,
        fence: int | None = None,
    ) -> None:
        """Write what became of the turn, as the holder of `fence` has seen it."""


class StandingStore(Protocol):
    """What the actions ask of the store of accounts."""

    async def refused(self, ref: AccountRef, outcome: Outcome, now: datetime) -> Standing:
        """The platform refused the account something: write how it stands now."""


@dataclass(frozen=True)
class Work:
    """Take turns for an account. `number` stays the same until this activity's result is known."""

    owner: str
    adapter: str
    account_id: str
    campaign_id: str
    run: str
    number: int
    fence: int


@dataclass(frozen=True)
class Worked:
    """What is next. `action` with `until`: act, not before then. `halted`: wait for the campaign. `reopen`: the
    account is not open here. Else: `why`, and `until` when, nothing is done; `closed`: it was closed for that.
    """

    turns: int
    action: Action | None = None
    until: datetime | None = None
    why: Why = Why.WORKING
    halted: bool = False
    reopen: bool = False
    closed: bool = False
    blocked: Reason = Reason.NONE


class ActionActivities:
    """The actions. `time_box`: how long one activity takes turns. `taken` hears of each turn that was settled."""

    def __init__(
        self,
        open_accounts: OpenAccounts,
        turns: TurnStore,
        accounts: StandingStore,
        clock: Clock,
        time_box: timedelta,
        close_when_resting: timedelta,
        taken: Callable[[str, str], None] = lambda adapter, action: None,
    ) -> None:
        self._open = open_accounts
        self._turns = turns
        self._accounts = accounts
        self._clock = clock
        self._time_box = time_box
        self._close_when_resting = close_when_resting
        self._taken = taken
        self._requirements = Requirements()

    @activity.defn
    async def invite(self, work: Work) -> Worked:
        """Invite the next recipients of the campaign's queue."""
        return await self._take_turns(work, Action.INVITE)

    @activity.defn
    async def send_message(self, work: Work) -> Worked:
        """Write to the next recipients of the campaign's queue."""
        return await self._take_turns(work, Action.MESSAGE)

    @activity.defn
    async def add_contact(self, work: Work) -> Worked:
        """Add the next recipients of the campaign's queue to the account's contacts."""
        return await self._take_turns(work, Action.ADD_CONTACT)

    async def _take_turns(self, work: Work, action: Action) -> Worked:
        """Turn after turn until the policy rests, the box is full, or the worker or the workflow stops us."""
        ends = time.monotonic() + self._time_box.total_seconds()
        taken = 0
        outcomes: Counter[str] = Counter()
        try:
            async with heartbeating():
                while True:
                    turn = asyncio.ensure_future(self._one_turn(work, action, taken, outcomes))
                    stopped = await _settled(turn)
                    worked = turn.result()
                    if worked is not None:
                        return worked
                    taken += 1
                    if stopped or time.monotonic() >= ends or activity.is_worker_shutdown():
                        return Worked(taken, action=action)
        finally:
            if outcomes:
                _log.info("settled", action=action.value, **outcomes)

    async def _one_turn(self, work: Work, action: Action, taken: int, outcomes: Counter[str]) -> Worked | None:
        """None: a turn was taken, and another may follow. `outcomes`: counts what becomes of people, by kind."""
        ref = AccountRef(work.owner, work.adapter, work.account_id)
        by = TurnKey(f"{work.run}/{work.number}/{taken}", work.campaign_id, ref, work.fence)
        try:
            async with self._open.turn(ref):
                session = self._open.session(ref, work.fence)
                self._open.rests(ref, work.campaign_id, timedelta(0))
                began = time.time_ns()
                begun = await self._turns.begin(by, action, await self._clock.now())
                if not isinstance(begun, Turn):
                    return await self._next(work, ref, begun, action, taken)
                with _span(begun, taken, began):
                    return await self._carry_out(begun, by, session, taken, outcomes)
        except LeaseLost:
            return Worked(taken, reopen=True)
        except _AccountRefused as refused:  # its turn stays open, in doubt, until the account has rested
            outcome = refused.outcome
            await self._accounts.refused(ref, outcome, await self._clock.now())
            await self._open.close(ref, None if outcome.kind is Kind.BLOCKED else work.campaign_id)
            blocked = outcome.reason if outcome.kind is Kind.BLOCKED else Reason.NONE
            return Worked(taken, reopen=True, blocked=blocked)

    async def _next(
        self, work: Work, ref: AccountRef, said: Decision | Settled | Halted, action: Action, taken: int
    ) -> Worked | None:
        match said:
            case Settled():
                return None
            case Halted():
                self._open.rests(ref, work.campaign_id, None)
                return Worked(taken, halted=True)
            case Act(waiting):
                return Worked(taken, action=waiting.action)
            case NothingNow():
                self._open.rests(ref, work.campaign_id, None)
                return Worked(taken, why=Why.QUEUE_EMPTY)
            case Rest(_, Why.ACCOUNT_BLOCKED):  # opening it closes what it left behind, and says so
                return Worked(taken, reopen=True)
            case Rest(until, (Why.GAP | Why.PACE) as why):
                closed = await self._closed(work, ref, until)
                return Worked(taken, action=action, until=until, why=why, closed=closed)
            case Rest(until, why):
                return Worked(taken, until=until, why=why, closed=await self._closed(work, ref, until))
            case GiveWay(until):
                closed = await self._closed(work, ref, until)
                return Worked(taken, until=until, why=Why.GIVES_WAY, closed=closed)

    async def _closed(self, work: Work, ref: AccountRef, until: datetime | None) -> bool:
        """Close the account for a long rest; for a shorter one others may have its place."""
        rest = None if until is None else until - await self._clock.now()
        if rest is not None and rest > self._close_when_resting:
            await self._open.close(ref, work.campaign_id)
            return True
        self._open.rests(ref, work.campaign_id, rest)
        return False

    async def _carry_out(
        self, turn: Turn, by: TurnKey, session: Session, taken: int, told: Counter[str]
    ) -> Worked | None:
        """Call the platform for each attempt and settle the turn."""
        outcomes: dict[int, Outcome | None] = {}
        for attempt in turn.attempts:
            outcomes[attempt.slot] = await self._attempt(turn, attempt, by, session)
        with _tracer.start_as_current_span("settle"):
            await self._turns.settle(turn.turn_id, by.ref, outcomes, await self._clock.now(), by.fence)
        for attempt in turn.attempts:
            _tell(turn, attempt, outcomes[attempt.slot], told)
        self._taken(by.ref.adapter, turn.action.value)
        blocked = next((each.reason for each in outcomes.values() if each and each.kind is Kind.BLOCKED), None)
        if blocked is not None:
            await self._open.close(by.ref)
            return Worked(taken + 1, why=Why.ACCOUNT_BLOCKED, closed=True, blocked=blocked)
        return None if session.connected else Worked(taken + 1, reopen=True)

    async def _attempt(self, turn: Turn, attempt: Attempt, by: TurnKey, session: Session) -> Outcome | None:
        """None: surely no call was made. Raises `InDoubt` to be tried again while there is a way to find out."""
        try:
            if attempt.state is AttemptState.SENT:
                if not attempt.person.names:  # erased meanwhile: nobody can be asked about
                    return Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)
                return await self._find_out(turn, attempt, by, session)
            hindered = await self._hindered(turn, attempt, by, session)
            if hindered is not None:
                return hindered
            with _tracer.start_as_current_span("mark sent"):
                allowed = await self._turns.mark_sent(turn.turn_id, by, [attempt.slot], await self._clock.now())
            if attempt.slot not in allowed:
                return None
            return await _call(turn, attempt, session)
        except DatabaseAway:
            if attempt.state is AttemptState.SENT:  # it can be found out when the database is back
                raise
            return None
        except Unavailable as error:
            _log.info("platform unavailable", account_id=by.ref.account_id, error=str(error))
            if attempt.state is AttemptState.SENT:  # whether the first call was carried out is still unknown
                return await self._give_up_or_raise(attempt, error)
            return Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER)
        except InDoubt as error:
            return await self._give_up_or_raise(attempt, error)

    async def _hindered(self, turn: Turn, attempt: Attempt, by: TurnKey, session: Session) -> Outcome | None:
        """What can be known before the person is touched: not to be contacted, not found, found before."""
        if attempt.suppressed:
            return Outcome(Kind.SKIPPED, Reason.SUPPRESSED)
        found = await session.find(attempt.person)
        if isinstance(found, Outcome):
            return found
        if turn.action is Action.ADD_CONTACT:  # it will be counted as that
            found = replace(found, contact_added=False)
        with _tracer.start_as_current_span("identify"):
            kept_from = await self._turns.identify(by, attempt.person, found)
        if kept_from is not None:
            return kept_from
        if turn.action is not Action.MESSAGE:
            return None
        together = [each.person for each in turn.attempts]
        return await self._requirements.of(
            by.ref, by.campaign_id, attempt.person, session, together, lambda most: self._turns.ahead(by, most)
        )

    async def _give_up_or_raise(self, attempt: Attempt, error: Exception) -> Outcome:
        """Tried again, on a new connection, it is found marked as sent; what nobody can tell is uncertain in the end.

        Tries alone do not count: the database's absence uses them up too.
        """
        now = await self._clock.now()
        if activity.info().attempt >= LAST_TRY and now - (attempt.sent_at or now) >= IN_DOUBT_FOR:
            return Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)
        raise error

    async def _find_out(self, turn: Turn, attempt: Attempt, by: TurnKey, session: Session) -> Outcome:
        """An earlier call may have been carried out: ask the platform, or repeat where that has no second effect."""
        if turn.action is Action.INVITE:
            member = await session.is_member(attempt.person, turn.destination)
            if isinstance(member, Outcome):
                raise _AccountRefused(member)
            if member:
                return Outcome(Kind.INVITED)
        if attempt.suppressed:  # opted out meanwhile: what was asked of the platform is not asked again
            return Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)
        repeatable = self._open.adapter(by.ref.adapter).capabilities.repeatable.get(turn.action)
        sent_at = attempt.sent_at or await self._clock.now()
        if repeatable is None or await self._clock.now() - sent_at > repeatable:
            return Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)
        if not await self._turns.still_ours(by):
            raise LeaseLost(f"account {by.ref.account_id} is held elsewhere")
        outcome = await _call(turn, attempt, session)
        # No member just before: the earlier call has come through meanwhile.
        return Outcome(Kind.INVITED) if outcome.kind is Kind.ALREADY_MEMBER else outcome


@contextmanager
def _span(turn: Turn, taken: int, began: int) -> Iterator[None]:
    """A turn's, from its `begin` on (ns since 1970): before that nobody knows whether there will be one.

    The activity's trace is the first turn's; each further turn has a trace of its own, linked to it.
    """
    about = {**get_contextvars(), "action": turn.action.value, "turn": turn.turn_id}
    apart = Context() if taken else None
    links = [Link(trace.get_current_span().get_span_context())] if taken else []
    with _tracer.start_as_current_span("turn", apart, attributes=about, links=links, start_time=began):
        _tracer.start_span("begin", start_time=began).end()
        yield


def _tell(turn: Turn, attempt: Attempt, outcome: Outcome | None, told: Counter[str]) -> None:
    """Log what became of one person, who is named by their place in the campaign alone (SEC-5)."""
    kind, reason = ("not_called", "") if outcome is None else (outcome.kind.value, outcome.reason.value)
    told[kind] += 1
    _log.debug(
        "recipient",
        turn=turn.turn_id,
        position=attempt.person.position,
        action=turn.action,
        outcome=kind,
        reason=reason,
    )


async def _call(turn: Turn, attempt: Attempt, session: Session) -> Outcome:
    if turn.action is Action.INVITE:
        return await session.invite(attempt.person, turn.destination)
    if turn.action is Action.ADD_CONTACT:
        return await session.add_contact(attempt.person)
    if turn.post:
        return await session.forward(attempt.person, turn.post, attempt.key)
    return await session.send(attempt.person, attempt.text, attempt.key)


async def _settled(turn: "asyncio.Future[Worked | None]") -> bool:
    """Wait for the turn's end, whatever comes; whether we were told to stop meanwhile (cancelled, or the grace time
    of a shutdown is over). Awaiting the turn itself would hand the cancellation on to it."""
    stopped = False
    while not turn.done():
        try:
            await asyncio.wait({turn})
        except asyncio.CancelledError:
            stopped = True
    return stopped


class _AccountRefused(Exception):
    """The platform refuses the account the look that would end a doubt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome
