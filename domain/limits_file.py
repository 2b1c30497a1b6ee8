"""The limits file's text as `domain.limits`: TOML, read strictly. What cannot be meant names its field."""

import tomllib
from collections.abc import Callable, Mapping, Set
from datetime import timedelta
from itertools import pairwise
from typing import Any

from domain.durations import duration
from domain.errors import LimitsError
from domain.limits import Age, Gap, Guardrails, Limits, PlatformLimits, PlatformSlowDown, Scope, SlowDown
from domain.platform import Budget

_MOST_REQUESTS = 1_000_000
_REQUIRED = {"gap", "daily", "limited_rests", "unavailable_rest"}


def parse(text: str) -> Limits:
    """Read the file's text. Raises `LimitsError` that names the first field that cannot be meant."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LimitsError("file", f"not valid TOML: {error}") from error
    if not document:  # so an editor leaves a file for a moment while it writes
        raise LimitsError("file", "has no section for any platform")
    return Limits({name: _platform(name, section) for name, section in document.items()})


def _platform(name: str, section: Any) -> PlatformLimits:
    fields = _table(name, section, _REQUIRED, set(_OPTIONAL))
    optional = {key: read(f"{name}.{key}", fields[key]) for key, read in _OPTIONAL.items() if key in fields}
    daily = _amounts(f"{name}.daily", fields["daily"], every=True)
    limits = PlatformLimits(
        gap=_gap(f"{name}.gap", fields["gap"]),
        daily=daily,
        limited_rests=_durations(f"{name}.limited_rests", fields["limited_rests"]),
        unavailable_rest=_duration(f"{name}.unavailable_rest", fields["unavailable_rest"]),
        **optional,
    )
    _check_caps(name, limits)
    return limits


def _check_caps(name: str, limits: PlatformLimits) -> None:
    """What narrows a ceiling must not be above it: the file would say two things."""
    caps = {f"{name}.tiers.{tier}": amounts for tier, amounts in limits.tiers.items()}
    caps |= {f"{name}.ages.{number}.daily": age.daily for number, age in enumerate(limits.ages)}
    for where, amounts in caps.items():
        for budget, amount in amounts.items():
            if amount > limits.daily[budget]:
                raise LimitsError(f"{where}.{budget.value}", f"must not be above daily ({limits.daily[budget]})")


def _table(where: str, value: Any, required: Set[str], optional: Set[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LimitsError(where, "must be a table")
    for key in sorted(set(value) - required - optional):
        raise LimitsError(f"{where}.{key}", "unknown key")
    for key in sorted(required - set(value)):
        raise LimitsError(f"{where}.{key}", "is missing")
    return value


def _gap(where: str, value: Any) -> Gap:
    fields = _table(where, value, {"shortest", "longest"})
    gap = Gap(_duration(f"{where}.shortest", fields["shortest"]), _duration(f"{where}.longest", fields["longest"]))
    if gap.longest < gap.shortest:
        raise LimitsError(f"{where}.longest", "must not be below shortest")
    return gap


def _amounts(where: str, value: Any, *, every: bool = False) -> dict[Budget, int]:
    names = {budget.value for budget in Budget}
    fields = _table(where, value, names if every else set(), names)
    return {Budget(key): _whole(f"{where}.{key}", number) for key, number in fields.items()}


def _hourly(where: str, value: Any) -> dict[Budget, int]:
    found = _amounts(where, value)
    for budget, amount in found.items():
        if amount == 0:
            raise LimitsError(f"{where}.{budget.value}", "must be at least 1: to forbid it set daily to 0")
    return found


def _ages(where: str, value: Any) -> tuple[Age, ...]:
    ages = tuple(_age(f"{where}.{number}", each) for number, each in enumerate(_list(where, value)))
    for number, (younger, older) in enumerate(pairwise(ages), start=1):
        if older.younger_than <= younger.younger_than:
            raise LimitsError(f"{where}.{number}.younger_than", "must grow from one to the next")
    return ages


def _age(where: str, value: Any) -> Age:
    fields = _table(where, value, {"younger_than"}, {"share", "daily"})
    return Age(
        _duration(f"{where}.younger_than", fields["younger_than"]),
        _rate(f"{where}.share", fields.get("share", 1)),
        _amounts(f"{where}.daily", fields.get("daily", {})),
    )


def _tiers(where: str, value: Any) -> Mapping[str, Mapping[Budget, int]]:
    if not isinstance(value, dict):
        raise LimitsError(where, "must be a table")
    return {name: _amounts(f"{where}.{name}", amounts) for name, amounts in value.items()}


def _scopes(where: str, value: Any) -> dict[Budget, Scope]:
    fields = _table(where, value, set(), {budget.value for budget in Budget})
    found = {}
    for key, name in fields.items():
        if name not in list(Scope):
            raise LimitsError(f"{where}.{key}", f"must be one of {', '.join(Scope)}")
        found[Budget(key)] = Scope(name)
    return found


def _slow_down(where: str, value: Any) -> SlowDown:
    fields = _table(where, value, {"factor", "most", "calm"})
    factor, most = _number(f"{where}.factor", fields["factor"]), _number(f"{where}.most", fields["most"])
    if factor <= 1:
        raise LimitsError(f"{where}.factor", "must be above 1")
    if most < factor:
        raise LimitsError(f"{where}.most", "must not be below factor")
    return SlowDown(factor, most, _positive(f"{where}.calm", fields["calm"]))


def _platform_slow_down(where: str, value: Any) -> PlatformSlowDown:
    fields = _table(where, value, {"floods", "slower_by"})
    slower = _rate(f"{where}.slower_by", fields["slower_by"])
    if slower == 1:
        raise LimitsError(f"{where}.slower_by", "must be below 1: nothing would go on")
    return PlatformSlowDown(_whole(f"{where}.floods", fields["floods"]), slower)


def _guardrails(where: str, value: Any) -> Guardrails:
    fields = _table(where, value, {"sample", "refused", "flooded", "blocked"})
    return Guardrails(
        _whole(f"{where}.sample", fields["sample"]),
        *(_rate(f"{where}.{key}", fields[key]) for key in ("refused", "flooded", "blocked")),
    )


def _batch(where: str, value: Any) -> int:
    if _whole(where, value) == 0:
        raise LimitsError(where, "must be at least 1")
    return int(value)


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise LimitsError(where, "must be a list that is not empty")
    return value


def _durations(where: str, value: Any) -> tuple[timedelta, ...]:
    if not isinstance(value, list) or not value:
        raise LimitsError(where, "must be a list of at least one duration")
    return tuple(_duration(where, each) for each in value)


def _growing(where: str, value: Any) -> tuple[timedelta, ...]:
    found = tuple(_positive(where, each) for each in _list(where, value))
    if any(later <= sooner for sooner, later in pairwise(found)):
        raise LimitsError(where, "must grow from one to the next")
    return found


def _duration(where: str, value: Any) -> timedelta:
    try:
        return duration(value)
    except ValueError as error:
        raise LimitsError(where, str(error)) from error


def _positive(where: str, value: Any) -> timedelta:
    found = _duration(where, value)
    if not found:
        raise LimitsError(where, "must be longer than nothing")
    return found


def _whole(where: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise LimitsError(where, "must be a whole number of at least 0")
    return value


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise LimitsError(where, "must be a number of at least 0")
    return float(value)


def _rate(where: str, value: Any) -> float:
    if _number(where, value) > 1:
        raise LimitsError(where, "must be between 0 and 1")
    return float(value)


def _requests(where: str, value: Any) -> int:
    if not 0 < _whole(where, value) <= _MOST_REQUESTS:
        raise LimitsError(where, f"must be a whole number from 1 to {_MOST_REQUESTS}")
    return int(value)


_OPTIONAL: dict[str, Callable[[str, Any], Any]] = {
    "hourly": _hourly,
    "ages": _ages,
    "tiers": _tiers,
    "scopes": _scopes,
    "batch": _batch,
    "slow_down": _slow_down,
    "platform_slow_down": _platform_slow_down,
    "guardrails": _guardrails,
    "gone_for": _positive,
    "requests_per_second": _requests,
    "look_again": _growing,
}
