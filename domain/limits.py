"""Policy numbers (LIM-1): read from one TOML file, per platform. Every number has a name and a unit there."""

import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.durations import duration
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


@dataclass(frozen=True)
class PlatformLimits:
    """One platform's section.

    `daily`: actions per account and rolling 24 h. `limited_rests`: how long an account rests after its first,
    second, … anti-spam limit; the last one repeats. `unavailable_rest`: after repeated failures of nobody's fault.
    `requests_per_second`: of one client application, over all accounts and workers; None: as many as they like.
    """

    gap: Gap
    daily: Mapping[Budget, int]
    limited_rests: tuple[timedelta, ...]
    unavailable_rest: timedelta
    requests_per_second: int | None = None

    def limited_rest(self, times_before: int) -> timedelta:
        """The rest for an account that was limited `times_before` times already."""
        return self.limited_rests[min(times_before, len(self.limited_rests) - 1)]


@dataclass(frozen=True)
class Limits:
    """The whole file."""

    platforms: Mapping[str, PlatformLimits]

    def of(self, platform: str) -> PlatformLimits:
        """The platform's section. Raises `LimitsError` when the file has none."""
        if platform not in self.platforms:
            raise LimitsError(platform, "the limits file has no section for this platform")
        return self.platforms[platform]


def parse(text: str) -> Limits:
    """Read the file's text. Raises `LimitsError` that names the first field that cannot be meant."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LimitsError("file", f"not valid TOML: {error}") from error
    return Limits({name: _platform(name, section) for name, section in document.items()})


def _platform(name: str, section: Any) -> PlatformLimits:
    fields = _table(name, section, {"gap", "daily", "limited_rests", "unavailable_rest"}, {"requests_per_second"})
    rests = fields["limited_rests"]
    if not isinstance(rests, list) or not rests:
        raise LimitsError(f"{name}.limited_rests", "must be a list of at least one duration")
    return PlatformLimits(
        gap=_gap(f"{name}.gap", fields["gap"]),
        daily=_daily(f"{name}.daily", fields["daily"]),
        limited_rests=tuple(_duration(f"{name}.limited_rests", rest) for rest in rests),
        unavailable_rest=_duration(f"{name}.unavailable_rest", fields["unavailable_rest"]),
        requests_per_second=_requests(f"{name}.requests_per_second", fields.get("requests_per_second")),
    )


def _table(where: str, value: Any, keys: set[str], optional: Set[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LimitsError(where, "must be a table")
    for key in sorted(set(value) - keys - optional):
        raise LimitsError(f"{where}.{key}", "unknown key")
    for key in sorted(keys - set(value)):
        raise LimitsError(f"{where}.{key}", "is missing")
    return value


def _gap(where: str, value: Any) -> Gap:
    fields = _table(where, value, {"shortest", "longest"})
    gap = Gap(_duration(f"{where}.shortest", fields["shortest"]), _duration(f"{where}.longest", fields["longest"]))
    if gap.longest < gap.shortest:
        raise LimitsError(f"{where}.longest", "must not be below shortest")
    return gap


def _requests(where: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 1_000_000):
        raise LimitsError(where, "must be a whole number from 1 to 1000000")
    return value


def _daily(where: str, value: Any) -> dict[Budget, int]:
    fields = _table(where, value, {budget.value for budget in Budget})
    for key, number in fields.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise LimitsError(f"{where}.{key}", "must be a whole number of at least 0")
    return {Budget(key): number for key, number in fields.items()}


def _duration(where: str, value: Any) -> timedelta:
    try:
        return duration(value)
    except ValueError as error:
        raise LimitsError(where, str(error)) from error
