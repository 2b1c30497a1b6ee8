"""What must hold over the journal of what was done, whatever happened. Each returns what is wrong, in words."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from domain.outcome import Kind
from domain.platform import Action
from tests.simulation.course import QUIET, Course
from tests.simulation.platform import Done

DAY = timedelta(hours=24)
CLOSE = 0.05
"""A plan is right within that part of the time that it takes."""
_HANDLED = frozenset({Kind.INVITED, Kind.MESSAGED})


def violations(journal: Sequence[Done], course: Course, daily: int, floor: timedelta) -> Sequence[str]:
    """Everything that is wrong. `daily`: the limit of each kind of action; `floor`: the shortest gap."""
    return [
        *_above_the_limit(journal, daily),
        *_too_close(journal, floor),
        *_twice(journal),
        *_outside_the_hours(journal, course),
        *_while_paused(journal, course),
        *(f"{done} in spite of {done.rivals}" for done in journal if done.rivals),
    ]


def _above_the_limit(journal: Sequence[Done], daily: int) -> Iterator[str]:
    moments = defaultdict(list)
    for done in journal:
        moments[done.account_id, done.action].append(done.at)
    for name, times in moments.items():
        for first, later in zip(times, times[daily:], strict=False):
            if later - first < DAY:
                yield f"{name} did more than {daily} within 24 h from {first}"


def _too_close(journal: Sequence[Done], floor: timedelta) -> Iterator[str]:
    by_account = defaultdict(list)
    for done in journal:
        by_account[done.account_id].append(done)
    for acts in by_account.values():
        for one, next_one in pairwise(acts):
            if next_one.at - one.at < floor:
                yield f"{next_one.at - one.at} between {one} and {next_one}"


def _twice(journal: Sequence[Done]) -> Iterator[str]:
    effects = Counter((done.campaign, done.person) for done in journal if done.kind in _HANDLED)
    yield from (f"{name} was handled {n} times" for name, n in effects.items() if n > 1)


def _outside_the_hours(journal: Sequence[Done], course: Course) -> Iterator[str]:
    for done in journal:
        history = course.hours[done.campaign]
        schedule = history[bisect_right([since for since, _ in history], done.at) - 1][1]
        if not schedule.is_open(done.at):
            yield f"{done} outside of {schedule}"


def _while_paused(journal: Sequence[Done], course: Course) -> Iterator[str]:
    for label, since, until in course.pauses:
        yield from (f"{done} while paused" for done in journal if done.campaign == label and since < done.at < until)


def took_and_planned(journal: Sequence[Done], course: Course) -> tuple[timedelta, timedelta]:
    """How long the campaign took that nothing befell, and how long by the plan that was made at its start."""
    moments = [done.at for done in journal if done.campaign == QUIET]
    return moments[-1] - moments[0], course.ends[QUIET] - moments[0]


def shares(journal: Sequence[Done], label: str) -> Counter[str]:
    """Actions of each account for the campaign."""
    return Counter(done.account_id for done in journal if done.campaign == label and done.action is Action.INVITE)
