"""Room for clients in a process that is full: who gives up a place.

A place changes hands where that costs little: from who rests for a while yet, first from who was not used for longest.
Where all are at work, each keeps its place for a time, then gives it to who waits: nobody waits for ever, and nobody
signs in more often than that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from domain.account import AccountRef

WORTH_CLOSING = timedelta(minutes=1)
"""Who rests for less keeps its client: signing in anew costs more than it would free."""
FAIR_STAY = timedelta(minutes=15)
"""Who works keeps its client at least so long while others wait for a place."""


@dataclass(frozen=True)
class Place:
    """One account's place. `rests_for`: until the first of its campaigns wants it again. `unused_for`: since its last
    use. `held_for`: since it took the place."""

    ref: AccountRef
    rests_for: timedelta
    unused_for: timedelta
    held_for: timedelta


def gives_way(places: Iterable[Place]) -> AccountRef | None:
    """Whose client is closed to make room. `places`: those that are not in the middle of anything. None: nobody's."""
    places = list(places)
    resting = [place for place in places if place.rests_for >= WORTH_CLOSING]
    if resting:
        return max(resting, key=lambda place: place.unused_for).ref
    served = [place for place in places if place.held_for >= FAIR_STAY]
    return max(served, key=lambda place: place.held_for).ref if served else None
