"""channels.inviteToChannel and messages.addChatUser: people are added by somebody else."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.faults import is_limited
from devstack.telegram_dc.journal import Joined, JoinRequested
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.methods.refusals import refusal
from devstack.telegram_dc.scenario import Person


def invite_to_channel(call: Context, request: Any) -> Answer:
    """channels.inviteToChannel.

    With one person a refusal is an error; with several the others join and refusals are listed as missing,
    as is everybody for whom there is no place left. Nobody joins when the call fails.
    """
    state = call.chat(request.channel)
    _check_right(call, state)
    people = [call.person(peer, "USER_ID_INVALID") for peer in request.users]
    if not people:
        raise RpcError(400, "USERS_TOO_FEW")
    wanted = [person for person in _once(people) if person.user_id not in state.members]
    _check_limits(call, state, wanted)
    if len(people) == 1 and wanted and (error := refusal(call, state, wanted[0])):
        raise error
    willing = [person for person in wanted if not _is_missing(call, state, person)]
    if willing and state.chat.join_request and not state.may_invite(call.account.name):
        raise _asked(call, state, willing)
    joined = _joined(call, state, willing)
    missing = [person for person in wanted if person not in joined]
    return _invited(call, state, joined, missing, [types.UpdateChannel(state.chat.id)])


def add_chat_user(call: Context, request: Any) -> Answer:
    """messages.addChatUser: one person into a basic group."""
    state = call.group(request.chat_id)
    _check_right(call, state)
    person = call.person(request.user_id, "USER_ID_INVALID")
    if person.user_id in state.members:
        raise RpcError(400, "USER_ALREADY_PARTICIPANT")
    _check_limits(call, state, [person])
    if error := refusal(call, state, person):
        raise error
    joined = [] if _is_missing(call, state, person) else _joined(call, state, [person])
    missing = [] if joined else [person]
    return _invited(call, state, joined, missing, [types.UpdateChat(state.chat.id)])


def _check_right(call: Context, state: ChatState) -> None:
    if state.may_invite(call.account.name):
        return
    if not state.chat.members_may_invite or state.chat.kind == "channel":
        raise RpcError(403, "CHAT_ADMIN_REQUIRED")
    if not call.is_member(state):
        raise RpcError(403, "CHAT_WRITE_FORBIDDEN")


def _check_limits(call: Context, state: ChatState, wanted: list[Person]) -> None:
    if is_limited(call.account, call.now) and any(call.is_stranger(person) for person in wanted):
        raise RpcError(400, "PEER_FLOOD")
    if wanted and state.is_full:
        raise RpcError(400, "USERS_TOO_MUCH")


def _is_missing(call: Context, state: ChatState, person: Person) -> bool:
    premium = person.joins_for_premium and not call.account.account.premium
    return premium or person.invite == "refuses_silently" or refusal(call, state, person) is not None


def _asked(call: Context, state: ChatState, people: list[Person]) -> RpcError:
    for person in people:
        if person.user_id not in state.requests:
            call.effect(JoinRequested(call.now, state.chat.id, person.user_id, call.account.name))
    return RpcError(400, "INVITE_REQUEST_SENT")


def _joined(call: Context, state: ChatState, people: list[Person]) -> list[Person]:
    """Who got in, until the chat was full."""
    joined: list[Person] = []
    for person in people:
        if not state.is_full:
            call.effect(Joined(call.now, state.chat.id, person.user_id, call.account.name))
            joined.append(person)
    return joined


def _invited(call: Context, state: ChatState, joined: list[Person], missing: list[Person], news: list[Any]) -> Answer:
    return types.messages.InvitedUsers(
        updates=views.updates(call, people=joined, chats=[state], news=news if joined else []),
        missing_invitees=[_missing(call, person) for person in missing],
    )


def _missing(call: Context, person: Person) -> Answer:
    plain = not call.account.account.premium
    return types.MissingInvitee(
        user_id=person.user_id,
        premium_would_allow_invite=(person.joins_for_premium and plain) or None,
        premium_required_for_pm=(person.reads_for_premium and plain and call.is_stranger(person)) or None,
    )


def _once(people: list[Person]) -> list[Person]:
    return list({person.user_id: person for person in people}.values())
