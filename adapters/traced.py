"""A platform whose every request is a span of whoever makes it; what its connections log is their own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from datetime import timedelta
from typing import TypeVar

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from structlog.contextvars import bind_contextvars, get_contextvars

from domain.account import Credentials
from domain.outcome import Outcome
from domain.platform import Capabilities
from domain.ports import Adapter, AddressBook, DestinationCheck, Found, Session, always
from domain.recipient import Person

T = TypeVar("T")

_tracer = trace.get_tracer("invite-service")


class TracedAdapter:
    """`name`: the platform's."""

    def __init__(self, name: str, adapter: Adapter) -> None:
        self._name = name
        self._adapter = adapter

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self._adapter.capabilities

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool] = always,
    ) -> "TracedSession | Outcome":
        """Sign in. What lives as long as the connection begins in a context that is the account's."""
        connecting = self._adapter.connect(account_id, credentials, proxy, book, still)
        signing_in = asyncio.create_task(connecting, context=_of_the_account(account_id))
        found = await _traced(self._name, "connect", signing_in)
        return found if isinstance(found, Outcome) else TracedSession(self._name, found)


class TracedSession:
    """An account's live connection."""

    def __init__(self, name: str, session: Session) -> None:
        self._name = name
        self._session = session

    @property
    def connected(self) -> bool:
        """Whether it lives."""
        return self._session.connected

    async def check_destination(self, destination: str) -> DestinationCheck | Outcome:
        """Look at the destination."""
        return await _traced(self._name, "check_destination", self._session.check_destination(destination))

    async def join(self, destination: str) -> Outcome | None:
        """Become a member of it."""
        return await _traced(self._name, "join", self._session.join(destination))

    async def find(self, person: Person) -> Found | Outcome:
        """Who the person is."""
        return await _traced(self._name, "find", self._session.find(person))

    async def add_contact(self, person: Person) -> Outcome:
        """Add the person to the contacts."""
        return await _traced(self._name, "add_contact", self._session.add_contact(person))

    async def requirements(self, people: Sequence[Person]) -> Mapping[int, Outcome | None]:
        """How these refuse messages."""
        return await _traced(self._name, "requirements", self._session.requirements(people))

    async def forward(self, person: Person, post: str, key: int) -> Outcome:
        """Forward a post."""
        return await _traced(self._name, "forward", self._session.forward(person, post, key))

    async def invite(self, person: Person, destination: str) -> Outcome:
        """Add the person to the destination."""
        return await _traced(self._name, "invite", self._session.invite(person, destination))

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        """Write to the person."""
        return await _traced(self._name, "send", self._session.send(person, text, key))

    async def is_member(self, person: Person, destination: str) -> bool | Outcome:
        """Whether the person is there."""
        return await _traced(self._name, "is_member", self._session.is_member(person, destination))

    async def members(self, people: Sequence[Person], destination: str) -> Mapping[int, bool] | Outcome:
        """Who of these is there."""
        return await _traced(self._name, "members", self._session.members(people, destination))

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        """No span: it is nobody's, and there are many."""
        await self._session.keep_alive(disconnect_after)

    async def close(self) -> None:
        """Disconnect."""
        await _traced(self._name, "close", self._session.close())


async def _traced(platform: str, request: str, answer: Awaitable[T]) -> T:
    about = {"platform": platform}
    with _tracer.start_as_current_span(f"{platform} {request}", kind=SpanKind.CLIENT, attributes=about) as span:
        answered = await answer
        if isinstance(answered, Outcome):
            span.set_attributes({"outcome": answered.kind.value, "reason": answered.reason.value})
        return answered


def _of_the_account(account_id: str) -> Context:
    """Tasks copy the context that they are begun in: the signing-in activity's ids would be told for ever after it."""
    made, owner = Context(), get_contextvars().get("owner")
    made.run(bind_contextvars, account_id=account_id, **({"owner": owner} if owner else {}))
    return made
