"""Whether the high campaign really had the accounts: the data centre's journal beside what both campaigns say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from devstack.demo import verdict
from devstack.demo.verdict import Check, Claims, Truth
from devstack.demo.world import World
from devstack.telegram_dc.journal import Entry, Joined, Journal, Message

SOON = timedelta(seconds=10)
"""So soon a campaign goes on when the accounts are free, and the higher one has them when it comes."""


@dataclass(frozen=True)
class Act:
    """Something that was done to a person with an account."""

    at: datetime
    account: str


@dataclass(frozen=True)
class Side:
    """One of the campaigns: what the API says of it, and its part of what happened."""

    name: str
    campaign_id: str
    claims: Claims
    truth: Truth
    made: datetime
    ended: datetime

    @cached_property
    def acts(self) -> Sequence[Act]:
        """All that it did, in order."""
        joined = [Act(each.at, each.by) for each in self.truth.joined]
        written = [Act(each.at, each.by) for each in self.truth.messages]
        return sorted(joined + written, key=lambda act: act.at)

    def first_after(self, moment: datetime) -> timedelta | None:
        """How long after the moment it acted first; None: never."""
        return next((act.at - moment for act in self.acts if act.at >= moment), None)


@dataclass(frozen=True)
class Both:
    """`pause`: from when to when the high one was paused. `gave_way`: whom the low one said that it gives way to, by
    account; `held_up`: its accounts that still did so at the end of the pause. `priority`: what it says after its
    priority was set to `wanted_priority`.
    """

    low: Side
    high: Side
    pause: tuple[datetime, datetime]
    gave_way: Mapping[str, frozenset[str | None]]
    held_up: Sequence[str]
    priority: int
    wanted_priority: int


def part(journal: Journal, mine: World, other: World) -> Journal:
    """What one of two campaigns did. What concerns the people of neither is in both parts, and is found there."""
    theirs = set(other.people.values())

    def concerns(entry: Entry) -> bool:
        match entry:
            case Joined(chat=chat):
                return chat != other.chat_id
            case Message(to_user=user):
                return user not in theirs
            case _:
                return True

    return Journal([entry for entry in journal.entries if concerns(entry)])


def checks(both: Both) -> list[Check]:
    """Every comparison, of each campaign and of both together; all must agree."""
    each = [
        replace(check, what=f"{side.name}: {check.what}")
        for side in (both.high, both.low)
        for check in verdict.checks(side.claims, side.truth)
    ]
    return [*each, *_persons(both), *_precedence(both), *_going_on(both)]


def intruded(both: Both) -> Mapping[str, int]:
    """By account: what the low campaign did with it while the high one was using it.

    That is from the high one's first act with the account to its last one, and again so after its pause; what was in
    flight when it came ends before its first act.
    """
    _, resumed = both.pause
    found: dict[str, int] = {}
    for account in _accounts(both):
        times = [act.at for act in both.high.acts if act.account == account]
        spans = [span for span in ([t for t in times if t < resumed], [t for t in times if t >= resumed]) if span]
        low = [act.at for act in both.low.acts if act.account == account]
        found[account] = sum(span[0] <= at <= span[-1] for at in low for span in spans)
    return found


def _persons(both: Both) -> Iterator[Check]:
    common = verdict.contacted(both.low.truth) & verdict.contacted(both.high.truth)
    yield Check("people contacted by both campaigns", 0, len(common))


def _precedence(both: Both) -> Iterator[Check]:
    high, low = both.high, both.low
    for account, acts in intruded(both).items():
        yield Check(f"{low.name} with {account} while {high.name} had it", 0, acts)
    used = sorted({act.account for act in high.acts})
    yield Check(f"accounts that gave way, and those that {high.name} used", sorted(both.gave_way), used)
    named = {to for each in both.gave_way.values() for to in each}
    yield Check("the campaign that they said they gave way to", named, {high.campaign_id})
    first = min((low, high), key=lambda side: side.ended)
    acted_last = max((low, high), key=lambda side: max((act.at for act in side.acts), default=side.made))
    yield Check("the campaign that ended first", first.name, high.name)
    yield Check("the campaign that acted last", acted_last.name, low.name)
    yield Check(f"priority of {low.name} after its change", both.priority, both.wanted_priority)


def _going_on(both: Both) -> Iterator[Check]:
    """Nobody waits for long when it need not."""
    paused, resumed = both.pause
    yield Check(f"accounts that still gave way at the end of the pause of {both.high.name}", [], list(both.held_up))
    for side, moment, what in (
        (both.high, both.high.made, "has the accounts after it was made"),
        (both.low, paused, f"goes on after the pause of {both.high.name}"),
        (both.high, resumed, "has the accounts again after its pause"),
        (both.low, both.high.ended, f"goes on after the end of {both.high.name}"),
    ):
        first = _soon(side.first_after(moment))
        yield Check(f"{side.name} {what} within {SOON.total_seconds():.0f} s", "yes", first)


def _soon(wait: timedelta | None) -> str:
    if wait is None:
        return "never"
    return "yes" if wait <= SOON else f"after {wait.total_seconds():.1f} s"


def _accounts(both: Both) -> Sequence[str]:
    return sorted(account["id"] for account in both.low.claims.status["accounts"])
