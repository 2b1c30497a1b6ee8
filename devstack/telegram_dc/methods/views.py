"""People and chats as one account sees them."""

from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import Person
from devstack.telegram_dc.world import ChatState

PAID_MESSAGE_STARS = 10


def user(call: Context, person: Person) -> Answer:
    """The person, with the access hash that is this account's."""
    contact = person.user_id in call.account.contacts
    shows_phone = contact or call.is_self(person)
    return types.User(
        id=person.user_id,
        is_self=call.is_self(person) or None,
        contact=contact or None,
        mutual_contact=(contact and call.account.name in person.knows) or None,
        deleted=person.deleted or None,
        bot=person.bot or None,
        bot_info_version=1 if person.bot else None,
        contact_require_premium=person.message == "premium_only" or None,
        send_paid_messages_stars=PAID_MESSAGE_STARS if person.message == "paid" else None,
        access_hash=call.world.access_hash(call.account.name, "user", person.user_id),
        first_name=None if person.deleted else person.first_name or f"User {person.user_id}",
        username=person.username,
        phone=person.phone if shows_phone else None,
    )


def channel(call: Context, state: ChatState) -> Answer:
    """The chat, with this account's access hash and rights."""
    chat, name = state.chat, call.account.name
    return types.Channel(
        id=chat.id,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        date=call.now,
        creator=name == chat.creator or None,
        left=call.account.user_id not in state.members or None,
        broadcast=chat.kind == "channel" or None,
        megagroup=chat.kind == "supergroup" or None,
        access_hash=call.world.access_hash(name, "channel", chat.id),
        username=None if chat.private else chat.username,
        admin_rights=rights(state, name),
    )


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
        chats=[channel(call, state) for state in chats],
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
