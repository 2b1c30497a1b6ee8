"""One signed-in Telegram account: what a campaign asks of it."""

from datetime import timedelta
from typing import Any

from telethon.errors import UserNotParticipantError
from telethon.tl import functions, types

from adapters.telegram.client import Link
from adapters.telegram.errors import PLATFORM, Doing, answer
from adapters.telegram.names import Names, Place
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import DestinationCheck, Right
from domain.recipient import Person


class TelegramSession:
    """Ends with its connection: after a break, or a request without an answer, a new one must be made."""

    def __init__(self, link: Link, *, link_preview: bool) -> None:
        self._link = link
        self._link_preview = link_preview
        self._names = Names(self._ask)

    @property
    def connected(self) -> bool:
        """False for good once the connection is gone."""
        return self._link.connected

    async def sign_in(self) -> Outcome | None:
        """Why Telegram does not take the account; None if it does."""
        # Not is_user_authorized: it takes a flood wait for being signed out.
        me = await self._ask(functions.users.GetUsersRequest([types.InputUserSelf()]), Doing.READ)
        return me if isinstance(me, Outcome) else None

    async def check_destination(self, destination: str) -> DestinationCheck | Outcome:
        """Look at the destination and at this account's rights there."""
        place = await self._names.place(destination)
        if isinstance(place, Outcome):
            return _unusable(place)
        own = await self._participant(place, types.InputPeerSelf())
        if isinstance(own, Outcome):
            return _unusable(own, place)
        right = Right.INVITE if _may_invite(own) else Right.NONE
        reason = Reason.NONE if right is Right.INVITE else Reason.NO_RIGHT_TO_INVITE
        return DestinationCheck(right, reason, place.title, place.kind, await self._members(place))

    async def invite(self, person: Person, destination: str) -> Outcome:
        """Add the person to the destination, unless they are in it already."""
        place, peer = await self._names.place(destination), await self._names.person(person)
        if isinstance(place, Outcome):
            return place
        if isinstance(peer, Outcome):
            return peer
        # Asked first: the answer to an invite is the same for a member as for somebody who has come by it.
        participant = await self._participant(place, peer)
        if isinstance(participant, Outcome):
            return participant
        if _is_in(participant):
            return Outcome(Kind.ALREADY_MEMBER)
        user = types.InputUser(peer.user_id, peer.access_hash)
        invitation = functions.channels.InviteToChannelRequest(place.channel, [user])
        invited = await self._ask(invitation, Doing.INVITE)
        return invited if isinstance(invited, Outcome) else _judged(invited, peer.user_id)

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        """Write to the person. Telegram drops a second message with the same `key`."""
        peer = await self._names.person(person)
        if isinstance(peer, Outcome):
            return peer
        message = functions.messages.SendMessageRequest(peer, text, no_webpage=not self._link_preview, random_id=key)
        sent = await self._ask(message, Doing.MESSAGE)
        return sent if isinstance(sent, Outcome) else Outcome(Kind.MESSAGED)

    async def is_member(self, person: Person, destination: str) -> bool | Outcome:
        """Whether the person is in the destination now. `Unavailable` where Telegram does not tell."""
        place, peer = await self._names.place(destination), await self._names.person(person)
        if isinstance(place, Outcome):
            return _untold(place)
        participant = peer if isinstance(peer, Outcome) else await self._participant(place, peer)
        if not isinstance(participant, Outcome):
            return _is_in(participant)
        return False if participant.kind is Kind.UNREACHABLE else _untold(participant)

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        """Have Telegram drop this connection unless called again within `disconnect_after`."""
        try:
            await self._link.ping(disconnect_after)
        except Unavailable:
            raise
        except Exception as error:
            await self.close()
            raise Unavailable(PLATFORM, "the ping was not answered") from error

    async def close(self) -> None:
        """Disconnect and forget the credentials. Never raises."""
        await self._link.close()

    async def _ask(self, request: Any, doing: Doing) -> Any:
        """Telegram's answer, or the outcome that its error stands for."""
        handed_over = self._link.hand_over(request)
        try:
            return await self._link.answer_to(handed_over)
        except Exception as error:
            return answer(error, doing)

    async def _participant(self, place: Place, peer: Any) -> Any:
        """Who that is in the destination, None for nobody, or an outcome."""
        handed_over = self._link.hand_over(functions.channels.GetParticipantRequest(place.channel, peer))
        try:
            return (await self._link.answer_to(handed_over)).participant
        except UserNotParticipantError:
            return None
        except Exception as error:
            return answer(error, Doing.READ)

    async def _members(self, place: Place) -> int | None:
        full = await self._ask(functions.channels.GetFullChannelRequest(place.channel), Doing.READ)
        # The right has been seen; that Telegram does not count is no reason to know nothing.
        return None if isinstance(full, Outcome) else full.full_chat.participants_count


def _unusable(outcome: Outcome, place: Place | None = None) -> DestinationCheck | Outcome:
    if outcome.kind not in (Kind.DESTINATION, Kind.NOT_ADMIN):
        return _untold(outcome)
    title, kind = (place.title, place.kind) if place else ("", "")
    return DestinationCheck(Right.NONE, outcome.reason, title, kind)


def _untold(outcome: Outcome) -> Outcome:
    """What is the account's own matter. Raises `Unavailable` for anything else to which the question has no answer."""
    if outcome.kind in (Kind.BLOCKED, Kind.LIMITED, Kind.RATE_LIMITED):
        return outcome
    raise Unavailable(PLATFORM, f"{outcome.kind.value}: {outcome.reason.value}")


def _is_in(participant: Any) -> bool:
    if isinstance(participant, types.ChannelParticipantBanned):
        # Somebody who may read but not write is a member all the same.
        return not participant.left and not participant.banned_rights.view_messages
    return participant is not None and not isinstance(participant, types.ChannelParticipantLeft)


def _may_invite(participant: Any) -> bool:
    if isinstance(participant, types.ChannelParticipantCreator):
        return True
    is_admin = isinstance(participant, types.ChannelParticipantAdmin)
    return is_admin and bool(participant.admin_rights.invite_users)


def _judged(invited: types.messages.InvitedUsers, user_id: int) -> Outcome:
    # Telegram's success may hold a refusal.
    for missing in invited.missing_invitees:
        if missing.user_id == user_id:
            premium = missing.premium_would_allow_invite or missing.premium_required_for_pm
            return Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM if premium else Reason.PRIVACY)
    return Outcome(Kind.INVITED)
