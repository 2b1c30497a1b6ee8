"""messages.getChats and messages.getFullChat: look at basic groups."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context


def get_chats(call: Context, request: Any) -> Answer:
    """messages.getChats. A group that the account is not in is there, but forbidden."""
    return types.messages.Chats([views.chat(call, _existing(call, chat_id)) for chat_id in request.id])


def get_full_chat(call: Context, request: Any) -> Answer:
    """messages.getFullChat, for who is in it."""
    state = call.group(request.chat_id)
    inviter = state.may_invite(call.account.name)
    permanent = next((link for link in state.links.values() if link.permanent), None)
    full = types.ChatFull(
        id=state.chat.id,
        about="",
        participants=types.ChatParticipants(state.chat.id, _participants(call, state), version=1),
        notify_settings=types.PeerNotifySettings(),
        exported_invite=views.link(call, state, permanent) if inviter and permanent else None,
        **views.waiting(call, state),
    )
    people = [call.world.people[user_id] for user_id in sorted(state.members) if user_id in call.world.people]
    return types.messages.ChatFull(
        full, chats=[views.chat(call, state)], users=[views.user(call, person) for person in people]
    )


def _existing(call: Context, chat_id: int) -> ChatState:
    state = call.world.chats.get(chat_id)
    if state is None or state.chat.kind != "basic":
        raise RpcError(400, "CHAT_ID_INVALID")
    return state


def _participants(call: Context, state: ChatState) -> list[Any]:
    creator = call.world.accounts.get(state.chat.creator or "")
    inviter = creator.user_id if creator else 1
    return [_participant(call, state, user_id, inviter) for user_id in sorted(state.members)]


def _participant(call: Context, state: ChatState, user_id: int, inviter: int) -> Answer:
    account = call.world.account_of(user_id)
    if account is not None and account == state.chat.creator:
        return types.ChatParticipantCreator(user_id)
    if account in state.chat.admins:
        return types.ChatParticipantAdmin(user_id, inviter, call.now)
    return types.ChatParticipant(user_id, inviter, call.now)
