"""When a campaign may act: a start, and hours of weekdays in a named time zone (CMP-4), right through clock changes.

A window is judged by the wall clock of its zone: whatever a change of daylight saving does, an action outside the
hours that the clock on the wall shows never happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import Invalid

DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FAR = 15
"""Days looked ahead for an opening: a week, and clock changes that could swallow a short window once."""
_PRECISION = timedelta(seconds=1)
_REMEMBERED = 10_000
"""Moments of the calendar that are kept: decisions ask for the same ones again and again."""


@dataclass(frozen=True)
class Window:
    """Hours of some weekdays. `days`: 0 is Monday. `begin` and `end`: minutes after midnight, `end` not included."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, local: datetime) -> bool:
        """Whether the wall clock is within it."""
        return local.weekday() in self.days and self.begin <= local.hour * 60 + local.minute < self.end


@dataclass(frozen=True)
class Schedule:
    """No windows: at any hour. `start_at`: not before then."""

    start_at: datetime | None = None
    windows: tuple[Window, ...] = ()
    zone: str = "UTC"

    def is_open(self, moment: datetime) -> bool:
        """Whether the hours allow an action now, the start aside."""
        if not self.windows:
            return True
        local = moment.astimezone(ZoneInfo(self.zone))
        return any(window.holds(local) for window in self.windows)

    def opens_at(self, moment: datetime) -> datetime:
        """The first moment from then on within the hours; the moment itself if it is."""
        if self.is_open(moment):
            return moment
        return next(change for change in self._changes(moment, moment + FAR * DAY) if self.is_open(change))

    def open_time(self, begin: datetime, end: datetime) -> timedelta:
        """How much of the time between the two lies within the hours."""
        if not self.windows:
            return max(end - begin, timedelta(0))
        edges = [begin, *self._changes(begin, end), end]
        spans = pairwise(edges)
        return sum((later - earlier for earlier, later in spans if self.is_open(earlier)), timedelta(0))

    def day_of(self, moment: datetime) -> tuple[datetime, datetime]:
        """Begin and end of the zone's calendar day around the moment."""
        zone = ZoneInfo(self.zone)
        today = moment.astimezone(zone).date()
        return _instant(today, 0, zone, 0), _instant(today + DAY, 0, zone, 0)

    def _changes(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """Every moment between the two at which `is_open` may change, in order."""
        zone = ZoneInfo(self.zone)
        first = after.astimezone(zone).date() - DAY
        last = before.astimezone(zone).date() + DAY
        moments: set[datetime] = set()
        for number in range((last - first).days):
            day = first + number * DAY
            minutes = {0} | {edge for window in self.windows for edge in (window.begin, window.end)}
            moments |= {_instant(day, minute, zone, fold) for minute in minutes for fold in (0, 1)}
            moments |= _clock_changes(day, zone)
        yield from sorted(moment for moment in moments if after < moment < before)


ALWAYS = Schedule()


@lru_cache(_REMEMBERED)
def _instant(day: date, minute: int, zone: ZoneInfo, fold: int) -> datetime:
    """When the wall clock shows that minute of the day (1440: the next midnight)."""
    local = datetime.combine(day + (minute // 1440) * DAY, time(minute // 60 % 24, minute % 60), zone)
    return local.replace(fold=fold).astimezone(UTC)


@lru_cache(_REMEMBERED)
def _clock_changes(day: date, zone: ZoneInfo) -> frozenset[datetime]:
    """The moment within that day at which the clock is put forward or back, if there is one."""
    begin, end = _instant(day, 0, zone, 0), _instant(day + DAY, 0, zone, 0)
    if begin.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset():
        return frozenset()
    before = begin.astimezone(zone).utcoffset()
    while end - begin > _PRECISION:
        middle = begin + (end - begin) / 2
        if middle.astimezone(zone).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return frozenset({end.replace(microsecond=0)})


def check(schedule: Schedule, field: str = "schedule") -> None:
    """Raises `Invalid` for a zone that nobody knows and for hours that cannot be meant."""
    check_zone(schedule.zone, f"{field}.time_zone")
    for number, window in enumerate(schedule.windows):
        _check_window(window, f"{field}.windows.{number}")


def check_zone(zone: str, field: str) -> None:
    """Raises `Invalid` for a time zone that is none."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(field, f"There is no time zone {zone!r}: give one such as Europe/Moscow.") from error


def _check_window(window: Window, field: str) -> None:
    if not window.days:
        raise Invalid(f"{field}.days", "A window needs at least one weekday.")
    if window.end == window.begin:
        raise Invalid(f"{field}.to", "The window has no hours: it ends when it begins.")
    if window.end < window.begin:
        raise Invalid(
            f"{field}.to",
            "The window ends before it begins. For a night give two windows: until 24:00, and from 00:00 on.",
        )


def minutes(text: str) -> int:
    """`HH:MM` as minutes after midnight; `24:00` is the day's end. Raises `ValueError`."""
    hours, colon, rest = text.partition(":")
    if not (colon and hours.isdecimal() and rest.isdecimal() and len(hours) <= 2 and len(rest) == 2):
        raise ValueError("must be a time such as 09:00 or 24:00")
    found = int(hours) * 60 + int(rest)
    if int(rest) > 59 or found > 24 * 60:
        raise ValueError("must be between 00:00 and 24:00")
    return found


def clock(minute: int) -> str:
    """Minutes after midnight as `HH:MM`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def weekdays(names: Sequence[str]) -> frozenset[int]:
    """Numbers of the weekdays with these names."""
    return frozenset(WEEKDAYS.index(name) for name in names)
