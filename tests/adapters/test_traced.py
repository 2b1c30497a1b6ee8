"""A traced platform: the same answers, a span for each request, and connections that log nothing of who signed in."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from structlog.contextvars import bound_contextvars, get_contextvars

from adapters.dry_run import DryRunAdapter, DryRunSession
from adapters.registry import adapters, platform
from adapters.traced import TracedAdapter, TracedSession
from domain.account import Credentials
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import DRY_RUN
from domain.ports import AddressBook, always
from domain.recipient import Person
from tests.adapters.book import MemoryBook
from tests.adapters.contract import AdapterContract, Bench
from tests.traces import Told, told

ANNA = Person(position=0, username="anna_k")


class TestTraced(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return Bench(
            adapter=TracedAdapter(DRY_RUN, adapters()[DRY_RUN]),
            credentials={},
            destination="club",
            unknown_destination="nowhere",
            person=ANNA,
            nobody=Person(1),
            joined=lambda: 0,
            delivered=lambda: 0,
            contacts=lambda: 0,
            lookups=lambda: 0,
        )


class Living(DryRunAdapter):
    """Its connections have a task that lives as long as they do, as Telethon's have."""

    def __init__(self) -> None:
        super().__init__(platform("telegram").capabilities)
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[tuple[dict[str, Any], bool]]] = []

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool] = always,
    ) -> DryRunSession:
        self.tasks.append(asyncio.create_task(self._lives()))
        return await super().connect(account_id, credentials, proxy, book, still)

    async def _lives(self) -> tuple[dict[str, Any], bool]:
        """What its lines would carry: ids, and whether a trace's."""
        await self.go.wait()
        return get_contextvars(), trace.get_current_span().get_span_context().is_valid


@pytest.fixture
def spans() -> Iterator[Told]:
    with told() as found:
        yield found


async def test_what_outlives_the_activity_carries_the_account_alone(spans: Told) -> None:
    adapter = Living()
    with (
        trace.get_tracer("tests").start_as_current_span("open_account"),
        bound_contextvars(owner="o", account_id="a1", campaign_id="c1", workflow_id="w", activity="open_account"),
    ):
        await TracedAdapter("telegram", adapter).connect("a1", {}, None, MemoryBook())
    adapter.go.set()
    assert await adapter.tasks[0] == ({"owner": "o", "account_id": "a1"}, False)
    [call] = spans.named("telegram connect")
    assert spans.way(call) == ["open_account", "telegram connect"]


async def test_signing_in_ends_when_it_is_cancelled() -> None:
    class Slow(Living):
        async def connect(self, *_: Any, **__: Any) -> DryRunSession:
            try:
                await asyncio.sleep(60)
            finally:
                self.go.set()
            raise AssertionError

    adapter = Slow()
    signing_in = asyncio.create_task(TracedAdapter("telegram", adapter).connect("a1", {}, None, MemoryBook()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    signing_in.cancel()
    with pytest.raises(asyncio.CancelledError):
        await signing_in
    assert adapter.go.is_set()


async def test_a_call_tells_what_was_answered_and_not_of_whom(spans: Told) -> None:
    class Platform(DryRunSession):
        async def invite(self, person: Person, destination: str) -> Outcome:
            if destination == "@away":
                raise Unavailable(f"{destination} with {person.username}")
            return Outcome(Kind.REFUSED, Reason.PRIVACY)

    session = TracedSession("telegram", Platform(platform("telegram").capabilities))
    with trace.get_tracer("tests").start_as_current_span("turn"):
        await session.invite(ANNA, "@club")
        with pytest.raises(Unavailable):
            await session.invite(ANNA, "@away")
    refused, away = spans.named("telegram invite")
    assert refused.attributes == {"platform": "telegram", "outcome": "refused", "reason": "privacy"}
    assert away.attributes == {"platform": "telegram", "error.type": "domain.errors.Unavailable"}
    assert (away.status.status_code, away.status.description) == (StatusCode.ERROR, None)
    assert "anna" not in refused.to_json() + away.to_json()
