"""Durations as people write them in settings and limits: `500ms`, `10s`, `5m`, `24h`, `7d`."""

import re
from datetime import timedelta

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
LONGEST = timedelta(days=366)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def duration(text: object) -> timedelta:
    """The duration that `text` names. Raises `ValueError` with what it should look like."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('must be a duration such as "500ms", "10s", "5m", "24h" or "7d"')
    try:
        found = float(match.group(1)) * _UNITS[match.group(2)]
    except OverflowError:
        found = timedelta.max
    if found > LONGEST:
        raise ValueError(f"must be at most {LONGEST.days} days")
    return found


def written(length: timedelta) -> str:
    """The duration as people write it: in the largest unit that fits without a rest, to the millisecond."""
    for unit, size in reversed(_UNITS.items()):
        if length >= size and not length % size:
            return f"{length // size}{unit}"
    return f"{round(length / _UNITS['ms'])}ms"
