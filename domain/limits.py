"""Policy numbers (LIM-1), per platform. `domain.limits_file` reads them; every number has a name and a unit there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import LimitsError
from domain.platform import Budget


@dataclass(frozen=True)
class Gap:
    """The pause between two actions of one account, drawn evenly between the two."""

    shortest: timedelta
    longest: timedelta

    def draw(self, chance: float) -> timedelta:
        """The pause for a `chance` in [0, 1)."""
        return self.shortest + (self.longest - self.shortest) * chance


class Scope(StrEnum):
    """Over what a budget is counted."""

    ACCOUNT = "account"
    PORTFOLIO = "portfolio"
    """All accounts of one business, where the platform counts them together (WhatsApp, since October 2025)."""


@dataclass(frozen=True)
class Age:
    """What accounts younger than that are held to: `daily` caps budgets, `share` is what they get of all others."""

    younger_than: timedelta
    share: float = 1.0
    daily: Mapping[Budget, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SlowDown:
    """One account at the first signs of flood control (LIM-8).

    The pauses are multiplied by `factor` at each sign, up to `most` times; after every `calm` without one they are
    divided by it again, never below the safe pause.
    """

    factor: float
    most: float
    calm: timedelta


@dataclass(frozen=True)
class PlatformSlowDown:
    """All accounts of the platform: more than `floods` signs within an hour slow everything by `slower_by` (0 to 1)."""

    floods: int
    slower_by: float


@dataclass(frozen=True)
class Guardrails:
    """A campaign waits for its owner when one of these is passed, in events per attempt, once it made `sample`."""

    sample: int
    refused: float
    flooded: float
    blocked: float


@dataclass(frozen=True)
class PlatformLimits:
    """One platform's section.

    `daily`: actions per scope and rolling 24 h, the ceiling for everybody. `hourly`: the same per rolling hour, kept
    by spacing actions evenly. `limited_rests`: how long an account rests after its first, second, … anti-spam limit;
    the last one repeats. `unavailable_rest`: after repeated failures of nobody's fault. `ages`: what younger accounts
    are held to, the youngest first. `tiers`: ceilings by the tier that the platform gives. `batch`: recipients of one
    turn at most. `gone_for`: how long a campaign waits when no account is left. `requests_per_second`: of one client
    application, over all accounts and workers. `look_again`: how long after an invite the person is looked for at the
    destination, the soonest first. What is None is switched off.
    """

    gap: Gap
    daily: Mapping[Budget, int]
    limited_rests: tuple[timedelta, ...]
    unavailable_rest: timedelta
    hourly: Mapping[Budget, int] = field(default_factory=dict)
    ages: tuple[Age, ...] = ()
    tiers: Mapping[str, Mapping[Budget, int]] = field(default_factory=dict)
    scopes: Mapping[Budget, Scope] = field(default_factory=dict)
    batch: int = 1
    slow_down: SlowDown | None = None
    platform_slow_down: PlatformSlowDown | None = None
    guardrails: Guardrails | None = None
    gone_for: timedelta | None = None
    requests_per_second: int | None = None
    look_again: tuple[timedelta, ...] = ()

    def limited_rest(self, times_before: int) -> timedelta:
        """The rest for an account that was limited `times_before` times already."""
        return self.limited_rests[min(times_before, len(self.limited_rests) - 1)]

    def scope(self, budget: Budget) -> Scope:
        """Over what the budget is counted."""
        return self.scopes.get(budget, Scope.ACCOUNT)

    def ceilings(self, created_at: datetime | None, tier: str | None, now: datetime) -> Mapping[Budget, int]:
        """What an account of this age and tier may do in 24 h: the smallest of all that applies.

        A tier that the file does not know is held to the lowest one.
        """
        caps = [self.daily, *self._of_tier(tier)]
        share = 1.0
        if created_at is not None:
            young = [each for each in self.ages if now - created_at < each.younger_than]
            caps += [each.daily for each in young]
            share = min((each.share for each in young), default=1.0)
        return {budget: _part(min(cap[budget] for cap in caps if budget in cap), share) for budget in self.daily}

    def _of_tier(self, tier: str | None) -> list[Mapping[Budget, int]]:
        if not self.tiers or tier is None:
            return []
        return [self.tiers[tier]] if tier in self.tiers else list(self.tiers.values())


def _part(limit: int, share: float) -> int:
    """A share of a limit; of one that is not 0 at least 1 remains."""
    return min(limit, max(1, int(limit * share)))


@dataclass(frozen=True)
class Limits:
    """The whole file."""

    platforms: Mapping[str, PlatformLimits]

    def of(self, platform: str) -> PlatformLimits:
        """The platform's section. Raises `LimitsError` when the file has none."""
        if platform not in self.platforms:
            raise LimitsError(platform, "the limits file has no section for this platform")
        return self.platforms[platform]
