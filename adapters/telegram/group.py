"""Basic groups: small, without usernames and access hashes, and with requests of their own."""

from dataclasses import dataclass
from typing import Any

from telethon.tl import functions, types

from adapters.telegram import rights
from adapters.telegram.errors import Doing
from adapters.telegram.people import Known, names_told
from adapters.telegram.questions import Questions
from adapters.telegram.roll import Roll
from domain.outcome import Kind, Outcome, Reason
from domain.ports import DestinationCheck, Right

JOIN_NEEDED = Outcome(Kind.NOT_ADMIN, Reason.JOIN_NEEDED)

PAST_MESSAGES_SHOWN = 0
"""How many of the group's past messages a newcomer is shown: nobody has asked for any."""


@dataclass(frozen=True)
class Group:
    """A basic group that the account is in, or was."""

    questions: Questions
    title: str
    chat_id: int
    own_id: int
    kind: str = rights.GROUP

    @property
    def peer(self) -> types.InputPeerChat:
        """Where its messages are."""
        return types.InputPeerChat(self.chat_id)

    async def check(self) -> DestinationCheck | Outcome:
        """What it is like, and what the account may do there."""
        full = await self._full()
        if isinstance(full, Outcome):
            return full
        people = full.full_chat.participants.participants
        own = next((each for each in people if each.user_id == self.own_id), None)
        chat = next((each for each in full.chats if each.id == self.chat_id), None)
        allowed = own is not None and _may_invite(own, chat)
        right = Right.INVITE if allowed else Right.NONE
        reason = Reason.NONE if allowed else Reason.NO_RIGHT_TO_INVITE
        return rights.judged(DestinationCheck(right, reason, self.title, self.kind, len(people)), slow=False)

    async def has(self, known: Known) -> bool | Outcome:
        """Whether the person is in it."""
        full = await self._full()
        if isinstance(full, Outcome):
            return full
        return any(each.user_id == known.user_id for each in full.full_chat.participants.participants)

    async def roll(self, requests: int) -> Roll | Outcome:
        """Everybody who is in it: one request tells."""
        full = await self._full()
        if isinstance(full, Outcome):
            return full
        ids = frozenset(each.user_id for each in full.full_chat.participants.participants)
        names = (name for user in full.users if user.id in ids for name in names_told(user))
        return Roll(ids, frozenset(names), whole=True)

    def invitation(self, known: Known) -> Any:
        """The request that adds the person."""
        return functions.messages.AddChatUserRequest(self.chat_id, known.user, PAST_MESSAGES_SHOWN)

    async def _full(self) -> Any:
        full = await self.questions.ask(functions.messages.GetFullChatRequest(self.chat_id), Doing.READ)
        if isinstance(full, Outcome):
            return full
        # Telegram shows who is in a group to those who are in it only.
        hidden = isinstance(full.full_chat.participants, types.ChatParticipantsForbidden)
        return JOIN_NEEDED if hidden else full


def _may_invite(own: Any, chat: Any) -> bool:
    if isinstance(own, types.ChatParticipantCreator):
        return True
    return rights.by_custom(chat) or rights.by_right(getattr(chat, "admin_rights", None))
