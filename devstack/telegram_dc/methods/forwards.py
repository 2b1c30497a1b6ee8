"""messages.forwardMessages: a chat's posts to a person."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.journal import Forwarded
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.methods.messages import check_delivery
from devstack.telegram_dc.scenario import Person, Post


def forward_messages(call: Context, request: Any) -> Answer:
    """messages.forwardMessages: all posts arrive, each with a random_id of its own, or none."""
    state = call.any_chat(request.from_peer)
    person = call.person(request.to_peer, "PEER_ID_INVALID")
    _check_ids(request.id, request.random_id)
    if state.chat.noforwards:
        raise RpcError(406, "CHAT_FORWARDS_RESTRICTED")
    posts = _posts(state, request.id)
    check_delivery(call, person, request.random_id, request.allow_paid_stars or 0)
    news: list[Any] = []
    for post, random_id in zip(posts, request.random_id, strict=True):
        call.effect(Forwarded(call.now, person.user_id, call.account.name, random_id, state.chat.id, post.id))
        news += _news(call, state, person, post, random_id)
    return views.updates(call, people=[person], chats=[state], news=news)


def _check_ids(posts: list[int], random_ids: list[int]) -> None:
    if not posts:
        raise RpcError(400, "MESSAGE_IDS_EMPTY")
    if len(random_ids) != len(posts):
        raise RpcError(400, "RANDOM_ID_INVALID")
    if len(set(random_ids)) != len(random_ids):
        raise RpcError(500, "RANDOM_ID_DUPLICATE")


def _posts(state: ChatState, ids: list[int]) -> list[Post]:
    known = {post.id: post for post in state.chat.posts}
    if any(post_id not in known for post_id in ids):
        raise RpcError(400, "MESSAGE_ID_INVALID")
    return [known[post_id] for post_id in ids]


def _news(call: Context, state: ChatState, person: Person, post: Post, random_id: int) -> list[Any]:
    number = call.account.pts
    message = types.Message(
        id=number,
        peer_id=types.PeerUser(person.user_id),
        date=call.now,
        message=post.text,
        out=True,
        from_id=types.PeerUser(call.account.user_id),
        fwd_from=_origin(call, state, post),
    )
    return [types.UpdateMessageID(number, random_id), types.UpdateNewMessage(message, number, 1)]


def _origin(call: Context, state: ChatState, post: Post) -> Answer:
    if state.chat.kind == "channel":
        return types.MessageFwdHeader(call.now, from_id=types.PeerChannel(state.chat.id), channel_post=post.id)
    return types.MessageFwdHeader(call.now, from_name=state.chat.title)
