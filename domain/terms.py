"""A campaign's terms: what its owner sets, and may change while it runs. They narrow what the platform allows, never
widen it (LIM-9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain import schedule as hours
from domain.errors import Invalid
from domain.limits import PlatformLimits
from domain.platform import Budget
from domain.schedule import ALWAYS, Schedule

HIGHEST, NORMAL, LOWEST = 1, 3, 5
"""Priorities: the same numbers as Temporal's task priorities."""


class Pace(StrEnum):
    """How a campaign spends its accounts' budgets."""

    EVEN = "even"
    """Spread over the hours of the day."""
    FAST = "fast"
    """The safe gap alone, until the budget is used."""


@dataclass(frozen=True)
class Terms:
    """`daily` and `gap`: the campaign's own limits, for each account; they count what it does for this campaign.

    The account's limits count all that it does (LIM-3): the smaller one wins at each moment.
    """

    priority: int = NORMAL
    pace: Pace = Pace.EVEN
    schedule: Schedule = ALWAYS
    daily: Mapping[Budget, int] = field(default_factory=dict)
    gap: timedelta = timedelta(0)


def check(terms: Terms, limits: PlatformLimits) -> None:
    """Raises `Invalid`, with the field, for terms that cannot be meant or that are above the platform's limits."""
    if not HIGHEST <= terms.priority <= LOWEST:
        raise Invalid("priority", f"It must be between {HIGHEST} (first) and {LOWEST} (last).")
    for budget, amount in terms.daily.items():
        if amount < 0:
            raise Invalid(f"limits.daily.{budget.value}", "It must not be negative.")
        if amount > limits.daily[budget]:
            raise Invalid(
                f"limits.daily.{budget.value}",
                f"A campaign's own limit can only be lower than the platform's: {limits.daily[budget]} a day.",
            )
    if terms.gap < timedelta(0):
        raise Invalid("limits.gap", "It must not be negative.")
    if timedelta(0) < terms.gap < limits.gap.shortest:
        raise Invalid("limits.gap", f"A pause can only be longer than the safe one: {limits.gap.shortest}.")
    if terms.gap > hours.DAY:
        raise Invalid("limits.gap", "A pause can be a day long at most.")
    hours.check(terms.schedule)
