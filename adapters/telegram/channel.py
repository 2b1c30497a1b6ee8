"""Channels, supergroups and forums: one kind of thing to Telegram."""

from dataclasses import dataclass
from typing import Any

from telethon.tl import functions, types

from adapters.telegram import rights
from adapters.telegram.errors import Doing
from adapters.telegram.people import Known
from adapters.telegram.questions import Questions
from domain.outcome import Outcome, Reason
from domain.ports import DestinationCheck, Right


@dataclass(frozen=True)
class Channel:
    """Its access hash is this account's own."""

    questions: Questions
    title: str
    kind: str
    channel: types.InputChannel

    @property
    def peer(self) -> types.InputPeerChannel:
        """Where its posts are."""
        return types.InputPeerChannel(self.channel.channel_id, self.channel.access_hash)

    async def check(self) -> DestinationCheck | Outcome:
        """What it is like, and what the account may do there."""
        own = await self.questions.participant(self.channel, types.InputPeerSelf())
        if isinstance(own, Outcome):
            return own
        full = await self.questions.ask(functions.channels.GetFullChannelRequest(self.channel), Doing.READ)
        # The right has been seen; that Telegram does not count is no reason to know nothing.
        members = None if isinstance(full, Outcome) else full.full_chat.participants_count
        slow = not isinstance(full, Outcome) and bool(full.full_chat.slowmode_seconds)
        right, reason = _right(own, by_custom=self._lets_members_add(full))
        return rights.judged(DestinationCheck(right, reason, self.title, self.kind, members), slow=slow)

    async def has(self, known: Known) -> bool | Outcome:
        """Whether the person is in it."""
        participant = await self.questions.participant(self.channel, known.peer)
        return participant if isinstance(participant, Outcome) else _is_in(participant)

    def invitation(self, known: Known) -> Any:
        """The request that adds the person."""
        return functions.channels.InviteToChannelRequest(self.channel, [known.user])

    def entry(self) -> Any:
        """The request that makes the account a member."""
        return functions.channels.JoinChannelRequest(self.channel)

    def _lets_members_add(self, full: Any) -> bool:
        chats = [] if isinstance(full, Outcome) else full.chats
        mine = (chat for chat in chats if chat.id == self.channel.channel_id)
        return self.kind != rights.CHANNEL and any(rights.by_custom(chat) for chat in mine)


def _right(own: Any, *, by_custom: bool) -> tuple[Right, Reason]:
    if by_custom and not _is_in(own) and not isinstance(own, types.ChannelParticipantBanned):
        return Right.NONE, Reason.JOIN_NEEDED
    if _may_invite(own, by_custom=by_custom):
        return Right.INVITE, Reason.NONE
    return Right.NONE, Reason.NO_RIGHT_TO_INVITE


def _may_invite(own: Any, *, by_custom: bool) -> bool:
    if isinstance(own, types.ChannelParticipantCreator):
        return True
    if isinstance(own, types.ChannelParticipantBanned):
        return by_custom and _is_in(own) and not own.banned_rights.invite_users
    return _is_in(own) and (by_custom or rights.by_right(getattr(own, "admin_rights", None)))


def _is_in(participant: Any) -> bool:
    if isinstance(participant, types.ChannelParticipantBanned):
        # Somebody who may read but not write is a member all the same.
        return not participant.left and not participant.banned_rights.view_messages
    return participant is not None and not isinstance(participant, types.ChannelParticipantLeft)
