"""Whether a scenario makes sense: names and ids do not clash, and nobody unknown is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from devstack.telegram_dc import sessions
from devstack.telegram_dc.errors import ScenarioError

if TYPE_CHECKING:
    from devstack.telegram_dc.scenario import Account, Chat, Person, Scenario

RIGHTS = frozenset(
    {
        "change_info",
        "post_messages",
        "edit_messages",
        "delete_messages",
        "ban_users",
        "invite_users",
        "pin_messages",
        "add_admins",
        "anonymous",
        "manage_call",
        "other",
        "manage_topics",
        "post_stories",
        "edit_stories",
        "delete_stories",
    }
)


def check(scenario: Scenario) -> None:
    """ScenarioError if names or ids clash, or somebody unknown is named."""
    _unique("account name", (account.name for account in scenario.accounts))
    _unique("account user_id", (account.user_id for account in scenario.accounts))
    _unique("person user_id", (person.user_id for person in scenario.people))
    _unique("chat id", (chat.id for chat in scenario.chats))
    _unique("username", _usernames(scenario))
    _unique("invite link", (link.hash for chat in scenario.chats for link in chat.all_links()))
    known = {account.name for account in scenario.accounts}
    for where, name in _named_accounts(scenario):
        if name not in known:
            raise ScenarioError(f"{where}: there is no account {name!r}")
    for account in scenario.accounts:
        _check_key(account)
    for chat in scenario.chats:
        _check_chat(chat)


def _usernames(scenario: Scenario) -> Iterable[str]:
    own = {account.user_id for account in scenario.accounts}
    holders: list[Account | Person | Chat] = [*scenario.accounts, *scenario.chats]
    holders += [person for person in scenario.people if person.user_id not in own]
    return (holder.username.lower() for holder in holders if holder.username)


def _named_accounts(scenario: Scenario) -> Iterable[tuple[str, str]]:
    for chat in scenario.chats:
        where = f"chat {chat.id}"
        named = [chat.creator, *chat.admins, *(link.creator for link in chat.links)]
        yield from ((where, name) for name in named if name)
    for person in scenario.people:
        yield from ((f"person {person.user_id}", name) for name in person.knows)
    for fault in scenario.faults:
        if fault.account is not None:
            yield f"fault on {fault.method}", fault.account


def _unique(what: str, values: Iterable[object]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise ScenarioError(f"{what} {value!r} is used {times} times")


def _check_key(account: Account) -> None:
    if account.auth_key_hex is None:
        return
    try:
        length = len(bytes.fromhex(account.auth_key_hex))
    except ValueError as failure:
        raise ScenarioError(f"account {account.name}: auth_key_hex is not hexadecimal") from failure
    if length != sessions.AUTH_KEY_BYTES:
        raise ScenarioError(f"account {account.name}: auth_key_hex has {length} bytes, not 256")


def _check_chat(chat: Chat) -> None:
    where = f"chat {chat.id}"
    for name, rights in chat.admins.items():
        unknown = sorted(set(rights) - RIGHTS)
        if unknown:
            raise ScenarioError(f"{where}: {name}'s right {unknown[0]!r} does not exist")
    if chat.kind == "basic" and chat.username:
        raise ScenarioError(f"{where}: a basic group has no username")
    if chat.forum and chat.kind != "supergroup":
        raise ScenarioError(f"{where}: only a supergroup can be a forum")
    _unique(f"{where}: post", (post.id for post in chat.posts))
