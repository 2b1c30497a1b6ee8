"""A report's totals: the settled recipients by action, by reason, by account and by day, each adding up to all."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.outcome import SUCCESSES
from domain.statistics import Count

NO_ACCOUNT = ""
"""Stands for the account of those who were settled without one."""


@dataclass(frozen=True)
class Part:
    """So many settled recipients, and those of them who have got what the campaign wanted."""

    recipients: int = 0
    reached: int = 0

    def __add__(self, other: "Part") -> "Part":
        return Part(self.recipients + other.recipients, self.reached + other.reached)


@dataclass(frozen=True)
class SettledAt:
    """Recipients settled within the quarter of an hour from `quarter` on: no time zone divides one between days."""

    quarter: datetime
    part: Part


@dataclass(frozen=True)
class Totals:
    """The settled recipients, divided in four ways.

    `by_action`: by the last action, and whether it replaced a refused invite. `by_reason`: by outcome and reason, the
    most frequent first. `by_day`: by calendar day of the time zone `zone`.
    """

    zone: str
    by_action: Mapping[tuple[str, bool], Part]
    by_reason: Mapping[tuple[str, str], int]
    by_account: Mapping[str, Part]
    by_day: Mapping[date, Part]


def totals(counts: Iterable[Count], times: Iterable[SettledAt], zone: str) -> Totals:
    """Add the counters and the times up."""
    actions: defaultdict[tuple[str, bool], Part] = defaultdict(Part)
    reasons: defaultdict[tuple[str, str], int] = defaultdict(int)
    accounts: defaultdict[str, Part] = defaultdict(Part)
    days: defaultdict[date, Part] = defaultdict(Part)
    for each in counts:
        if not each.final or not each.n:
            continue
        part = Part(each.n, each.n if each.kind in SUCCESSES else 0)
        actions[each.action, each.instead] += part
        reasons[each.kind, each.reason] += each.n
        accounts[each.account_id] += part
    for at in times:
        days[at.quarter.astimezone(ZoneInfo(zone)).date()] += at.part
    return Totals(
        zone=zone,
        by_action=dict(sorted(actions.items())),
        by_reason=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        by_account=dict(sorted(accounts.items())),
        by_day=dict(sorted(days.items())),
    )
