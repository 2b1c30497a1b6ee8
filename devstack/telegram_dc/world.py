"""The state behind the data centre. Effects are the only way in which it changes by requests."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from devstack.telegram_dc.journal import (
    ContactAdded,
    ContactRemoved,
    Effect,
    Joined,
    Message,
    SessionDestroyed,
)
from devstack.telegram_dc.scenario import Account, Chat, Person, Scenario

BROADCAST_INVITE_LIMIT = 200
SUPERGROUP_LIMIT = 200_000

Clock = Callable[[], datetime]
PeerKind = Literal["user", "channel"]


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass
class AccountState:
    """What Telegram knows of one of our accounts, and holds against it."""

    account: Account
    contacts: set[int] = field(default_factory=set)
    sent: set[int] = field(default_factory=set)
    pts: int = 1
    signed_out: str | None = None
    destroyed: bool = False
    frozen_until: datetime | None = None
    limited_until: datetime | None = None
    waits: dict[str, datetime] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The account's name in the scenario."""
        return self.account.name

    @property
    def user_id(self) -> int:
        """The account's id on Telegram."""
        return self.account.user_id


@dataclass
class ChatState:
    """A chat and who is in it now."""

    chat: Chat
    members: set[int]

    @property
    def is_full(self) -> bool:
        """Whether nobody can be added directly (a channel takes direct invites up to 200 subscribers)."""
        limit = BROADCAST_INVITE_LIMIT if self.chat.kind == "channel" else SUPERGROUP_LIMIT
        return self.chat.full or len(self.members) >= limit

    def is_admin(self, account: str) -> bool:
        """Whether the account created the chat or is one of its admins."""
        return account == self.chat.creator or account in self.chat.admins

    def may_invite(self, account: str) -> bool:
        """Whether the account may add people."""
        return account == self.chat.creator or "invite_users" in self.chat.admins.get(account, ())

    def has_kicked(self, person: Person) -> bool:
        """Whether the person was removed from this chat."""
        names = {str(self.chat.id), self.chat.username}
        return any(name in names for name in person.kicked_from)


class World:
    """Accounts, people and chats. Tests may change it while the data centre runs."""

    def __init__(self, scenario: Scenario, clock: Clock = utc_now) -> None:
        self.now = clock
        self.seed = scenario.seed
        self.accounts = {account.name: AccountState(account) for account in scenario.accounts}
        self.people: dict[int, Person] = {}
        self.chats: dict[int, ChatState] = {}
        self._usernames: dict[str, tuple[PeerKind, int]] = {}
        self._phones: dict[str, int] = {}
        self._names = {account.user_id: account.name for account in scenario.accounts}
        for person in [*map(_as_person, scenario.accounts), *scenario.people]:
            self.add_person(person)
        for chat in scenario.chats:
            self.add_chat(chat)

    def add_person(self, person: Person) -> Person:
        """A copy of this person lives here from now on."""
        resident = replace(person, kicked_from=list(person.kicked_from), knows=list(person.knows))
        self.people[person.user_id] = resident
        if person.username:
            self._usernames[person.username.lower()] = ("user", person.user_id)
        if person.phone:
            self._phones[digits(person.phone)] = person.user_id
        return resident

    def add_chat(self, chat: Chat) -> ChatState:
        """A copy of this chat exists from now on; its creator and admins are members."""
        staff = {self.accounts[name].user_id for name in _staff(chat)}
        copy = replace(chat, admins=dict(chat.admins), members=list(chat.members))
        self.chats[chat.id] = state = ChatState(copy, staff | set(chat.members))
        if chat.username and not chat.private:
            self._usernames[chat.username.lower()] = ("channel", chat.id)
        return state

    def find_username(self, username: str) -> Person | ChatState | None:
        """Who or what has this username."""
        kind, peer_id = self._usernames.get(username.lower(), ("user", 0))
        return self.people.get(peer_id) if kind == "user" else self.chats.get(peer_id)

    def find_phone(self, phone: str) -> Person | None:
        """Whose number this is."""
        return self.people.get(self._phones.get(digits(phone), 0))

    def account_of(self, user_id: int) -> str | None:
        """The name of our account with this id, if it is one of ours."""
        return self._names.get(user_id)

    def access_hash(self, account: str, kind: PeerKind, peer_id: int) -> int:
        """What this account, and no other, reaches the peer with."""
        digest = sha256(f"access-hash:{self.seed}:{account}:{kind}:{peer_id}".encode()).digest()
        return int.from_bytes(digest[:8], "little", signed=True) or 1

    def apply(self, effect: Effect) -> None:
        """Let the effect happen."""
        match effect:
            case Joined(chat=chat, user=user):
                self.chats[chat].members.add(user)
            case Message(by=by, random_id=random_id):
                self.accounts[by].sent.add(random_id)
                self.accounts[by].pts += 1
            case ContactAdded(user=user, by=by):
                self.accounts[by].contacts.add(user)
            case ContactRemoved(user=user, by=by):
                self.accounts[by].contacts.discard(user)
            case SessionDestroyed(account=account):
                self.accounts[account].destroyed = True

    def restore(self, effects: Iterable[Effect]) -> None:
        """Take up what happened before a restart, as far as it concerns who is still here."""
        for effect in effects:
            try:
                self.apply(effect)
            except KeyError:
                continue  # the scenario was changed in between


def digits(phone: str) -> str:
    """A phone number without anything but its digits."""
    return "".join(filter(str.isdigit, phone))


def _as_person(account: Account) -> Person:
    return Person(account.user_id, account.username, account.phone, first_name=account.name)


def _staff(chat: Chat) -> Iterable[str]:
    return {*chat.admins, *([chat.creator] if chat.creator else [])}
