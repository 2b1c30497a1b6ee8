"""What people ask of strangers who write to them, asked in batches: for those who are next as well.

A turn on Telegram is for one person, and so would each question be. Whom the account knows already and will soon write
to can be asked about in the same request; what was told of them is remembered for a while. It is a question only:
nobody is looked up for it, claimed or touched, and whoever is not remembered is asked about in their own turn.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from domain.account import AccountRef
from domain.errors import Unavailable
from domain.outcome import Outcome
from domain.ports import Session
from domain.recipient import Person

_log = structlog.get_logger("execution")

AHEAD = 99
"""Others in one request: with the person whose turn it is as many as Telegram takes."""
REMEMBERED_FOR = timedelta(minutes=10)
LOOK_AGAIN = timedelta(minutes=1)
"""How soon to look ahead again: in a queue of strangers it finds nobody, each time."""


@dataclass
class _Told:
    """What was told of people, by position, at monotonic `at`."""

    at: float
    of: dict[int, Outcome | None] = field(default_factory=dict)


class Requirements:
    """Remembers, per account and campaign. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[AccountRef, str], _Told] = {}

    async def of(
        self,
        ref: AccountRef,
        campaign_id: str,
        person: Person,
        session: Session,
        together: Sequence[Person],
        ahead: Callable[[int], Awaitable[Sequence[Person]]],
    ) -> Outcome | None:
        """Why the person refuses this account's messages; None as far as nothing is known against them.

        `together`: everybody of the same turn. `ahead`: who is next, of those whom the account knows, at most so many.
        """
        self._forget()
        told = self._told.get((ref, campaign_id))
        if told is not None and person.position in told.of:
            return told.of[person.position]
        asked = {each.position: each for each in (person, *together)}
        if told is None or self._clock() - told.at >= LOOK_AGAIN.total_seconds():
            asked |= {each.position: each for each in await _next(ahead)}
            told = self._told[ref, campaign_id] = _Told(self._clock())
        answers = await session.requirements(list(asked.values()))
        told.of |= {position: answer for position, answer in answers.items() if position != person.position}
        return answers.get(person.position)

    def _forget(self) -> None:
        since = self._clock() - REMEMBERED_FOR.total_seconds()
        for key in [key for key, told in self._told.items() if told.at < since]:
            del self._told[key]


async def _next(ahead: Callable[[int], Awaitable[Sequence[Person]]]) -> Sequence[Person]:
    try:
        return await ahead(AHEAD)
    except Unavailable as error:  # it would only have saved requests
        _log.info("no look ahead", error=str(error))
        return []
