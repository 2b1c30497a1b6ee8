"""channels.inviteToChannel."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.faults import is_limited
from devstack.telegram_dc.journal import Joined
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import Person
from devstack.telegram_dc.world import ChatState

_SILENT = ("refuses_silently", "needs_premium")
_ERRORS = {
    "refuses": (403, "USER_PRIVACY_RESTRICTED"),
    "too_many_channels": (403, "USER_CHANNELS_TOO_MUCH"),
    "blocked": (400, "USER_BLOCKED"),
    "not_mutual": (403, "USER_NOT_MUTUAL_CONTACT"),
}


def invite_to_channel(call: Context, request: Any) -> Answer:
    """channels.inviteToChannel.

    With one person a refusal is an error; with several the others join and refusals are listed as missing.
    Nobody joins when the call fails.
    """
    state = call.chat(request.channel)
    if not state.may_invite(call.account.name):
        raise RpcError(403, "CHAT_ADMIN_REQUIRED")
    people = [call.person(peer, "USER_ID_INVALID") for peer in request.users]
    if not people:
        raise RpcError(400, "USERS_TOO_FEW")
    wanted = [person for person in _once(people) if person.user_id not in state.members]
    _check_limits(call, state, wanted)
    if len(people) == 1 and wanted and (error := _error(call, state, wanted[0])):
        raise error
    missing = [person for person in wanted if _is_missing(call, state, person)]
    joining = [person for person in wanted if person not in missing]
    _join(call, state, joining)
    news = [types.UpdateChannel(state.chat.id)] if joining else []
    return types.messages.InvitedUsers(
        updates=views.updates(call, people=joining, chats=[state], news=news),
        missing_invitees=[_missing(person) for person in missing],
    )


def _check_limits(call: Context, state: ChatState, wanted: list[Person]) -> None:
    if is_limited(call.account, call.now) and any(call.is_stranger(person) for person in wanted):
        raise RpcError(400, "PEER_FLOOD")
    if wanted and state.is_full:
        raise RpcError(400, "USERS_TOO_MUCH")


def _error(call: Context, state: ChatState, person: Person) -> RpcError | None:
    if person.deleted:
        return RpcError(400, "INPUT_USER_DEACTIVATED")
    if person.bot and state.chat.kind == "channel":
        return RpcError(400, "USER_BOT")
    if state.has_kicked(person):
        return RpcError(400, "USER_KICKED")
    if person.invite == "not_mutual" and _is_mutual(call, person):
        return None
    refusal = _ERRORS.get(person.invite)
    return RpcError(*refusal) if refusal else None


def _is_missing(call: Context, state: ChatState, person: Person) -> bool:
    return person.invite in _SILENT or _error(call, state, person) is not None


def _is_mutual(call: Context, person: Person) -> bool:
    return person.user_id in call.account.contacts and call.account.name in person.knows


def _join(call: Context, state: ChatState, people: list[Person]) -> None:
    for person in people:
        if not state.is_full:
            call.effect(Joined(call.now, state.chat.id, person.user_id, call.account.name))


def _missing(person: Person) -> Answer:
    premium = person.invite == "needs_premium"
    return types.MissingInvitee(
        user_id=person.user_id,
        premium_would_allow_invite=premium or None,
        premium_required_for_pm=(premium and person.message == "premium_only") or None,
    )


def _once(people: list[Person]) -> list[Person]:
    return list({person.user_id: person for person in people}.values())
