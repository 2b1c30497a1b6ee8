"""Requests to Telegram, with answers instead of errors."""

from typing import Any

from telethon.errors import UserNotParticipantError
from telethon.tl import functions, types

from adapters.telegram.client import Link
from adapters.telegram.errors import PLATFORM, Doing, answer
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome


class Questions:
    """One connection, as everything else here sees it."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def ask(self, request: Any, doing: Doing) -> Any:
        """Telegram's answer, or the outcome that its error stands for."""
        handed_over = await self._link.hand_over(request)
        try:
            return await self._link.answer_to(handed_over)
        except Exception as error:
            return answer(error, doing)

    async def participant(self, channel: types.InputChannel, peer: Any) -> Any:
        """Who that is in the channel or supergroup, None for nobody, or an outcome."""
        handed_over = await self._link.hand_over(functions.channels.GetParticipantRequest(channel, peer))
        try:
            return (await self._link.answer_to(handed_over)).participant
        except UserNotParticipantError:
            return None
        except Exception as error:
            return answer(error, Doing.READ)


OWN_MATTERS = frozenset({Kind.BLOCKED, Kind.LIMITED, Kind.RATE_LIMITED})
"""Answers that say nothing of what was asked, but that the account may not ask."""


def own_matter(outcome: Outcome) -> Outcome:
    """What is the account's own matter. Raises `Unavailable` for anything else to which the question has no answer."""
    if outcome.kind in OWN_MATTERS:
        return outcome
    raise Unavailable(PLATFORM, f"{outcome.kind.value}: {outcome.reason.value}")
