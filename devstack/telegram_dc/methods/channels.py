"""channels.*: look at a channel or supergroup, at who is in it and at what is published there."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import Person, Post

_MOST_PARTICIPANTS = 200


def get_channels(call: Context, request: Any) -> Answer:
    """channels.getChannels."""
    return types.messages.Chats([views.chat(call, call.chat(peer)) for peer in request.id])


def get_full_channel(call: Context, request: Any) -> Answer:
    """channels.getFullChannel, for its participants_count."""
    state = call.chat(request.channel)
    admin = state.is_admin(call.account.name)
    inviter = state.may_invite(call.account.name)
    permanent = next((link for link in state.links.values() if link.permanent), None)
    full = types.ChannelFull(
        id=state.chat.id,
        about="",
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=types.PhotoEmpty(0),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=1,
        can_view_participants=(admin or state.chat.kind == "supergroup") or None,
        participants_count=state.size,
        admins_count=len(state.chat.admins) + bool(state.chat.creator) if admin else None,
        exported_invite=views.link(call, state, permanent) if inviter and permanent else None,
        slowmode_seconds=state.chat.slow_mode or None,
        **views.waiting(call, state),
    )
    return types.messages.ChatFull(full, chats=[views.chat(call, state)], users=[])


def get_participant(call: Context, request: Any) -> Answer:
    """channels.getParticipant. In a channel only admins see others."""
    state = call.chat(request.channel)
    person = _subject(call, request.participant)
    if not call.is_self(person) and state.chat.kind == "channel" and not state.is_admin(call.account.name):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    return types.channels.ChannelParticipant(
        _participant(call, state, person),
        chats=[views.chat(call, state)],
        users=[views.user(call, person)],
    )


def get_participants(call: Context, request: Any) -> Answer:
    """channels.getParticipants, those who came recently: everybody who is listed. In a channel only admins see them."""
    state = call.chat(request.channel)
    if not isinstance(request.filter, types.ChannelParticipantsRecent):
        raise RpcError(400, "INPUT_FILTER_INVALID")
    if state.chat.kind == "channel" and not state.is_admin(call.account.name):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    listed = [call.world.people[user_id] for user_id in sorted(state.members) if user_id in call.world.people]
    page = listed[request.offset :][: min(request.limit, _MOST_PARTICIPANTS)]
    return types.channels.ChannelParticipants(
        count=state.size,
        participants=[_participant(call, state, person) for person in page],
        chats=[views.chat(call, state)],
        users=[views.user(call, person) for person in page],
    )


def get_messages(call: Context, request: Any) -> Answer:
    """channels.getMessages: posts by id."""
    state = call.chat(request.channel)
    posts = {post.id: post for post in state.chat.posts}
    found = [
        _post(call, state, posts[item.id]) if item.id in posts else types.MessageEmpty(item.id, peer_id=None)
        for item in request.id
    ]
    return types.messages.ChannelMessages(
        pts=1, count=len(found), messages=found, topics=[], chats=[views.chat(call, state)], users=[]
    )


def _post(call: Context, state: ChatState, post: Post) -> Answer:
    return types.Message(
        id=post.id,
        peer_id=types.PeerChannel(state.chat.id),
        date=call.now,
        message=post.text,
        post=state.chat.kind == "channel" or None,
        noforwards=state.chat.noforwards or None,
    )


def _subject(call: Context, peer: Any) -> Person:
    if isinstance(peer, (types.InputPeerChannel, types.InputPeerChat, types.InputPeerEmpty)):
        raise RpcError(400, "PARTICIPANT_ID_INVALID")
    return call.person(peer, "USER_ID_INVALID")


def _participant(call: Context, state: ChatState, person: Person) -> Answer:
    account = call.world.account_of(person.user_id) or ""
    if person.user_id not in state.members:
        return _absent(call, state, person)
    if account and account == state.chat.creator:
        return types.ChannelParticipantCreator(person.user_id, views.rights(state, account))
    if account in state.chat.admins:
        return _admin(call, state, account, person)
    if call.is_self(person):
        return types.ChannelParticipantSelf(person.user_id, _promoter(call, state), call.now)
    return types.ChannelParticipant(person.user_id, call.now)


def _admin(call: Context, state: ChatState, account: str, person: Person) -> Answer:
    return types.ChannelParticipantAdmin(
        user_id=person.user_id,
        promoted_by=_promoter(call, state),
        date=call.now,
        admin_rights=views.rights(state, account),
        is_self=call.is_self(person) or None,
        inviter_id=_promoter(call, state) if call.is_self(person) else None,
    )


def _absent(call: Context, state: ChatState, person: Person) -> Answer:
    # Telegram answers for a person who was removed with a participant that is banned and has left.
    if not state.has_kicked(person):
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    return types.ChannelParticipantBanned(
        peer=types.PeerUser(person.user_id),
        kicked_by=_promoter(call, state),
        date=call.now,
        banned_rights=types.ChatBannedRights(until_date=None, view_messages=True),
        left=True,
    )


def _promoter(call: Context, state: ChatState) -> int:
    creator = call.world.accounts.get(state.chat.creator or "")
    return creator.user_id if creator else 1
