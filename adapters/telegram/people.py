"""Who people are on Telegram: looked up once per account, as lookups are what it limits most."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telethon.tl import functions, types

from adapters.telegram.errors import Doing
from adapters.telegram.questions import Questions
from adapters.telegram.recent import Recent
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Identifier
from domain.ports import AddressBook
from domain.recipient import Person

NAMES_KEPT = 300
"""Few, as a process has a thousand clients and each account a book: those of a batch of requirements."""

NO_PATH = Outcome(Kind.UNREACHABLE, Reason.NO_PATH)
UNKNOWN = Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)
"""Also Telegram's answer to an access hash that is not, or no longer, this account's."""


@dataclass(frozen=True, slots=True)
class Known:
    """How this account addresses a person. `remembered`: by the book, not by a lookup of this session.

    `contact`: this session has put them into the account's contacts.
    """

    user_id: int
    access_hash: int
    remembered: bool = False
    contact: bool = False

    @property
    def user(self) -> types.InputUser:
        """For requests about a user."""
        return types.InputUser(self.user_id, self.access_hash)

    @property
    def peer(self) -> types.InputPeerUser:
        """For requests about a chat with them."""
        return types.InputPeerUser(self.user_id, self.access_hash)


class People:
    """What this session knows, then what the account's book knows, then Telegram."""

    def __init__(self, questions: Questions, book: AddressBook) -> None:
        self._questions = questions
        self._book = book
        self._known: Recent[Known] = Recent(NAMES_KEPT)
        self._refused: Recent[str] = Recent(NAMES_KEPT)

    async def find(self, person: Person) -> Known | Outcome:
        """How the account addresses the person, looked up if it must be."""
        known = (await self.known([person])).get(person.position)
        return known if known is not None else await self.look_up(person)

    async def look_up(self, person: Person) -> Known | Outcome:
        """Ask Telegram: by username, or else by number. One question: each kind has a budget of its own."""
        if person.username is not None:
            user = await self._by_username(person.username.lower())
        elif person.phone is not None:
            user = await self._by_phone(person, person.phone)
        else:
            return NO_PATH
        if isinstance(user, Outcome):
            return user
        return await self._keep(person, user, contact=person.username is None)

    async def known(self, people: Sequence[Person]) -> Mapping[int, Known]:
        """Who of these is known without a lookup, by position."""
        strange = [person for person in people if self._in_memory(person) is None]
        names = {name for person in strange for name in names_of(person)}
        for name, value in (await self._book.find(sorted(names)) if names else {}).items():
            known = None if self._refused.get(value) else _read(value)
            if known is not None:
                self._known.keep(name, known)
        found = ((person.position, self._in_memory(person)) for person in people)
        return {position: known for position, known in found if known is not None}

    def added(self, person: Person, known: Known) -> None:
        """The person is in the account's contacts now."""
        for name in names_of(person):
            # A list may be wrong about one of somebody's names: only those that were seen to lead there.
            if (before := self._known.get(name)) is not None and before.user_id == known.user_id:
                self._known.keep(name, replace(known, contact=True))

    def forget(self, person: Person, known: Known) -> None:
        """Telegram did not take this: the book's word for it is not believed again in this session."""
        self._refused.keep(_written(known), _written(known))
        for name in names_of(person):
            self._known.drop(name)

    def _in_memory(self, person: Person) -> Known | None:
        found = (self._known.get(name) for name in names_of(person))
        return next((known for known in found if known is not None), None)

    async def _by_username(self, username: str) -> Any:
        answer = await self._questions.ask(functions.contacts.ResolveUsernameRequest(username), Doing.READ)
        if isinstance(answer, Outcome):
            return answer
        return _person(answer.users, getattr(answer.peer, "user_id", None))

    async def _by_phone(self, person: Person, phone: str) -> Any:
        client_id = random.getrandbits(62)
        # A contact without a name is not taken.
        contact = types.InputPhoneContact(client_id, phone, person.first_name or phone, person.last_name)
        # A question, though it adds a contact: asked a second time it adds nobody else.
        answer = await self._questions.ask(functions.contacts.ImportContactsRequest([contact]), Doing.READ)
        if isinstance(answer, Outcome):
            return answer
        if client_id in answer.retry_contacts:
            return Outcome(Kind.POSTPONED, Reason.LOOKUPS_SPENT)
        ids = [each.user_id for each in answer.imported if each.client_id == client_id]
        return _person(answer.users, ids[0]) if ids else Outcome(Kind.UNREACHABLE, Reason.NOT_FOUND_BY_PHONE)

    async def _keep(self, person: Person, user: types.User, *, contact: bool = False) -> Known:
        known = Known(user.id, user.access_hash or 0, contact=contact)
        names = {*names_of(replace(person, user_id=None)), *names_told(user)}
        for name in names:
            self._known.keep(name, known)
        await self._book.keep(dict.fromkeys(sorted(names), _written(known)))
        return known


def _person(users: Sequence[Any], user_id: int | None) -> types.User | Outcome:
    user = next((each for each in users if each.id == user_id), None)
    if not isinstance(user, types.User):
        return UNKNOWN
    if user.deleted:
        return Outcome(Kind.UNREACHABLE, Reason.DELETED)
    return Outcome(Kind.UNREACHABLE, Reason.BOT) if user.bot else user


def names_of(person: Person) -> tuple[str, ...]:
    """The surest first: usernames and numbers change hands, ids do not."""
    return tuple(name.lower() for name in reversed(person.names))


def names_told(user: types.User) -> Iterable[str]:
    """Under what Telegram knows the person."""
    usernames = [user.username, *(each.username for each in user.usernames or () if each.active)]
    yield f"{Identifier.USER_ID.value}:{user.id}"
    yield from (f"{Identifier.USERNAME.value}:{name.lower()}" for name in usernames if name)
    if user.phone:
        yield f"{Identifier.PHONE.value}:+{user.phone.lstrip('+')}"


def _written(known: Known) -> str:
    return f"{known.user_id}:{known.access_hash}"


def _read(value: str) -> Known | None:
    user_id, _, access_hash = value.partition(":")
    try:
        return Known(int(user_id), int(access_hash), remembered=True)
    except ValueError:
        return None
