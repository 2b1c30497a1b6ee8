"""Where a campaign stands as a whole, from where its accounts stand: running, or waiting for what and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from domain.campaign import Phase
from domain.policy import Rest
from domain.why import Why

GONE = frozenset({Why.ACCOUNT_BLOCKED, Why.ACCOUNT_INACTIVE})
"""Rests that only the owner can end."""

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


@dataclass(frozen=True)
class Member:
    """An account in the campaign. `rest`: why it does not act now; None: it can. `says`: what its run is doing."""

    account_id: str
    can_invite: bool
    checked: bool
    rest: Rest | None
    says: Why

    @property
    def gone(self) -> bool:
        """Whether only the owner can bring it back."""
        return self.rest is not None and self.rest.why in GONE


@dataclass(frozen=True)
class Open:
    """What is not settled: whether somebody waits for an invite, for a message, and the turns in flight.

    Those who wait for one account alone are apart: for whom to be invited, and for whom else.
    """

    invites: bool
    messages: bool
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
    those for whom alone somebody waits."""

    phase: Phase
    why: Why
    until: datetime | None = None
    wake: tuple[str, ...] = ()


def course(members: Sequence[Member], left: Open, problem: Why | None) -> Course:
    """Where the campaign stands. `problem`: why the accounts could not be read, if so."""
    if not members:
        return Course(Phase.WAITING, problem or Why.NO_ACCOUNTS)
    able = [member for member in members if _has_something_to_do(member, left)]
    asleep = [member.account_id for member in able if member.rest is None and _asleep(member)]
    alone = left.invites_by | left.messages_by
    wake = tuple(sorted(asleep, key=lambda each: each not in alone))
    if left.turns or any(member.rest is None for member in able):
        return Course(Phase.RUNNING, Why.WORKING, wake=wake)
    return _waiting(members, able)


def some(sleepers: Sequence[str], now: datetime) -> Sequence[str]:
    """Whom of these to wake now: the first ones, and others by lot. One recipient who comes back to the queue must
    not wake thousands; whoever still sleeps while somebody waits is drawn at a later look."""
    others = sleepers[FIRST_TO_WAKE:]
    lot = Random(now.timestamp())  # noqa: S311  drawn by the moment, no secret
    return (*sleepers[:FIRST_TO_WAKE], *lot.sample(others, min(len(others), BY_LOT)))


def _has_something_to_do(member: Member, left: Open) -> bool:
    """An account that is not checked yet may turn out to be able to invite."""
    messages = left.messages or member.account_id in left.messages_by
    invites = left.invites or member.account_id in left.invites_by
    return messages or (invites and (member.can_invite or not member.checked))


def _asleep(member: Member) -> bool:
    return member.says not in (Why.WORKING, Why.GAP, Why.PREPARING)


def _waiting(members: Sequence[Member], able: Sequence[Member]) -> Course:
    staying = [member for member in able if not member.gone]
    if staying:
        ends = [member.rest.until for member in staying if member.rest and member.rest.until]
        reasons = {member.rest.why for member in staying if member.rest}
        only = next(iter(reasons)) if len(reasons) == 1 else Why.ACCOUNTS_RESTING
        return Course(Phase.WAITING, only, min(ends) if ends else None)
    if able or all(member.gone for member in members):
        return Course(Phase.WAITING, Why.ACCOUNTS_GONE)
    said = {member.says for member in members}
    return Course(Phase.WAITING, next((why for why in NO_PATH_IN if why in said), Why.NO_ADMIN))
