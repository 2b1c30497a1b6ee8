"""Who waits, spread over what the accounts would do: when everybody is served, by whom, and on which days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from zoneinfo import ZoneInfo

from domain.ahead import Step
from domain.budgets import BUCKET, hour_of
from domain.platform import Budget
from domain.schedule import Schedule

NOBODY = 0.5
"""Less than that of a person, by the shares of who goes on to another action, is nobody."""
MINUTE_OVER = timedelta(hours=1)
"""The speed per minute is the mean over so long."""
NONE, DAY = timedelta(0), timedelta(days=1)
HALVED = 6
"""So often a step of many actions is halved where it could be the last one."""
SOON, NEVER = timedelta(hours=1), datetime.max.replace(tzinfo=UTC)
FIRST_RETRY, LAST_RETRY = timedelta(minutes=10), timedelta(hours=11)
"""An account that finds nobody, and will not look soon by itself, looks again after so long, then twice as long."""


class Tape:
    """The steps of a course, run ahead once and read as often as asked."""

    def __init__(self, source: Iterator[Step]) -> None:
        self._source = source
        self._steps: list[Step] = []

    def __iter__(self) -> Iterator[Step]:
        number = 0
        while True:
            if number == len(self._steps):
                following = next(self._source, None)
                if following is None:
                    return
                self._steps.append(following)
            yield self._steps[number]
            number += 1


@dataclass(frozen=True)
class Crew:
    """`size` accounts that stand alike: each does what the tapes say, one for each stage of the work; None: nothing."""

    size: int
    tapes: Sequence[Tape | None]


@dataclass(frozen=True)
class Stage:
    """One kind of action: how many wait for it, by lane, and the share of those who go on to the next stage."""

    waiting: tuple[float, ...]
    goes_on: float = 0.0


@dataclass
class Spread:
    """What comes of it. `end`: None, if it never ends. Actions by crew (of all its accounts together).

    `last`: the stage of the last action, `every` the pause before it and `gap` the safe one; `full`: how full the
    budgets of that stage got, by crew.
    """

    end: datetime | None = None
    total: float = 0.0
    days: dict[int, dict[date, float]] = field(default_factory=dict)
    soon: dict[int, float] = field(default_factory=dict)
    full: dict[tuple[int, int], tuple[float, Budget]] = field(default_factory=dict)
    last: int = 0
    every: timedelta = NONE
    gap: timedelta = NONE


def spread(
    crews: Sequence[Crew], stages: Sequence[Stage], now: datetime, schedule: Schedule, *, only_end: bool = False
) -> Spread:
    """Serve everybody, as the accounts' moments come. `only_end`: the rest of the answer is not needed."""
    left = [list(stage.waiting) for stage in stages]
    people = sum(map(sum, left))
    found = Spread(end=now)
    free_at = [now] * len(crews)
    everybody = sum(crew.size for crew in crews)
    agenda = _Agenda(crews, schedule)
    zone = ZoneInfo(schedule.zone)
    while people >= NOBODY and (due := agenda.next()) is not None:
        step, stage, crew = due.step, due.stage, due.crew
        waiting = left[stage][step.lane]
        if step.n > 1 and waiting <= step.n * everybody and agenda.split(due, waiting):
            continue
        size = crews[crew].size
        start = max(step.at, free_at[crew])
        taken = min((step.n if start == step.at else _room(step, start)) * size, waiting)
        each = taken / size
        if stage and each < step.n and any(map(any, left[:stage])):
            agenda.later(due, step.n - each, start)
        if taken <= 0:
            continue
        goes_on = taken * stages[stage].goes_on
        left[stage][step.lane] -= taken
        people -= taken
        if goes_on:
            left[stage + 1][step.lane] += goes_on
            people += goes_on
        free_at[crew] = start + each * step.gap
        _note_end(found, step, stage, start, each)
        if not only_end:
            _note(found, step, stage, crew, start, taken, each, now, zone)
    if people >= NOBODY:
        found.end = None
    return found


@dataclass(frozen=True)
class _Due:
    """A step whose time has come; at the same moment the earlier stage goes first. `origin`: of which it is a part."""

    at: datetime
    stage: int
    crew: int
    number: int
    step: Step
    origin: int
    halved: int = 0
    retry: timedelta = FIRST_RETRY


class _Agenda:
    """All steps in the order of time."""

    def __init__(self, crews: Sequence[Crew], schedule: Schedule) -> None:
        self._schedule = schedule
        self._numbers = count()
        self._heap: list[tuple[datetime, int, int, int, _Due]] = []
        self._latest: dict[tuple[int, int, int], int] = {}
        self._next_at: dict[tuple[int, int], datetime] = {}
        self._tapes = {
            (stage, number): iter(tape)
            for number, crew in enumerate(crews)
            for stage, tape in enumerate(crew.tapes)
            if tape is not None
        }
        for stage, number in self._tapes:
            self._pull(stage, number)

    def next(self) -> _Due | None:
        """The first of all that is left; what an account did not use is void once its next moment has come."""
        while self._heap:
            due = heappop(self._heap)[-1]
            place = (due.stage, due.crew, due.step.lane)
            if due.number == due.origin:
                self._latest[place] = due.origin
                self._pull(due.stage, due.crew)
                return due
            if self._latest[place] == due.origin:
                return due
        return None

    def split(self, due: _Due, waiting: float) -> bool:
        """Take it in halves, so that the last ones are shared with accounts that act at the same time."""
        if waiting <= 0 or due.halved >= HALVED:
            return False
        half = replace(due.step, n=due.step.n / 2, span=due.step.span / 2)
        self._push(due, replace(half, full=half.full - half.n / half.ceiling), due.halved + 1, due.retry)
        self._push(due, replace(half, at=half.at + half.span), due.halved + 1, due.retry)
        return True

    def later(self, due: _Due, unused: float, moment: datetime) -> None:
        """The account could have done more: it looks again, as people come from the stage before."""
        step = due.step
        soon = self._next_at[due.stage, due.crew] < moment + SOON
        if soon or step.span >= DAY or due.retry > LAST_RETRY:
            return
        at = self._schedule.opens_at(moment + due.retry)
        self._push(due, replace(step, at=at, n=unused, span=step.span * (unused / step.n)), due.halved, due.retry * 2)

    def _pull(self, stage: int, crew: int) -> None:
        step = next(self._tapes[stage, crew], None)
        self._next_at[stage, crew] = NEVER if step is None else step.at
        if step is not None:
            number = next(self._numbers)
            self._add(_Due(step.at, stage, crew, number, step, number))

    def _push(self, due: _Due, step: Step, halved: int, retry: timedelta) -> None:
        self._add(_Due(step.at, due.stage, due.crew, next(self._numbers), step, due.origin, halved, retry))

    def _add(self, due: _Due) -> None:
        heappush(self._heap, (due.at, due.stage, due.crew, due.number, due))


def _room(step: Step, start: datetime) -> float:
    """What of the step fits in, if the account had other actions before: until its own end, or the hour's."""
    if start <= step.at:
        return step.n
    end = max(step.at + step.span, hour_of(step.at) + BUCKET)
    return max(min(step.n, (end - start) / step.gap), 0.0)


def _note_end(found: Spread, step: Step, stage: int, start: datetime, each: float) -> None:
    every = step.span / step.n
    end = start if each <= 1 else start + (each - 1) * every
    if found.end is None or end >= found.end:
        found.end, found.last, found.every, found.gap = end, stage, every, step.gap


def _note(
    found: Spread,
    step: Step,
    stage: int,
    crew: int,
    start: datetime,
    taken: float,
    each: float,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    found.total += taken
    days, day = found.days.setdefault(crew, {}), start.astimezone(zone).date()
    days[day] = days.get(day, 0.0) + taken
    if start < now + MINUTE_OVER:
        found.soon[crew] = found.soon.get(crew, 0.0) + taken
    full = step.full - max(step.n - each, 0) / step.ceiling
    if full > found.full.get((stage, crew), (-1.0, step.budget))[0]:
        found.full[stage, crew] = (full, step.budget)
