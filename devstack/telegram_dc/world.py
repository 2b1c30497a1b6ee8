"""The state behind the data centre. Effects are the only way in which it changes by requests."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

from devstack.telegram_dc.chats import ChatState, JoinRequest, staff
from devstack.telegram_dc.journal import (
    ChatEffect,
    ContactAdded,
    ContactRemoved,
    Effect,
    Forwarded,
    Joined,
    JoinRequested,
    Left,
    LinkExported,
    LinkRevoked,
    Message,
    RequestDismissed,
    SessionDestroyed,
)
from devstack.telegram_dc.scenario import Account, Chat, InviteLink, Person, Scenario

FOR_EVER = datetime.max.replace(tzinfo=UTC)

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
    sent: dict[int, datetime] = field(default_factory=dict)
    imports: list[datetime] = field(default_factory=list)
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

    def may_import(self, now: datetime) -> bool:
        """Whether one more number can be imported; if so it counts from now on."""
        period, limit = self.account.import_period, self.account.import_limit
        if period is not None:
            self.imports = [at for at in self.imports if now - at < timedelta(seconds=period)]
        if limit is not None and len(self.imports) >= limit:
            return False
        self.imports.append(now)
        return True


class World:
    """Accounts, people and chats. Tests may change it while the data centre runs.

    `note` is told of every effect that happens here.
    """

    def __init__(
        self, scenario: Scenario, clock: Clock = utc_now, note: Callable[[Effect], None] | None = None
    ) -> None:
        self.now = clock
        self.seed = scenario.seed
        self.accounts = {account.name: _account_state(account) for account in scenario.accounts}
        self.people: dict[int, Person] = {}
        self.chats: dict[int, ChatState] = {}
        self._note = note
        self._random_id_memory = scenario.random_id_memory
        self._usernames: dict[str, tuple[PeerKind, int]] = {}
        self._phones: dict[str, int] = {}
        self._links: dict[str, int] = {}
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
        team = {self.accounts[name].user_id for name in staff(chat)}
        copy = replace(chat, admins=dict(chat.admins), members=list(chat.members), posts=list(chat.posts))
        self.chats[chat.id] = state = ChatState(copy, team | set(chat.members))
        for link in chat.all_links():
            self._add_link(state, link)
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

    def find_link(self, link: str) -> ChatState | None:
        """Which chat the invite link of this hash leads into."""
        return self.chats.get(self._links.get(link, 0))

    def account_of(self, user_id: int) -> str | None:
        """The name of our account with this id, if it is one of ours."""
        return self._names.get(user_id)

    def access_hash(self, account: str, kind: PeerKind, peer_id: int) -> int:
        """What this account, and no other, reaches the peer with."""
        digest = sha256(f"access-hash:{self.seed}:{account}:{kind}:{peer_id}".encode()).digest()
        return int.from_bytes(digest[:8], "little", signed=True) or 1

    def knows_random_id(self, account: str, random_id: int) -> bool:
        """Whether the account sent something with this random_id, and that is not forgotten."""
        used = self.accounts[account].sent.get(random_id)
        if used is None:
            return False
        memory = self._random_id_memory
        return memory is None or self.now() - used < timedelta(seconds=memory)

    def channels_of(self, user_id: int) -> int:
        """How many channels and supergroups the person is in."""
        return sum(user_id in state.members for state in self.chats.values() if state.chat.kind != "basic")

    def leave(self, chat: int, user: int) -> None:
        """A member goes."""
        if user in self.chats[chat].members:
            self.happen(Left(self.now(), chat, user))

    def join_by_link(self, link: str, user: int) -> None:
        """A person uses an invite link. They join, or wait to be let in, or nothing happens if it is over."""
        state = self.chats[self._links[link]]
        known, now = state.links[link], self.now()
        by = self.account_of(user) or ""
        if user in state.members or state.is_closed or state.is_over(known, now):
            return
        if not known.request_needed and not state.chat.join_request:
            self.happen(Joined(now, state.chat.id, user, by, link))
        elif user not in state.requests:
            self.happen(JoinRequested(now, state.chat.id, user, by, link))

    def approve(self, chat: int, user: int, by: str = "") -> None:
        """Somebody who asked to join is let in."""
        asked = self.chats[chat].requests[user]
        self.happen(Joined(self.now(), chat, user, by, asked.link))

    def happen(self, effect: Effect) -> None:
        """Let the effect happen, and note it."""
        self.apply(effect)
        if self._note is not None:
            self._note(effect)

    def apply(self, effect: Effect) -> None:
        """Let the effect happen."""
        match effect:
            case Joined() | Left() | JoinRequested() | RequestDismissed() | LinkExported() | LinkRevoked():
                self._apply_to_chat(self.chats[effect.chat], effect)
            case Message(by=by) | Forwarded(by=by):
                self.accounts[by].sent[effect.random_id] = effect.at
                self.accounts[by].pts += 1
            case ContactAdded(user=user, by=by):
                self.accounts[by].contacts.add(user)
            case ContactRemoved(user=user, by=by):
                self.accounts[by].contacts.discard(user)
            case SessionDestroyed(account=account):
                self.accounts[account].destroyed = True

    def _apply_to_chat(self, state: ChatState, effect: ChatEffect) -> None:
        match effect:
            case Joined():
                state.admit(effect.user, effect.at, effect.by, effect.link)
            case Left():
                state.release(effect.user)
                state.chat.admins.pop(self.account_of(effect.user) or "", None)
            case JoinRequested():
                state.requests[effect.user] = JoinRequest(effect.at, effect.by, effect.link)
            case RequestDismissed():
                state.requests.pop(effect.user, None)
            case LinkExported():
                self._add_link(state, _as_link(effect))
            case LinkRevoked():
                state.links[effect.hash] = replace(state.links[effect.hash], revoked=True)

    def _add_link(self, state: ChatState, link: InviteLink) -> None:
        state.links[link.hash] = link
        self._links[link.hash] = state.chat.id

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


def _account_state(account: Account) -> AccountState:
    return AccountState(account, frozen_until=FOR_EVER if account.frozen else None)


def _as_link(effect: LinkExported) -> InviteLink:
    return InviteLink(
        hash=effect.hash,
        title=effect.title,
        creator=effect.by,
        usage_limit=effect.usage_limit,
        expire_date=effect.expire_date,
        request_needed=effect.request_needed,
    )
