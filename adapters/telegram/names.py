"""Whom and what usernames stand for, looked up once per session."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from telethon.tl import functions, types

from adapters.telegram.errors import Doing
from domain.outcome import Kind, Outcome, Reason
from domain.recipient import Person

PEOPLE_KEPT = 500
PLACES_KEPT = 20

Ask = Callable[[Any, Doing], Awaitable[Any]]
"""Puts a request to Telegram: its answer, or the `Outcome` that an error of Telegram's stands for."""

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A channel or supergroup. Its access hash is this account's own."""

    channel: types.InputChannel
    title: str
    kind: str


class Names:
    """Keeps what it found: about fifty lookups in a row bring an account flood waits."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._people: _Recent[types.InputPeerUser] = _Recent(PEOPLE_KEPT)
        self._places: _Recent[Place] = _Recent(PLACES_KEPT)

    async def person(self, person: Person) -> types.InputPeerUser | Outcome:
        """How this account addresses the person."""
        if person.username is None:
            return Outcome(Kind.UNREACHABLE, Reason.NO_PATH)
        name = person.username.lower()
        known = self._people.get(name)
        if known is not None:
            return known
        answer = await self._ask(functions.contacts.ResolveUsernameRequest(name), Doing.READ)
        found = answer if isinstance(answer, Outcome) else _person(answer)
        return found if isinstance(found, Outcome) else self._people.keep(name, found)

    async def place(self, name: str) -> Place | Outcome:
        """The destination of this name."""
        name = name.lower()
        known = self._places.get(name)
        if known is not None:
            return known
        answer = await self._ask(functions.contacts.ResolveUsernameRequest(name), Doing.READ)
        found = _no_place(answer) if isinstance(answer, Outcome) else _place(answer)
        return found if isinstance(found, Outcome) else self._places.keep(name, found)


def _person(resolved: types.contacts.ResolvedPeer) -> types.InputPeerUser | Outcome:
    users = [user for user in resolved.users if user.id == getattr(resolved.peer, "user_id", None)]
    if not users or not isinstance(users[0], types.User):
        return Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)
    user = users[0]
    if user.deleted:
        return Outcome(Kind.UNREACHABLE, Reason.DELETED)
    if user.bot:
        return Outcome(Kind.UNREACHABLE, Reason.BOT)
    return types.InputPeerUser(user.id, user.access_hash or 0)


def _place(resolved: types.contacts.ResolvedPeer) -> Place | Outcome:
    chats = [chat for chat in resolved.chats if chat.id == getattr(resolved.peer, "channel_id", None)]
    if chats and isinstance(chats[0], types.ChannelForbidden):
        return Outcome(Kind.DESTINATION, Reason.DESTINATION_PRIVATE)
    if not chats or not isinstance(chats[0], types.Channel):
        return Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN)
    chat = chats[0]
    kind = "supergroup" if chat.megagroup or chat.gigagroup else "channel"
    return Place(types.InputChannel(chat.id, chat.access_hash or 0), chat.title, kind)


def _no_place(outcome: Outcome) -> Outcome:
    unknown = outcome.kind is Kind.UNREACHABLE
    return Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN) if unknown else outcome


class _Recent(Generic[T]):
    """The values used last, up to a number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def keep(self, key: str, value: T) -> T:
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value
