"""What every adapter must satisfy: a test class per adapter inherits this and gives it a `bench`."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from domain.account import Credentials
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome
from domain.ports import Adapter, DestinationCheck, Right, Session
from domain.recipient import Person

KEY = 2**62 + 77


@dataclass(frozen=True)
class Bench:
    """An adapter with an account that may invite to `destination`, and what the platform really did.

    `person` accepts everything and is not in the destination yet; `nobody` cannot be reached. `joined` and
    `delivered` count memberships and messages that came about.
    """

    adapter: Adapter
    credentials: Credentials
    destination: str
    unknown_destination: str
    person: Person
    nobody: Person
    joined: Callable[[], int]
    delivered: Callable[[], int]


async def signed_in(adapter: Adapter, credentials: Credentials) -> Session:
    """A session, where an outcome would be a failure of the test."""
    session = await adapter.connect("account", credentials, None)
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
            await session.check_destination(bench.destination)
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
        assert (invited.kind, written.kind) == (Kind.UNREACHABLE, Kind.UNREACHABLE)
        assert not await session.is_member(bench.nobody, bench.destination)
        assert (bench.joined(), bench.delivered()) == (0, 0)

    async def test_says_who_has_no_path(self, bench: Bench, session: Session) -> None:
        nameless = Person(position=3)
        assert (await session.invite(nameless, bench.destination)).kind is Kind.UNREACHABLE
        assert (await session.send(nameless, "text", KEY)).kind is Kind.UNREACHABLE
