"""Whether anything was lost or done twice: the demonstration's comparisons, the database's own facts, the times."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from devstack.demo import verdict
from devstack.demo.verdict import Check, Claims, Truth

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Facts:
    """What the servers hold. `outcomes`: of recipients, None for one that is not settled."""

    outcomes: Mapping[str | None, int]
    queued: int
    open_turns: int
    open_attempts: int
    twice: int
    """People of whom more than one attempt has succeeded."""
    running: Sequence[str] = ()
    """The campaign's workflows that go on though it has ended."""


@dataclass(frozen=True)
class Times:
    """When the campaign ran. `pauses`: while its owner did not want it to; `quiet`: while nothing may happen."""

    began: datetime
    ended: datetime
    pauses: Sequence[Span] = ()
    quiet: Sequence[Span] = ()


@dataclass(frozen=True)
class Verdict:
    """The numbers for the table, and what is wrong."""

    lost: int
    twice: int
    uncertain: int
    standstill: timedelta
    wrong: Sequence[Check] = field(default_factory=list)


def judged(
    claims: Claims,
    truth: Truth,
    facts: Facts,
    times: Times,
    in_flight: timedelta,
    silences: Sequence[str],
    edited: Sequence[Check] = (),
) -> Verdict:
    """Compare everything. `in_flight`: how long after a pause an action begun before it may still end."""
    checks = [
        *verdict.checks(claims, truth),
        *_database(claims, facts),
        *_pauses(truth, times, in_flight),
        Check("status unanswered though the API and PostgreSQL were there", [], list(silences)),
        *edited,
    ]
    return Verdict(
        lost=claims.stored - claims.status["counts"]["processed"] + len(verdict.silent(claims, truth) - {None}),
        twice=repeated(truth),
        uncertain=claims.status["counts"]["uncertain"],
        standstill=longest_standstill(_moments(truth), times),
        wrong=[check for check in checks if not check.agrees],
    )


def edited(priority: int, said: Set[int]) -> Check:
    """An edit that was confirmed is in force; one that was not answered may be."""
    return Check("the priority that its owner has given it last", True, priority in said)


def repeated(truth: Truth) -> int:
    """Effects beyond the first that a person had: a membership or a message, not both."""
    per_person = Counter(each.user for each in truth.joined) + Counter(each.to_user for each in truth.messages)
    return sum(times - 1 for times in per_person.values())


def longest_standstill(effects: Iterable[datetime], times: Times) -> timedelta:
    """The longest time without an effect in which the campaign wanted to run."""
    moments = sorted(effects)
    longest = timedelta(0)
    for begin, end in _wanted(times):
        marks = [begin, *(moment for moment in moments if begin < moment < end), end]
        longest = max([longest, *(later - earlier for earlier, later in pairwise(marks))])
    return longest


def _moments(truth: Truth) -> list[datetime]:
    return [each.at for each in truth.joined] + [each.at for each in truth.messages]


def _wanted(times: Times) -> list[Span]:
    """The run without its pauses."""
    spans: list[Span] = []
    at = times.began
    for begin, end in sorted(times.pauses):
        if begin > at:
            spans.append((at, begin))
        at = max(at, end)
    return [*spans, (at, times.ended)] if at < times.ended else spans


def _database(claims: Claims, facts: Facts) -> list[Check]:
    counts = claims.status["counts"]
    counted: Counter[str | None] = Counter()
    for kind, n in counts.items():
        match kind:
            case "refused" | "unreachable" | "failed":
                counted[kind] += sum(n.values())
            case "messaged_instead":
                counted["messaged"] += n
            case "invited" | "already_member" | "messaged" | "link_sent" | "uncertain" | "cancelled":
                counted[kind] += n
    return [
        Check("outcomes in the status, and in the database", dict(+counted), dict(facts.outcomes)),
        Check("rows left in the queue", 0, facts.queued),
        Check("turns left open", 0, facts.open_turns),
        Check("attempts not settled", 0, facts.open_attempts),
        Check("people on whom two attempts succeeded", 0, facts.twice),
        Check("workflows of the campaign that still run", [], list(facts.running)),
    ]


def _pauses(truth: Truth, times: Times, in_flight: timedelta) -> list[Check]:
    moments = _moments(truth)
    return [
        Check(f"effects in the pause from {begin:%H:%M:%S} on", 0, n)
        for begin, end in times.quiet
        if (n := sum(begin + in_flight < moment < end for moment in moments))
    ]
