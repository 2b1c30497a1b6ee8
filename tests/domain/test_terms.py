"""What an owner may set: never above the platform's limits (LIM-9), and errors that name the field."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import Invalid
from domain.limits_file import parse
from domain.platform import Budget
from domain.schedule import Schedule, Window
from domain.terms import Pace, Terms, check

LIMITS = parse((Path(__file__).parents[2] / "limits.toml").read_text(encoding="utf-8")).of("telegram")
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        Terms(priority=1, pace=Pace.FAST),
        Terms(priority=5, daily={Budget.INVITE: 50, Budget.MESSAGE: 0}, gap=10 * SECOND),
        Terms(gap=timedelta(days=1)),
        Terms(schedule=Schedule(windows=(Window(frozenset({0}), 0, 1440),), zone="Australia/Lord_Howe")),
    ],
)
def test_what_narrows_is_allowed(terms: Terms) -> None:
    check(terms, LIMITS)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(priority=0), "priority"),
        (Terms(priority=6), "priority"),
        (Terms(daily={Budget.INVITE: 51}), "limits.daily.invite"),
        (Terms(daily={Budget.FORWARD: -1}), "limits.daily.forward"),
        (Terms(gap=9.9 * SECOND), "limits.gap"),
        (Terms(gap=-SECOND), "limits.gap"),
        (Terms(gap=timedelta(days=1, microseconds=1)), "limits.gap"),
        (Terms(schedule=Schedule(zone="Mars/Olympus")), "schedule.time_zone"),
        (Terms(schedule=Schedule(windows=(Window(frozenset({1}), 60, 60),))), "schedule.windows.0.to"),
    ],
)
def test_what_widens_or_cannot_be_meant_is_named(terms: Terms, field: str) -> None:
    with pytest.raises(Invalid) as raised:
        check(terms, LIMITS)
    assert raised.value.field == field


def test_a_start_that_has_passed_starts_at_once() -> None:
    check(Terms(schedule=Schedule(start_at=datetime(2020, 1, 1).astimezone())), LIMITS)
