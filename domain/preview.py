"""A list looked at: what would become of it if it were stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.audience import Contact, DroppedLine, DropReason

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
