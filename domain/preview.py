"""A list looked through: what would become of it if it were stored."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from domain.audience import Contact, DroppedLine, DropReason, Line
from domain.people import People

PEOPLE_SHOWN = 50
DROPPED_SHOWN = 100


@dataclass(frozen=True)
class Preview:
    """`people`: the first ones by line, as they would be stored. `dropped`: the first lines that would not be taken.

    `rows_read` = `stored` + the sum of `reasons`.
    """

    rows_read: int
    stored: int
    reasons: Mapping[DropReason, int]
    people: Mapping[int, Contact]
    dropped: Sequence[DroppedLine]


def look_through(lines: Iterable[Line]) -> Preview:
    """Read it all, and keep the beginning. Raises whatever `lines` raises."""
    looked = _Looked()
    for line in lines:
        looked.add(line)
    return looked.preview()


class _Looked:
    def __init__(self) -> None:
        self._who = People()
        self._read = 0
        self._reasons: Counter[DropReason] = Counter()
        self._told: dict[int, list[Line]] = {}  # by the first line that names a person: what says something of them
        self._dropped: list[DroppedLine] = []

    def add(self, line: Line) -> None:
        self._read += 1
        if isinstance(line.found, DropReason):
            self._drop(DroppedLine(line.number, line.content, line.found))
            return
        first = self._who.place(line.number, line.found)
        if first != line.number:
            self._drop(DroppedLine(line.number, line.content, DropReason.DUPLICATE, first))
        elif len(self._told) < PEOPLE_SHOWN:
            self._told[first] = []
        if first in self._told:
            told = [*self._told[first], line]
            if len(told) == 1 or _person(told) != _person(told[:-1]):  # so many as there are columns at most
                self._told[first] = told

    def _drop(self, line: DroppedLine) -> None:
        self._reasons[line.reason] += 1
        if len(self._dropped) < DROPPED_SHOWN:
            self._dropped.append(line)

    def preview(self) -> Preview:
        people = {line: _person(told) for line, told in self._without_joined().items()}
        lines = sorted(self._dropped, key=lambda line: line.line)[:DROPPED_SHOWN]
        # Who was the first of somebody then may have turned out to be somebody else since.
        dropped = [replace(line, same_as=line.same_as and self._who.first(line.same_as)) for line in lines]
        return Preview(self._read, self._read - self._reasons.total(), self._reasons, people, dropped)

    def _without_joined(self) -> dict[int, list[Line]]:
        """The people, but not those who turned out to be somebody of an earlier line."""
        self._reasons[DropReason.DUPLICATE] += len(self._who.joined)
        told = dict(self._told)
        for line in sorted(self._who.joined.keys() & told.keys()):
            first = self._who.first(line)
            self._dropped.append(DroppedLine(line, told[line][0].content, DropReason.DUPLICATE, first))
            told[first] = sorted([*told[first], *told.pop(line)], key=_number)
        return told


def _person(told: Sequence[Line]) -> Contact:
    """What all these lines say of one person, the earliest first."""
    found = (line.found for line in told)
    return reduce(Contact.completed, (each for each in found if isinstance(each, Contact)))


def _number(line: Line) -> int:
    return line.number
