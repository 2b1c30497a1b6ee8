"""Accounts come and go by themselves: by invite link, or through the open door of a public chat."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.journal import Joined, JoinRequested, Left
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import InviteLink

_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def check_chat_invite(call: Context, request: Any) -> Answer:
    """messages.checkChatInvite: the chat for its members, a description for others."""
    state, link = _opened(call, request.hash, private_code=406)
    if call.is_member(state):
        return types.ChatInviteAlready(views.chat(call, state))
    kind = state.chat.kind
    return types.ChatInvite(
        title=state.chat.title,
        photo=types.PhotoEmpty(0),
        participants_count=state.size,
        color=0,
        channel=kind != "basic" or None,
        broadcast=kind == "channel" or None,
        public=bool(state.chat.username and not state.chat.private) or None,
        megagroup=kind == "supergroup" or None,
        request_needed=(link.request_needed or state.chat.join_request) or None,
    )


def import_chat_invite(call: Context, request: Any) -> Answer:
    """messages.importChatInvite."""
    state, link = _opened(call, request.hash, private_code=400)
    return _enter(call, state, link)


def join_channel(call: Context, request: Any) -> Answer:
    """channels.joinChannel."""
    state = call.chat(request.channel)
    if state.has_kicked(call.world.people[call.account.user_id]):
        raise RpcError(406, "CHANNEL_PRIVATE")
    return _enter(call, state, None)


def leave_channel(call: Context, request: Any) -> Answer:
    """channels.leaveChannel."""
    state = call.chat(request.channel)
    if call.account.name == state.chat.creator:
        raise RpcError(400, "USER_CREATOR")
    if not call.is_member(state):
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    call.effect(Left(call.now, state.chat.id, call.account.user_id))
    return views.updates(call, chats=[state], news=[types.UpdateChannel(state.chat.id)])


def _opened(call: Context, link: str, private_code: int) -> tuple[ChatState, InviteLink]:
    """The chat behind the link, if the link is good for this account."""
    if not link:
        raise RpcError(400, "INVITE_HASH_EMPTY")
    state = call.world.find_link(link)
    if state is None or not _ALPHABET.issuperset(link):
        raise RpcError(400, "INVITE_HASH_INVALID")
    if state.has_kicked(call.world.people[call.account.user_id]):
        raise RpcError(private_code, "CHANNEL_PRIVATE")
    if not call.is_member(state) and state.is_over(state.links[link], call.now):
        raise RpcError(406, "INVITE_HASH_EXPIRED")
    return state, state.links[link]


def _enter(call: Context, state: ChatState, link: InviteLink | None) -> Answer:
    account, name = call.account, call.account.name
    if call.is_member(state):
        raise RpcError(400, "USER_ALREADY_PARTICIPANT")
    if state.chat.kind != "basic" and call.world.channels_of(account.user_id) >= account.account.channels_limit:
        raise RpcError(400, "CHANNELS_TOO_MUCH")
    if state.is_closed:
        raise RpcError(400, "USERS_TOO_MUCH")
    used = link.hash if link else None
    if state.chat.join_request or (link and link.request_needed):
        if account.user_id not in state.requests:
            call.effect(JoinRequested(call.now, state.chat.id, account.user_id, name, used))
        raise RpcError(400, "INVITE_REQUEST_SENT")
    call.effect(Joined(call.now, state.chat.id, account.user_id, name, used))
    basic = state.chat.kind == "basic"
    news = types.UpdateChat(state.chat.id) if basic else types.UpdateChannel(state.chat.id)
    return types.messages.ChatInviteJoinResultOk(views.updates(call, chats=[state], news=[news]))
