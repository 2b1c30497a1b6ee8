"""Who was invited is looked for at the destination again: whether they have joined, are still there, or have left.

The looks come so long after the person was settled (`PlatformLimits.look_again`); the last one's state stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.account import AccountRef
from domain.outcome import Kind, Outcome, Reason
from domain.recipient import Person


class Membership(StrEnum):
    """What the last look found of a person."""

    JOINED = "joined"
    """Seen there for the first time, or again after having left."""
    THERE = "there"
    """Seen there once more: has stayed."""
    LEFT = "left"
    UNKNOWN = "unknown"
    """Not looked for yet, not to be found out, or still waiting to be let in."""


@dataclass(frozen=True)
class Memberships:
    """How many people stand how: each that was invited, or has asked to be let in, is in one of the numbers."""

    joined: int
    there: int
    left: int
    unknown: int


@dataclass(frozen=True)
class ToLookFor:
    """Whom an account is to look for at a campaign's destination now."""

    campaign_id: str
    destination: str
    people: Sequence[Person]


@dataclass(frozen=True)
class DueLooks:
    """An account that is to look for people. `able`: it can, as far as is known."""

    ref: AccountRef
    able: bool


def is_followed(outcome: Outcome) -> bool:
    """Whether the person who was settled so is looked for again."""
    return outcome.kind is Kind.INVITED or waits_to_be_let_in(outcome)


def waits_to_be_let_in(outcome: Outcome) -> bool:
    """Whether the group's administrators decide whether the person comes in."""
    return outcome == Outcome(Kind.REFUSED, Reason.JOIN_REQUESTED)


def seen(before: Membership, is_in: bool | None, outcome: Outcome) -> Membership:
    """How somebody stands after a look. `is_in`: None, if it could not be told."""
    if is_in is None:
        return before
    if is_in:
        stayed = before in (Membership.JOINED, Membership.THERE)
        return Membership.THERE if stayed else Membership.JOINED
    never_in = before is Membership.UNKNOWN and waits_to_be_let_in(outcome)
    return Membership.UNKNOWN if never_in else Membership.LEFT


def next_look(after: Sequence[timedelta], since: datetime, now: datetime) -> datetime | None:
    """When to look again for somebody settled at `since`; None: never. Looks that were missed are not made up for."""
    return next((since + each for each in after if since + each > now), None)


def memberships(followed: int, found: Mapping[str, int]) -> Memberships:
    """The numbers: `found` by state, of `followed` people in all."""
    joined, there, left = (found.get(each, 0) for each in (Membership.JOINED, Membership.THERE, Membership.LEFT))
    return Memberships(joined, there, left, followed - joined - there - left)
