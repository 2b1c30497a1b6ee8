"""One signed-in Telegram account: what a campaign asks of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from telethon.tl import functions, types

from adapters.telegram import platform
from adapters.telegram.client import Link
from adapters.telegram.errors import PLATFORM, Doing
from adapters.telegram.people import UNKNOWN, Known, People
from adapters.telegram.places import Closed, Place, Places
from adapters.telegram.questions import OWN_MATTERS, Questions, own_matter
from adapters.telegram.requirements import requirements
from adapters.telegram.roll import members
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import AddressBook, DestinationCheck, Found, Right
from domain.recipient import Person

T = TypeVar("T")


class TelegramSession:
    """Ends with its connection: after a break, or a request without an answer, a new one must be made."""

    def __init__(self, link: Link, book: AddressBook, *, link_preview: bool) -> None:
        self._link = link
        self._link_preview = link_preview
        self._questions = Questions(link)
        self._people = People(self._questions, book)
        self._own_id = 0
        self._places = Places(self._questions, book, lambda: self._own_id)

    @property
    def connected(self) -> bool:
        """False for good once the connection is gone."""
        return self._link.connected

    async def sign_in(self) -> Outcome | None:
        """Why Telegram does not take the account; None if it does."""
        # Not is_user_authorized: it takes a flood wait for being signed out.
        me = await self._questions.ask(functions.users.GetUsersRequest([types.InputUserSelf()]), Doing.READ)
        if isinstance(me, Outcome):
            return me
        self._own_id = me[0].id if me else 0
        return None

    async def check_destination(self, destination: str) -> DestinationCheck | Outcome:
        """Look at the destination and at this account's rights there."""
        place = await self._places.look(destination)
        if isinstance(place, Outcome):
            return _unusable(place)
        if isinstance(place, Closed):
            return place.check()
        check = await place.check()
        return _unusable(check, place) if isinstance(check, Outcome) else check

    async def join(self, destination: str) -> Outcome | None:
        """Become a member of the destination. None when the account is one now."""
        return await self._places.join(destination)

    async def find(self, person: Person) -> Found | Outcome:
        """Who the person is: from the account's book, by username, or by phone."""
        known = (await self._people.known([person])).get(person.position)
        if known is not None:
            return Found(str(known.user_id))
        found = await self._people.look_up(person)
        return found if isinstance(found, Outcome) else Found(str(found.user_id), contact_added=found.contact)

    async def add_contact(self, person: Person) -> Outcome:
        """Put the person into the account's contacts."""
        return await self._reaching(person, lambda known: self._add_contact(person, known))

    async def requirements(self, people: Sequence[Person]) -> Mapping[int, Outcome | None]:
        """Who of these, by position, wants Premium or payment, and who nothing; nobody is looked up for it."""
        return await requirements(self._questions, self._people, people)

    async def forward(self, person: Person, post: str, key: int) -> Outcome:
        """Forward a post to the person. Telegram drops a second one with the same `key`."""
        channel, number = platform.post_parts(post)
        place = await self._places.find(channel)
        if isinstance(place, Outcome):
            return _untold_post(place)
        return await self._reaching(person, lambda known: self._forward(known, place, number, key))

    async def invite(self, person: Person, destination: str) -> Outcome:
        """Add the person to the destination, unless they are in it already."""
        place = await self._places.find(destination)
        if isinstance(place, Outcome):
            return place
        return await self._reaching(person, lambda known: self._invite(known, place))

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        """Write to the person. Telegram drops a second message with the same `key`."""
        return await self._reaching(person, lambda known: self._send(known, text, key))

    async def is_member(self, person: Person, destination: str) -> bool | Outcome:
        """Whether the person is in the destination now. `Unavailable` where Telegram does not tell."""
        place = await self._places.find(destination)
        if isinstance(place, Outcome):
            return own_matter(place)
        is_in = await self._reaching(person, place.has)
        if not isinstance(is_in, Outcome):
            return is_in
        return False if is_in.kind is Kind.UNREACHABLE else own_matter(is_in)

    async def members(self, people: Sequence[Person], destination: str) -> Mapping[int, bool] | Outcome:
        """Who of these, by position, is in the destination now; nobody is looked up for it."""
        if not people:
            return {}
        place = await self._places.find(destination)
        if isinstance(place, Outcome):
            return place if place.kind in OWN_MATTERS else {}
        return await members(self._people, place, people)

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        """Have Telegram drop this connection unless called again within `disconnect_after`."""
        try:
            await self._link.ping(disconnect_after)
        except Unavailable:
            raise
        except Exception as error:
            await self.close()
            raise Unavailable(PLATFORM, "the ping was not answered") from error

    async def close(self) -> None:
        """Disconnect and forget the credentials. Never raises."""
        await self._link.close()

    async def _reaching(self, person: Person, act: Callable[[Known], Awaitable[T | Outcome]]) -> T | Outcome:
        """What comes of the act. What the book said of the person is looked up anew where Telegram does not take it."""
        known = await self._people.find(person)
        if isinstance(known, Outcome):
            return known
        answer = await act(known)
        if answer != UNKNOWN or not known.remembered:
            return answer
        self._people.forget(person, known)
        known = await self._people.find(person)
        return known if isinstance(known, Outcome) else await act(known)

    async def _invite(self, known: Known, place: Place) -> Outcome:
        # Asked first: the answer to an invite is the same for a member as for somebody who has come by it.
        is_in = await place.has(known)
        if isinstance(is_in, Outcome):
            return is_in
        if is_in:
            return Outcome(Kind.ALREADY_MEMBER)
        invited = await self._questions.ask(place.invitation(known), Doing.INVITE)
        return invited if isinstance(invited, Outcome) else _judged(invited, known.user_id)

    async def _send(self, known: Known, text: str, key: int) -> Outcome:
        message = functions.messages.SendMessageRequest(
            known.peer, text, no_webpage=not self._link_preview, random_id=key
        )
        sent = await self._questions.ask(message, Doing.MESSAGE)
        return sent if isinstance(sent, Outcome) else Outcome(Kind.MESSAGED)

    async def _forward(self, known: Known, place: Place, number: int, key: int) -> Outcome:
        post = functions.messages.ForwardMessagesRequest(place.peer, [number], known.peer, random_id=[key])
        sent = await self._questions.ask(post, Doing.FORWARD)
        return sent if isinstance(sent, Outcome) else Outcome(Kind.FORWARDED)

    async def _add_contact(self, person: Person, known: Known) -> Outcome:
        if known.contact:
            return Outcome(Kind.CONTACT_ADDED)
        # A contact without a name is not taken.
        name = person.first_name or person.username or person.phone or str(known.user_id)
        contact = functions.contacts.AddContactRequest(known.user, name, person.last_name, person.phone or "")
        added = await self._questions.ask(contact, Doing.CONTACT)
        if isinstance(added, Outcome):
            return added
        self._people.added(person, known)
        return Outcome(Kind.CONTACT_ADDED)


def _unusable(outcome: Outcome, place: Place | None = None) -> DestinationCheck | Outcome:
    if outcome.kind not in (Kind.DESTINATION, Kind.NOT_ADMIN):
        return own_matter(outcome)
    title, kind = (place.title, place.kind) if place else ("", "")
    warnings = (outcome.reason,) if outcome.reason is Reason.JOIN_NEEDED else ()
    return DestinationCheck(Right.NONE, outcome.reason, title, kind, warnings=warnings)


def _untold_post(outcome: Outcome) -> Outcome:
    """The post's channel is no destination: what is wrong with it is wrong with what is sent."""
    wrong = outcome.kind in (Kind.DESTINATION, Kind.NOT_ADMIN)
    return Outcome(Kind.CONTENT, Reason.POST_UNAVAILABLE) if wrong else outcome


def _judged(invited: types.messages.InvitedUsers, user_id: int) -> Outcome:
    # Telegram's success may hold a refusal.
    for missing in invited.missing_invitees:
        if missing.user_id == user_id:
            premium = missing.premium_would_allow_invite or missing.premium_required_for_pm
            return Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM if premium else Reason.PRIVACY)
    return Outcome(Kind.INVITED)
