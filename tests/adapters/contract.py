"""What every adapter must satisfy: a test class per adapter inherits this and gives it a `bench`."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from domain.account import Credentials
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome
from domain.ports import Adapter, AddressBook, DestinationCheck, Found, Right, Session
from domain.recipient import Person
from tests.adapters.book import MemoryBook

KEY = 2**62 + 77


@dataclass(frozen=True)
class Bench:
    """An adapter with an account that may invite to `destination`, and what the platform really did.

    `person` accepts everything, is not in the destination yet and no contact; `nobody` cannot be reached. `joined`,
    `delivered` (messages and forwards), `contacts` and `lookups` count what came about. `post`: can be forwarded.
    """

    adapter: Adapter
    credentials: Credentials
    destination: str
    unknown_destination: str
    person: Person
    nobody: Person
    joined: Callable[[], int]
    delivered: Callable[[], int]
    contacts: Callable[[], int]
    lookups: Callable[[], int]
    post: str = "https://t.me/news/7"


async def signed_in(
    adapter: Adapter,
    credentials: Credentials,
    book: AddressBook | None = None,
    proxy: Mapping[str, str] | None = None,
) -> Session:
    """A session, where an outcome would be a failure of the test. Without a `book`, one that is empty."""
    session = await adapter.connect("account", credentials, proxy, book or MemoryBook())
    assert not isinstance(session, Outcome), session
    return session


class AdapterContract:
    """The tests. Subclasses override `bench`."""

    @pytest.fixture
    def bench(self) -> Bench:
        """The adapter under test."""
        raise NotImplementedError

    @pytest.fixture
    async def session(self, bench: Bench) -> AsyncIterator[Session]:
        """An account that is signed in."""
        session = await signed_in(bench.adapter, bench.credentials)
        yield session
        await session.close()

    def test_its_capabilities_make_sense(self, bench: Bench) -> None:
        capabilities = bench.adapter.capabilities
        assert capabilities.actions
        assert capabilities.reaches
        assert capabilities.message_length > 0
        assert set(capabilities.repeatable) <= capabilities.actions

    async def test_is_connected_until_closed(self, session: Session) -> None:
        assert session.connected
        await session.close()
        assert not session.connected

    async def test_may_be_closed_twice(self, session: Session) -> None:
        await session.close()
        await session.close()

    async def test_answers_nothing_once_closed(self, bench: Bench, session: Session) -> None:
        await session.close()
        with pytest.raises(Unavailable):
            await session.invite(bench.person, bench.destination)
        with pytest.raises(Unavailable):
            await session.send(bench.person, "text", KEY)
        with pytest.raises(Unavailable):
            await session.is_member(bench.person, bench.destination)
        with pytest.raises(Unavailable):
            await session.members([bench.person], bench.destination)
        with pytest.raises(Unavailable):
            await session.check_destination(bench.destination)
        with pytest.raises(Unavailable):
            await session.join(bench.destination)
        with pytest.raises(Unavailable):
            await session.find(bench.person)
        with pytest.raises(Unavailable):
            await session.add_contact(bench.person)
        with pytest.raises(Unavailable):
            await session.forward(bench.person, bench.post, KEY)
        with pytest.raises(Unavailable):
            await session.keep_alive(timedelta(seconds=6))

    async def test_can_be_kept_alive(self, session: Session) -> None:
        await session.keep_alive(timedelta(seconds=6))
        await session.keep_alive(timedelta(seconds=6))
        assert session.connected

    async def test_sees_its_right_at_a_destination(self, bench: Bench, session: Session) -> None:
        check = await session.check_destination(bench.destination)
        assert check.right is Right.INVITE
        assert not check.reason

    async def test_answers_for_an_unknown_destination(self, bench: Bench, session: Session) -> None:
        assert isinstance(await session.check_destination(bench.unknown_destination), DestinationCheck)

    async def test_invites(self, bench: Bench, session: Session) -> None:
        assert await session.invite(bench.person, bench.destination) == Outcome(Kind.INVITED)
        assert await session.is_member(bench.person, bench.destination)
        assert bench.joined() <= 1

    async def test_a_second_invite_has_no_second_effect(self, bench: Bench, session: Session) -> None:
        await session.invite(bench.person, bench.destination)
        again = await session.invite(bench.person, bench.destination)
        assert again.kind in (Kind.ALREADY_MEMBER, Kind.INVITED)
        assert bench.joined() <= 1

    async def test_sees_who_has_come(self, bench: Bench, session: Session) -> None:
        assert await session.members([], bench.destination) == {}
        await session.invite(bench.person, bench.destination)
        looked_up = bench.lookups()
        for people in ([bench.person], [bench.person, bench.nobody]):
            assert await session.members(people, bench.destination) == {bench.person.position: True}
        assert bench.lookups() == looked_up

    async def test_writes(self, bench: Bench, session: Session) -> None:
        assert await session.send(bench.person, "text", KEY) == Outcome(Kind.MESSAGED)
        assert bench.delivered() <= 1

    async def test_a_second_message_with_the_same_key_has_no_effect(self, bench: Bench, session: Session) -> None:
        await session.send(bench.person, "text", KEY)
        assert await session.send(bench.person, "text", KEY) == Outcome(Kind.MESSAGED)
        assert bench.delivered() <= 1

    async def test_says_who_cannot_be_reached(self, bench: Bench, session: Session) -> None:
        invited = await session.invite(bench.nobody, bench.destination)
        written = await session.send(bench.nobody, "text", KEY)
        forwarded = await session.forward(bench.nobody, bench.post, KEY)
        added = await session.add_contact(bench.nobody)
        assert {each.kind for each in (invited, written, forwarded, added)} == {Kind.UNREACHABLE}
        assert not await session.is_member(bench.nobody, bench.destination)
        assert (bench.joined(), bench.delivered(), bench.contacts()) == (0, 0, 0)

    async def test_says_who_has_no_path(self, bench: Bench, session: Session) -> None:
        nameless = Person(position=3)
        assert (await session.invite(nameless, bench.destination)).kind is Kind.UNREACHABLE
        assert (await session.send(nameless, "text", KEY)).kind is Kind.UNREACHABLE
        found = await session.find(nameless)
        assert isinstance(found, Outcome)
        assert found.kind is Kind.UNREACHABLE

    async def test_joins_what_it_is_in(self, bench: Bench, session: Session) -> None:
        assert await session.join(bench.destination) is None

    async def test_finds_the_same_person_again(self, bench: Bench, session: Session) -> None:
        found = await session.find(bench.person)
        assert isinstance(found, Found)
        assert found.peer
        again = await session.find(bench.person)
        assert isinstance(again, Found)
        assert again.peer == found.peer

    async def test_tells_people_apart(self, bench: Bench, session: Session) -> None:
        other = Person(7, username="beata")
        one, two = await session.find(bench.person), await session.find(other)
        assert isinstance(one, Found)
        assert isinstance(two, Found)
        assert one.peer != two.peer

    async def test_whoever_is_found_is_not_looked_up_again(self, bench: Bench, session: Session) -> None:
        await session.find(bench.person)
        looked_up = bench.lookups()
        await session.add_contact(bench.person)
        await session.send(bench.person, "text", KEY)
        await session.find(bench.person)
        assert bench.lookups() == looked_up

    async def test_the_book_spares_the_next_session_the_lookup(self, bench: Bench) -> None:
        book = MemoryBook()
        first = await signed_in(bench.adapter, bench.credentials, book)
        found = await first.find(bench.person)
        await first.close()
        looked_up = bench.lookups()
        second = await signed_in(bench.adapter, bench.credentials, book)
        assert await second.find(bench.person) == found
        assert await second.send(bench.person, "text", KEY) == Outcome(Kind.MESSAGED)
        await second.close()
        assert bench.lookups() == looked_up

    async def test_adds_to_contacts(self, bench: Bench, session: Session) -> None:
        assert await session.add_contact(bench.person) == Outcome(Kind.CONTACT_ADDED)
        assert await session.add_contact(bench.person) == Outcome(Kind.CONTACT_ADDED)
        assert bench.contacts() <= 1

    async def test_forwards(self, bench: Bench, session: Session) -> None:
        for _ in range(2):
            assert await session.forward(bench.person, bench.post, KEY) == Outcome(Kind.FORWARDED)
        assert bench.delivered() <= 1

    async def test_who_accepts_everything_requires_nothing(self, bench: Bench, session: Session) -> None:
        assert await session.requirements([]) == {}
        for _ in range(2):
            told = await session.requirements([bench.person, bench.nobody])
            assert set(told.values()) <= {None}
            assert bench.nobody.position not in told
            await session.find(bench.person)
