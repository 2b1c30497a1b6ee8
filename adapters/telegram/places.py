"""What a destination's name or invite link stands for: looked up once per session, and a name once per account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from telethon.tl import functions, types

from adapters.telegram import rights
from adapters.telegram.channel import Channel
from adapters.telegram.errors import Doing
from adapters.telegram.group import JOIN_NEEDED, Group
from adapters.telegram.platform import invite_hash
from adapters.telegram.questions import OWN_MATTERS, Questions
from adapters.telegram.recent import Recent
from domain.outcome import Kind, Outcome, Reason
from domain.ports import AddressBook, DestinationCheck, Right

PLACES_KEPT = 20

NO_PLACE = Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN)


@dataclass(frozen=True)
class Closed:
    """A private group or channel that the account is not in: what Telegram tells of it before one joins."""

    title: str
    kind: str
    members: int | None = None

    def check(self) -> DestinationCheck:
        """Nothing can be done there yet."""
        seen = DestinationCheck(Right.NONE, Reason.JOIN_NEEDED, self.title, self.kind, self.members)
        return rights.judged(seen, slow=False)


Place = Channel | Group


class Places:
    """Destinations as this account sees them. `own_id`: who it is itself."""

    def __init__(self, questions: Questions, book: AddressBook, own_id: Callable[[], int]) -> None:
        self._questions = questions
        self._book = book
        self._own_id = own_id
        self._known: Recent[Place] = Recent(PLACES_KEPT)

    async def find(self, destination: str) -> Place | Outcome:
        """The destination, where the account can do something in it."""
        place = await self.look(destination)
        return JOIN_NEEDED if isinstance(place, Closed) else place

    async def look(self, destination: str) -> Place | Closed | Outcome:
        """The destination, also one that the account must join first."""
        known = self._known.get(destination)
        if known is not None:
            return known
        link = invite_hash(destination)
        found = await (self._by_name(destination.lower()) if link is None else self._by_link(link))
        return found if isinstance(found, (Closed, Outcome)) else self._known.keep(destination, found)

    async def join(self, destination: str) -> Outcome | None:
        """Become a member. None when the account is one."""
        entry = await self._entry(destination)
        if entry is None or isinstance(entry, Outcome):
            return entry
        joined = await self._questions.ask(entry, Doing.JOIN)
        if isinstance(joined, Outcome):
            return None if joined.kind is Kind.ALREADY_MEMBER else joined
        # Anything else wants a bot's questions answered, in a browser.
        return None if isinstance(joined, types.messages.ChatInviteJoinResultOk) else JOIN_NEEDED

    async def _entry(self, destination: str) -> Any:
        link = invite_hash(destination)
        if link is not None:
            return functions.messages.ImportChatInviteRequest(link)
        place = await self.find(destination)
        if isinstance(place, Outcome):
            return place
        return None if isinstance(place, Group) else place.entry()

    async def _by_name(self, name: str) -> Place | Outcome:
        # Each name that is looked up is one person less who can be: Telegram counts them together.
        remembered = await self._remembered(name)
        if remembered is not None:
            return remembered
        answer = await self._questions.ask(functions.contacts.ResolveUsernameRequest(name), Doing.READ)
        if isinstance(answer, Outcome):
            return NO_PLACE if answer.kind is Kind.UNREACHABLE else answer
        place = self._place(answer.chats, getattr(answer.peer, "channel_id", None))
        if isinstance(place, Channel):
            await self._book.keep({_entry(name): f"{place.channel.channel_id}:{place.channel.access_hash}"})
        return place

    async def _remembered(self, name: str) -> Place | Outcome | None:
        """What the account's book has under the name, if that is still its name. An outcome of the account's own."""
        address = _address((await self._book.find([_entry(name)])).get(_entry(name), ""))
        if address is None:
            return None
        answer = await self._questions.ask(functions.channels.GetChannelsRequest([address]), Doing.READ)
        if isinstance(answer, Outcome):
            return answer if answer.kind in OWN_MATTERS else None
        named = [chat for chat in answer.chats if name in _names(chat)]
        return self._place(named, address.channel_id) if named else None

    async def _by_link(self, link: str) -> Place | Closed | Outcome:
        answer = await self._questions.ask(functions.messages.CheckChatInviteRequest(link), Doing.READ)
        if isinstance(answer, Outcome):
            return answer
        if isinstance(answer, types.ChatInviteAlready):
            return self._place([answer.chat], answer.chat.id)
        if isinstance(answer, types.ChatInvitePeek):
            return Closed(answer.chat.title, _kind(answer.chat))
        # Telegram's `channel` is whatever is no basic group.
        kind = rights.CHANNEL if answer.broadcast else rights.SUPERGROUP
        return Closed(answer.title, kind if answer.channel else rights.GROUP, answer.participants_count)

    def _place(self, chats: Sequence[Any], chat_id: int | None) -> Place | Outcome:
        chat = next((each for each in chats if each.id == chat_id), None)
        if isinstance(chat, (types.ChannelForbidden, types.ChatForbidden)):
            return Outcome(Kind.DESTINATION, Reason.DESTINATION_PRIVATE)
        if isinstance(chat, types.Channel):
            address = types.InputChannel(chat.id, chat.access_hash or 0)
            return Channel(self._questions, chat.title, _kind(chat), address)
        if not isinstance(chat, types.Chat):
            return NO_PLACE
        if isinstance(chat.migrated_to, types.InputChannel):
            return Channel(self._questions, chat.title, rights.SUPERGROUP, chat.migrated_to)
        return Group(self._questions, chat.title, chat.id, self._own_id())


def _entry(name: str) -> str:
    """A destination's place in the book. Groups and people share their names, but not what is written there."""
    return f"destination:{name}"


def _address(value: str) -> types.InputChannel | None:
    channel_id, _, access_hash = value.partition(":")
    try:
        return types.InputChannel(int(channel_id), int(access_hash))
    except ValueError:
        return None


def _names(chat: Any) -> set[str]:
    """Under which it can be found now; in lower case."""
    more = [each.username for each in getattr(chat, "usernames", None) or () if each.active]
    return {each.lower() for each in [getattr(chat, "username", None), *more] if each}


def _kind(chat: Any) -> str:
    if not isinstance(chat, types.Channel):
        return rights.GROUP
    if chat.forum:
        return rights.FORUM
    return rights.SUPERGROUP if chat.megagroup or chat.gigagroup else rights.CHANNEL
