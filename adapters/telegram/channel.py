"""Channels, supergroups and forums: one kind of thing to Telegram."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from telethon.tl import functions, types

from adapters.telegram import rights
from adapters.telegram.errors import Doing
from adapters.telegram.people import Known, names_told
from adapters.telegram.questions import Questions
from adapters.telegram.roll import Roll
from domain.outcome import Outcome, Reason
from domain.ports import DestinationCheck, Right

PAGE = 200
"""Members in one answer, as many as Telegram gives."""


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

    async def roll(self, requests: int) -> Roll | Outcome:
        """Who is in it: the whole list, if so many requests are enough, else the members that came last."""
        first = await self._page(0)
        if isinstance(first, Outcome):
            return first
        pages = [first]
        if first.count <= PAGE * requests:
            for offset in range(PAGE, first.count, PAGE):
                page = await self._page(offset)
                if isinstance(page, Outcome):
                    return page
                pages.append(page)
        ids = frozenset(_ids(each for page in pages for each in page.participants))
        names = (name for page in pages for user in page.users if user.id in ids for name in names_told(user))
        return Roll(ids, frozenset(names), whole=len(ids) >= first.count)

    async def _page(self, offset: int) -> Any:
        request = functions.channels.GetParticipantsRequest(
            self.channel, types.ChannelParticipantsRecent(), offset, PAGE, hash=0
        )
        return await self.questions.ask(request, Doing.READ)

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


def _ids(participants: Iterable[Any]) -> Iterable[int]:
    for each in participants:
        if _is_in(each):
            yield each.peer.user_id if isinstance(each, types.ChannelParticipantBanned) else each.user_id


def _is_in(participant: Any) -> bool:
    if isinstance(participant, types.ChannelParticipantBanned):
        # Somebody who may read but not write is a member all the same.
        return not participant.left and not participant.banned_rights.view_messages
    return participant is not None and not isinstance(participant, types.ChannelParticipantLeft)
