"""Hours by the wall clock, right through changes of daylight saving: compared with looking at every minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.schedule import ALWAYS, Schedule, Window, check, clock, minutes, weekdays

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERY_DAY = frozenset(range(7))
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Moscow", date(2026, 3, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2026, 11, 1)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Africa/Cairo", date(2026, 10, 29)),
]
"""Days on which the clock is put forward or back, by an hour or by half of one, in the night or at midnight itself."""
EDGES = st.one_of(st.integers(0, 240), st.integers(0, 1440), st.sampled_from([0, 60, 90, 120, 150, 180, 1380, 1440]))
WINDOWS = st.lists(
    st.builds(
        lambda days, one, other: Window(frozenset(days), min(one, other), max(one, other) + (one == other)),
        st.sets(st.integers(0, 6), min_size=1),
        EDGES.filter(lambda edge: edge < 1440),
        EDGES,
    ),
    min_size=1,
    max_size=3,
).map(tuple)


def shown(schedule: Schedule, moment: datetime) -> bool:
    """What a person would say who looks at the clock and the calendar on the wall."""
    wall = moment.astimezone(ZoneInfo(schedule.zone))
    minute = wall.hour * 60 + wall.minute
    return any(wall.weekday() in each.days and each.begin <= minute < each.end for each in schedule.windows)


@settings(max_examples=60)
@given(WINDOWS, st.sampled_from(CHANGES), st.integers(-720, 1440 + 720))
def test_it_is_as_if_every_minute_were_looked_at(
    windows: tuple[Window, ...], change: tuple[str, date], minute: int
) -> None:
    zone, day = change
    schedule = Schedule(windows=windows, zone=zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE
    span = [begin + number * MINUTE for number in range(30 * 60)]
    openings = [shown(schedule, each) for each in span]
    assert [schedule.is_open(each) for each in span[:300]] == openings[:300]
    end = begin + len(span) * MINUTE
    assert schedule.open_time(begin, end) == sum(openings) * MINUTE
    found = schedule.opens_at(begin)
    if any(openings):
        assert found == span[openings.index(True)]
    else:
        assert found >= end
    assert schedule.is_open(found)
    assert found == begin or not schedule.is_open(found - MINUTE)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_a_day_is_the_calendar_s(zone: str, day: date) -> None:
    schedule = Schedule(windows=(Window(EVERY_DAY, 0, 1440),), zone=zone)
    for hour in range(-12, 36):
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + hour * HOUR
        begin, end = schedule.day_of(moment)
        assert begin <= moment < end
        today = moment.astimezone(ZoneInfo(zone)).date()
        assert {each.astimezone(ZoneInfo(zone)).date() for each in (begin, moment, end - MINUTE)} == {today}
        assert end.astimezone(ZoneInfo(zone)).date() == today + DAY
        assert schedule.is_open(moment)
        assert schedule.open_time(begin, end) == end - begin


def local(zone: str, *moment: int, fold: int = 0) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[arg-type,misc]


class TestKnownNights:
    def test_hours_that_the_clock_skips_do_not_come(self) -> None:
        sundays = Schedule(windows=(Window(frozenset({6}), 120, 180),), zone="Europe/Berlin")
        before = local("Europe/Berlin", 2026, 3, 28, 12, 0)
        assert sundays.opens_at(before) == local("Europe/Berlin", 2026, 4, 5, 2, 0)
        assert sundays.open_time(before, before + DAY) == timedelta(0)

    def test_hours_that_the_clock_shows_twice_come_twice(self) -> None:
        sundays = Schedule(windows=(Window(frozenset({6}), 120, 180),), zone="Europe/Berlin")
        before = local("Europe/Berlin", 2026, 10, 24, 12, 0)
        assert sundays.open_time(before, before + DAY) == 2 * HOUR
        part = Schedule(windows=(Window(frozenset({6}), 150, 180),), zone="Europe/Berlin")
        first_ends = local("Europe/Berlin", 2026, 10, 25, 2, 59) + MINUTE
        assert not part.is_open(first_ends)
        assert part.opens_at(first_ends) == local("Europe/Berlin", 2026, 10, 25, 2, 30, fold=1)

    def test_half_an_hour_on_lord_howe(self) -> None:
        schedule = Schedule(windows=(Window(EVERY_DAY, 120, 150),), zone="Australia/Lord_Howe")
        before = local("Australia/Lord_Howe", 2026, 10, 4, 1, 0)
        assert schedule.open_time(before, before + 12 * HOUR) == timedelta(0)
        assert schedule.opens_at(before) == local("Australia/Lord_Howe", 2026, 10, 5, 2, 0)

    def test_a_night_is_two_windows_that_meet_at_midnight(self) -> None:
        night = Schedule(windows=(Window(EVERY_DAY, 22 * 60, 1440), Window(EVERY_DAY, 0, 6 * 60)), zone="Europe/Moscow")
        begin = local("Europe/Moscow", 2026, 3, 2, 22, 0)
        assert night.open_time(begin, begin + DAY) == 8 * HOUR
        assert night.is_open(local("Europe/Moscow", 2026, 3, 3, 0, 0))
        assert not night.is_open(local("Europe/Moscow", 2026, 3, 3, 6, 0))

    def test_one_weekday_of_the_week(self) -> None:
        mondays = Schedule(windows=(Window(frozenset({0}), 600, 660),))
        after = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
        assert mondays.opens_at(after) == datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
        assert mondays.open_time(after, after + 14 * DAY) == 2 * HOUR

    def test_without_windows_it_is_always_open(self) -> None:
        now = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
        assert ALWAYS.is_open(now)
        assert ALWAYS.opens_at(now) == now
        assert ALWAYS.open_time(now, now + HOUR) == HOUR
        assert ALWAYS.open_time(now, now - HOUR) == timedelta(0)


class TestBadInput:
    @pytest.mark.parametrize(
        ("window", "field"),
        [
            (Window(frozenset(), 0, 60), "schedule.windows.0.days"),
            (Window(EVERY_DAY, 60, 60), "schedule.windows.0.to"),
            (Window(EVERY_DAY, 60, 30), "schedule.windows.0.to"),
        ],
    )
    def test_hours_that_cannot_be_meant(self, window: Window, field: str) -> None:
        with pytest.raises(Invalid) as raised:
            check(Schedule(windows=(window,)))
        assert raised.value.field == field

    @pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Europe", "../UTC", "/etc/localtime", "UTC\0", "x" * 300])
    def test_a_zone_that_is_none(self, zone: str) -> None:
        with pytest.raises(Invalid) as raised:
            check(Schedule(windows=(Window(EVERY_DAY, 0, 60),), zone=zone))
        assert raised.value.field == "schedule.time_zone"

    @pytest.mark.parametrize("text", ["", "9", "9:0", "24:01", "23:60", "-1:00", "1e:00", "009:00", "09:00:00"])
    def test_a_time_that_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match="must be"):
            minutes(text)

    @given(st.integers(0, 1440))
    def test_times_are_read_as_they_are_written(self, minute: int) -> None:
        assert minutes(clock(minute)) == minute

    def test_weekdays_by_name(self) -> None:
        assert weekdays(["sun", "mon"]) == {0, 6}
