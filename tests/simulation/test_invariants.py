"""The invariants can fail: each of them finds what it is there for."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.outcome import Kind
from domain.platform import Action
from domain.schedule import ALWAYS, Schedule, Window
from tests.simulation.course import Course
from tests.simulation.invariants import violations
from tests.simulation.platform import Done

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, FLOOR = timedelta(hours=1), timedelta(seconds=10)
NIGHTS = Schedule(windows=(Window(frozenset(range(7)), 0, 60),))


def done(at: datetime, person: str = "p", kind: Kind = Kind.INVITED, rivals: tuple[str, ...] = ()) -> Done:
    return Done(at, "a", "club", Action.INVITE, person, kind, rivals)


@pytest.mark.parametrize(
    ("journal", "schedule", "pause", "word"),
    [
        ([done(NOW, "p"), done(NOW + 23 * HOUR, "q")], ALWAYS, None, "more than 1"),
        ([done(NOW, "p"), done(NOW + FLOOR / 2, "q")], ALWAYS, None, "between"),
        ([done(NOW), done(NOW + 25 * HOUR)], ALWAYS, None, "handled 2 times"),
        ([done(NOW)], NIGHTS, None, "outside of"),
        ([done(NOW)], ALWAYS, NOW - HOUR, "while paused"),
        ([done(NOW, rivals=("high",))], ALWAYS, None, "in spite of"),
    ],
)
def test_what_is_wrong_is_found(journal: list[Done], schedule: Schedule, pause: datetime | None, word: str) -> None:
    course = Course({"club": [(NOW - HOUR, schedule)]}, [] if pause is None else [("club", pause, NOW + HOUR)])
    assert any(word in each for each in violations(journal, course, 1, FLOOR))


def test_what_is_right_is_not() -> None:
    journal = [done(NOW, "p"), done(NOW + 24 * HOUR, "q"), done(NOW + 48 * HOUR, "q", Kind.REFUSED)]
    assert not violations(journal, Course({"club": [(NOW - HOUR, ALWAYS)]}), 1, FLOOR)
