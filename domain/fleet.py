"""All owners together, in numbers: what operators watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.account import AccountState
from domain.campaign import Phase, Wanted
from domain.limits import Limits
from domain.outcome import Kind
from domain.platform import Budget
from domain.why import Why

SPEED_OVER = timedelta(minutes=5)
"""The speed is that of so many last minutes."""
LATE_BY_PART = 0.5
LATE_BY_LEAST = timedelta(days=1)
"""A campaign is late when its end is planned later than promised by more than that part of the promised time, and by
more than a day. Promised is what was planned after the owner's last command or edit: a pause makes nobody late."""

STUCK_AFTER = timedelta(hours=3)
"""A campaign that says it is at work settles somebody within this time after the moments that its pace names."""


@dataclass(frozen=True, slots=True)
class Live:
    """Campaigns that were started and have not ended, of one kind. `people`: who is not settled yet."""

    platform: str
    wanted: Wanted
    phase: Phase
    why: Why
    campaigns: int
    people: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """One look. Every mapping is by platform and what else stands in its key.

    `outcomes`: ever, with whether they settled the person. `settled`: within `SPEED_OVER`. `leases`: taken, ever.
    `spent`: of the accounts' budgets in 24 h. `late`: campaigns that take much longer than planned. `stuck`: those that
    say they are at work, and have settled nobody for `STUCK_AFTER`.
    """

    at: datetime
    live: Sequence[Live]
    outcomes: Mapping[tuple[str, Kind, bool], int]
    settled: Mapping[str, int]
    accounts: Mapping[tuple[str, AccountState], int]
    leases: Mapping[str, int]
    spent: Mapping[tuple[str, Budget], int]
    late: Mapping[str, int]
    stuck: Mapping[str, int]

    def per_minute(self) -> float:
        """People settled per minute, over the last minutes."""
        return sum(self.settled.values()) / (SPEED_OVER / timedelta(minutes=1))

    def left(self, limits: Limits) -> Mapping[tuple[str, Budget], int]:
        """What the accounts that can work may still do in 24 h, if the platform's ceiling alone held."""
        platforms = {platform for platform, _ in self.accounts} & limits.platforms.keys()
        return {
            (platform, budget): max(0, daily * self._able(platform) - self.spent.get((platform, budget), 0))
            for platform in sorted(platforms)
            for budget, daily in limits.of(platform).daily.items()
        }

    def _able(self, platform: str) -> int:
        return sum(
            accounts
            for (of, state), accounts in self.accounts.items()
            if of == platform and state is not AccountState.BLOCKED
        )
