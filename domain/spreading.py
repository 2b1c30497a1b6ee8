"""Who waits, spread over what the accounts would do: when everybody is served, by whom, and on which days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import merge
from zoneinfo import ZoneInfo

from domain.ahead import Step
from domain.budgets import BUCKET, hour_of
from domain.platform import Budget

NOBODY = 0.5
"""Less than that of a person, by the shares of who goes on to another action, is nobody."""
MINUTE_OVER = timedelta(hours=1)
"""The speed per minute is the mean over so long."""
NONE = timedelta(0)


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
    crews: Sequence[Crew], stages: Sequence[Stage], now: datetime, zone: ZoneInfo, *, only_end: bool = False
) -> Spread:
    """Serve everybody, as the accounts' moments come. `only_end`: the rest of the answer is not needed."""
    left = [list(stage.waiting) for stage in stages]
    people = sum(map(sum, left))
    found = Spread(end=now)
    free_at = [now] * len(crews)
    for at, stage, crew, step in merge(*_streams(crews)):
        if people < NOBODY:
            return found
        waiting = left[stage][step.lane]
        if waiting <= 0:
            continue
        size = crews[crew].size
        start = max(at, free_at[crew])
        taken = min((step.n if start == at else _room(step, start)) * size, waiting)
        if taken <= 0:
            continue
        goes_on = taken * stages[stage].goes_on
        left[stage][step.lane] -= taken
        people -= taken
        if goes_on:
            left[stage + 1][step.lane] += goes_on
            people += goes_on
        free_at[crew] = start + taken / size * step.gap
        _note_end(found, step, stage, start, taken / size)
        if not only_end:
            _note(found, step, stage, crew, start, taken, taken / size, now, zone)
    if people >= NOBODY:
        found.end = None
    return found


_Event = tuple[datetime, int, int, Step]


def _streams(crews: Sequence[Crew]) -> list[Iterator[_Event]]:
    """By crew and stage, each in the order of time; at the same moment the earlier stage goes first."""
    return [
        _stream(tape, stage, number)
        for number, crew in enumerate(crews)
        for stage, tape in enumerate(crew.tapes)
        if tape is not None
    ]


def _stream(tape: Tape, stage: int, crew: int) -> Iterator[_Event]:
    return ((step.at, stage, crew, step) for step in tape)


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
