"""People and chats as one account sees them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import InviteLink, Person

LINK_PREFIX = "https://t.me/+"
_SHOWN_REQUESTERS = 3


def user(call: Context, person: Person) -> Answer:
    """The person, with the access hash that is this account's."""
    contact = person.user_id in call.account.contacts
    shows_phone = contact or call.is_self(person)
    account = call.world.accounts.get(call.world.account_of(person.user_id) or "")
    return types.User(
        id=person.user_id,
        is_self=call.is_self(person) or None,
        contact=contact or None,
        mutual_contact=(contact and call.account.name in person.knows) or None,
        deleted=person.deleted or None,
        bot=person.bot or None,
        bot_info_version=1 if person.bot else None,
        premium=(account is not None and account.account.premium) or None,
        contact_require_premium=person.reads_for_premium or None,
        send_paid_messages_stars=person.paid_stars if person.message == "paid" else None,
        access_hash=call.world.access_hash(call.account.name, "user", person.user_id),
        first_name=None if person.deleted else person.first_name or f"User {person.user_id}",
        username=person.username,
        phone=person.phone if shows_phone else None,
    )


def chat(call: Context, state: ChatState) -> Answer:
    """The chat, whatever kind it is."""
    if state.chat.kind == "basic":
        return _group(call, state)
    return _channel(call, state)


def _channel(call: Context, state: ChatState) -> Answer:
    """With this account's access hash and rights."""
    chat, name = state.chat, call.account.name
    return types.Channel(
        id=chat.id,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        date=call.now,
        creator=name == chat.creator or None,
        left=not call.is_member(state) or None,
        broadcast=chat.kind == "channel" or None,
        megagroup=chat.kind == "supergroup" or None,
        slowmode_enabled=bool(chat.slow_mode) or None,
        noforwards=chat.noforwards or None,
        join_to_send=chat.join_to_send or None,
        join_request=chat.join_request or None,
        forum=chat.forum or None,
        access_hash=call.world.access_hash(name, "channel", chat.id),
        username=None if chat.private else chat.username,
        admin_rights=rights(state, name),
        default_banned_rights=_default_banned(state) if chat.kind == "supergroup" else None,
    )


def _group(call: Context, state: ChatState) -> Answer:
    if not call.is_member(state):
        return types.ChatForbidden(state.chat.id, state.chat.title)
    return types.Chat(
        id=state.chat.id,
        title=state.chat.title,
        photo=types.ChatPhotoEmpty(),
        participants_count=state.size,
        date=call.now,
        version=1,
        creator=call.account.name == state.chat.creator or None,
        noforwards=state.chat.noforwards or None,
        admin_rights=rights(state, call.account.name),
        default_banned_rights=_default_banned(state),
    )


def _default_banned(state: ChatState) -> Answer:
    """What members who are no admins may not do."""
    return types.ChatBannedRights(until_date=None, invite_users=not state.chat.members_may_invite or None)


def link(call: Context, state: ChatState, link: InviteLink) -> Answer:
    """An invite link as the chat's admins see it."""
    maker = call.world.accounts.get(link.creator or state.chat.creator or "")
    waiting = sum(request.link == link.hash for request in state.requests.values())
    return types.ChatInviteExported(
        link=LINK_PREFIX + link.hash,
        admin_id=maker.user_id if maker else 1,
        date=call.now,
        revoked=link.revoked or None,
        permanent=link.permanent or None,
        request_needed=link.request_needed or None,
        expire_date=moment(link.expire_date) if link.expire_date else None,
        usage_limit=link.usage_limit,
        usage=state.uses_of(link.hash) or None,
        requested=waiting or None,
        title=link.title,
    )


def waiting(call: Context, state: ChatState) -> dict[str, Any]:
    """Who waits to be let in, for the full description of the chat; nothing for those who may not let in."""
    if not state.requests or not state.may_invite(call.account.name):
        return {}
    latest = sorted(state.requests, key=lambda user: state.requests[user].at, reverse=True)
    return {"requests_pending": len(latest), "recent_requesters": latest[:_SHOWN_REQUESTERS]}


def moment(seconds: int) -> datetime:
    """A point in time that is given in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def rights(state: ChatState, account: str) -> Answer:
    """The account's admin rights in the chat; None if it is no admin."""
    if account == state.chat.creator:
        return types.ChatAdminRights(**dict.fromkeys(_CREATOR_RIGHTS, True))
    granted = state.chat.admins.get(account)
    return None if granted is None else types.ChatAdminRights(**dict.fromkeys(granted, True))


def updates(
    call: Context, *, people: Iterable[Person] = (), chats: Iterable[ChatState] = (), news: Iterable[Any] = ()
) -> Answer:
    """An Updates object about these."""
    return types.Updates(
        updates=list(news),
        users=[user(call, person) for person in people],
        chats=[chat(call, state) for state in chats],
        date=call.now,
        seq=0,
    )


_CREATOR_RIGHTS = (
    "change_info",
    "post_messages",
    "edit_messages",
    "delete_messages",
    "ban_users",
    "invite_users",
    "pin_messages",
    "add_admins",
    "manage_call",
    "other",
)
