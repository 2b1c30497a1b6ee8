"""Who of many people is in a group or channel: by its list of members where that is short, else one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.telegram.people import Known, People, names_of
from adapters.telegram.questions import OWN_MATTERS
from domain.outcome import Outcome
from domain.recipient import Person


@dataclass(frozen=True)
class Roll:
    """Members of a place. `names`: under which Telegram knows them. `whole`: nobody is missing."""

    ids: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    whole: bool = False


class Listed(Protocol):
    """A group or channel."""

    async def roll(self, requests: int) -> Roll | Outcome:
        """Who is in it: the whole list, if so many requests are enough, else the members that came last."""

    async def has(self, known: Known) -> bool | Outcome:
        """Whether the person is in it."""


async def members(people: People, place: Listed, sought: Sequence[Person]) -> Mapping[int, bool] | Outcome:
    """Who of these is there, by position. Left out: whom the account does not know, unless the list names them.

    Telegram does not tell everybody everything: what it refuses of one way is asked the other way, or left out.
    """
    known = await people.known(sought)
    roll = await place.roll(len(sought) // 2) if len(sought) > 1 else Roll()
    if isinstance(roll, Outcome):
        if roll.kind in OWN_MATTERS:
            return roll
        roll = Roll()
    found: dict[int, bool] = {}
    for person in sought:
        there = await _is_there(place, roll, person, known.get(person.position))
        if isinstance(there, bool):
            found[person.position] = there
        elif there is not None and there.kind in OWN_MATTERS:
            return there
    return found


async def _is_there(place: Listed, roll: Roll, person: Person, known: Known | None) -> bool | Outcome | None:
    if known is None:
        # That a stranger's name is not in the list says nothing: they may have another one now.
        return True if roll.names.intersection(names_of(person)) else None
    if known.user_id in roll.ids or roll.whole:
        return known.user_id in roll.ids
    return await place.has(known)
