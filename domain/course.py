"""Where a campaign stands as a whole, from where its accounts stand: running, or waiting for what and until when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from domain.campaign import Phase
from domain.standing import Rest
from domain.why import Why

GONE = frozenset({Why.ACCOUNT_BLOCKED, Why.ACCOUNT_INACTIVE})
"""Rests that only the owner can end."""
NOBODY_LEFT = frozenset({Why.NO_ACCOUNTS, Why.ACCOUNTS_GONE})
"""A campaign that waits for one of these ends by itself after a time (LIM-7)."""
PACING = frozenset({Why.GAP, Why.PACE})
"""Rests that are part of working."""

FIRST_TO_WAKE = 50
BY_LOT = 50
"""Runs that one look at the campaign wakes, at most."""

NO_PATH_IN = (
    Why.DESTINATION_UNKNOWN,
    Why.DESTINATION_PRIVATE,
    Why.DESTINATION_FULL,
    Why.DESTINATION_CLOSED,
)
"""What may be wrong with the destination itself, whichever account tries."""
SETTLING = timedelta(seconds=1)
"""An action that is due is looked at so long after its time: done, most likely."""


@dataclass(frozen=True)
class Member:
    """An account in the campaign. `rest`: why it does not act now; None: it can. `says`: what its run is doing.

    `to`: the campaign that it gives way to. `wakes`: its run wakes by itself just now, and needs not be woken.
    `can_write`: the campaign's post is not out of its sight.
    """

    account_id: str
    can_invite: bool
    checked: bool
    rest: Rest | None
    says: Why
    to: str | None = None
    wakes: bool = False
    can_write: bool = True

    @property
    def gone(self) -> bool:
        """Whether only the owner can bring it back."""
        return self.rest is not None and self.rest.why in GONE

    @property
    def works(self) -> bool:
        """Whether it acts, or will in its own time."""
        return self.rest is None or self.rest.why in PACING


Tried = frozenset[frozenset[str]]
"""Those who wait, by which accounts have failed on them; none: nobody waits."""


@dataclass(frozen=True)
class Open:
    """What is not settled: who waits for an invite, for a message, and the turns in flight.

    Those who wait for one account alone are apart: for whom to be invited, and for whom else.
    """

    invites: Tried
    messages: Tried
    turns: int
    invites_by: frozenset[str] = frozenset()
    messages_by: frozenset[str] = frozenset()

    @property
    def nothing(self) -> bool:
        """Everybody is settled."""
        return not (self.invites or self.messages or self.turns or self.invites_by or self.messages_by)


@dataclass(frozen=True)
class Course:
    """The campaign's phase with its reason, and the accounts whose runs sleep though they have something to do: first
    those for whom alone somebody waits.

    `to`: the campaign that all its accounts give way to. `look_at`: when something will have changed by itself; None:
    at any moment, or (where it waits without an end) not before somebody acts.
    """

    phase: Phase
    why: Why
    until: datetime | None = None
    wake: tuple[str, ...] = ()
    to: str | None = None
    look_at: datetime | None = None


def course(members: Sequence[Member], left: Open, problem: Why | None) -> Course:
    """Where the campaign stands. `problem`: why the accounts could not be read, if so."""
    if not members and not left.turns:
        return Course(Phase.WAITING, problem or Why.NO_ACCOUNTS)
    left = _returning(left, [member for member in members if not member.gone])
    able = [member for member in members if _has_something_to_do(member, left)]
    asleep = [member.account_id for member in able if member.rest is None and _asleep(member)]
    alone = left.invites_by | left.messages_by
    wake = tuple(sorted(asleep, key=lambda each: each not in alone))
    if left.turns or any(member.works for member in able):
        return Course(Phase.RUNNING, Why.WORKING, wake=wake, look_at=_next_action(able, left))
    return _waiting(members, able, left)


def some(sleepers: Sequence[str], now: datetime) -> Sequence[str]:
    """Whom of these to wake now: the first ones, and others by lot. One recipient who comes back to the queue must
    not wake thousands; whoever still sleeps while somebody waits is drawn at a later look."""
    others = sleepers[FIRST_TO_WAKE:]
    lot = Random(now.timestamp())  # noqa: S311  drawn by the moment, no secret
    return (*sleepers[:FIRST_TO_WAKE], *lot.sample(others, min(len(others), BY_LOT)))


def held_by(rest: Rest) -> Course:
    """A campaign that holds itself: by its own times, or by a guardrail."""
    phase = Phase.SCHEDULED if rest.why is Why.SCHEDULED else Phase.WAITING
    return Course(phase, rest.why, rest.until, look_at=rest.until)


def _next_action(able: Sequence[Member], left: Open) -> datetime | None:
    """When the first account that paces itself will have acted; None while one is at it."""
    if left.turns or any(member.rest is None for member in able):
        return None
    ends = [member.rest.until for member in able if member.rest and member.rest.until]
    return min(ends) + SETTLING if ends else None


def _returning(left: Open, staying: Sequence[Member]) -> Open:
    """Whoever all able accounts have failed on may return to each of them."""
    writing = {member.account_id for member in staying if member.can_write}
    inviting = {member.account_id for member in staying if member.can_invite}
    return replace(
        left,
        invites=frozenset(tried if inviting - tried else frozenset() for tried in left.invites),
        messages=frozenset(tried if writing - tried else frozenset() for tried in left.messages),
    )


def _has_something_to_do(member: Member, left: Open) -> bool:
    """An account that is not checked yet may turn out to be able to invite."""
    me = member.account_id
    messages = me in left.messages_by or any(me not in tried for tried in left.messages)
    invites = me in left.invites_by or any(me not in tried for tried in left.invites)
    return (messages and member.can_write) or (invites and (member.can_invite or not member.checked))


def _others_have_failed(members: Sequence[Member], left: Open) -> bool:
    """Somebody could act, had it not failed on everybody who is left."""
    untried = replace(
        left,
        invites=frozenset(frozenset[str]() for _ in left.invites),
        messages=frozenset(frozenset[str]() for _ in left.messages),
    )
    return any(member.works and _has_something_to_do(member, untried) for member in members)


def _asleep(member: Member) -> bool:
    return not member.wakes and member.says not in (Why.WORKING, Why.GAP, Why.PACE, Why.PREPARING)


def _waiting(members: Sequence[Member], able: Sequence[Member], left: Open) -> Course:
    staying = [member for member in able if not member.gone]
    if staying:
        ends = [member.rest.until for member in staying if member.rest and member.rest.until]
        reasons = {member.rest.why for member in staying if member.rest}
        only = next(iter(reasons)) if len(reasons) == 1 else Why.ACCOUNTS_RESTING
        if _others_have_failed(members, left):
            only = Why.UNTRIED_RESTS
        to = {member.to for member in staying}
        first = min(ends) if ends else None
        return Course(Phase.WAITING, only, first, to=to.pop() if len(to) == 1 else None, look_at=first)
    if (left.messages or left.messages_by) and any(not member.can_write for member in members if not member.gone):
        return Course(Phase.WAITING, Why.POST_UNAVAILABLE)
    if able or all(member.gone for member in members):
        return Course(Phase.WAITING, Why.ACCOUNTS_GONE)
    said = {member.says for member in members}
    return Course(Phase.WAITING, next((why for why in NO_PATH_IN if why in said), Why.NO_ADMIN))
