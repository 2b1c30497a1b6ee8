"""contacts.*: usernames, and the list of contacts."""

import re
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.journal import ContactAdded, ContactRemoved
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import Person

_USERNAME = re.compile(r"[A-Za-z]\w{3,31}", re.ASCII)


def resolve_username(call: Context, request: Any) -> Answer:
    """contacts.resolveUsername. A deleted person is still found here, flagged as deleted."""
    if not _USERNAME.fullmatch(request.username):
        raise RpcError(400, "USERNAME_INVALID")
    found = call.world.find_username(request.username)
    if found is None:
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")
    if isinstance(found, ChatState):
        peer = types.PeerChannel(found.chat.id)
        return types.contacts.ResolvedPeer(peer, chats=[views.chat(call, found)], users=[])
    return types.contacts.ResolvedPeer(types.PeerUser(found.user_id), chats=[], users=[views.user(call, found)])


def add_contact(call: Context, request: Any) -> Answer:
    """contacts.addContact."""
    person = call.person(request.id, "USER_ID_INVALID")
    if call.is_self(person):
        raise RpcError(400, "CONTACT_ID_INVALID")
    if not request.first_name.strip():
        raise RpcError(400, "CONTACT_NAME_EMPTY")
    _remember(call, person)
    return views.updates(call, people=[person])


def import_contacts(call: Context, request: Any) -> Answer:
    """contacts.importContacts.

    A number that nobody has, or that its owner hides, is left out without an error; numbers beyond the
    account's limit are to be tried again later.
    """
    later = [item.client_id for item in request.contacts if not call.account.may_import(call.now)]
    found = [(item.client_id, _owner(call, item.phone)) for item in request.contacts if item.client_id not in later]
    known = [(client_id, person) for client_id, person in found if person]
    for _, person in known:
        _remember(call, person)
    people = {person.user_id: person for _, person in known}
    return types.contacts.ImportedContacts(
        imported=[types.ImportedContact(person.user_id, client_id) for client_id, person in known],
        popular_invites=[],
        retry_contacts=later,
        users=[views.user(call, person) for person in people.values()],
    )


def _owner(call: Context, phone: str) -> Person | None:
    person = call.world.find_phone(phone)
    if person is None or person.deleted or (person.phone_hidden and call.account.name not in person.knows):
        return None
    return person


def delete_contacts(call: Context, request: Any) -> Answer:
    """contacts.deleteContacts."""
    people = [call.person(peer, "USER_ID_INVALID") for peer in request.id]
    for person in people:
        if person.user_id in call.account.contacts:
            call.effect(ContactRemoved(call.now, person.user_id, call.account.name))
    return views.updates(call, people=people)


def get_contacts(call: Context, _request: Any) -> Answer:
    """contacts.getContacts: always the whole list."""
    people = [call.world.people[user_id] for user_id in sorted(call.account.contacts)]
    return types.contacts.Contacts(
        contacts=[types.Contact(person.user_id, call.account.name in person.knows) for person in people],
        saved_count=len(people),
        users=[views.user(call, person) for person in people],
    )


def _remember(call: Context, person: Person) -> None:
    if person.user_id not in call.account.contacts and not call.is_self(person):
        call.effect(ContactAdded(call.now, person.user_id, call.account.name))
