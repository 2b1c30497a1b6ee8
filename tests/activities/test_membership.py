"""Looks at members: few at once, between turns, and nothing is lost where no answer comes."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.membership import ACCOUNTS_AT_ONCE, Looked, Looker, MembershipActivities
from activities.open_accounts import OpenAccounts, SignIn
from domain.account import AccountRef, Lease, LeaseTimes
from domain.errors import DatabaseAway, Unavailable
from domain.membership import DueLooks, ToLookFor
from domain.outcome import Kind, Outcome, Reason
from domain.recipient import Person
from tests.activities.fakes import (
    ADAPTER,
    HERE,
    HERE_QUEUE,
    OTHER,
    OWNER,
    REF,
    START,
    FakeAccountStore,
    FakeAdapter,
    FakeBook,
    FakeClock,
    FakeLeases,
    FakeSession,
    Journal,
)

TOWN = "town"


def sought(*positions: int, campaign: str = "campaign-1") -> ToLookFor:
    return ToLookFor(campaign, TOWN, [Person(position, username=f"person_{position}") for position in positions])


class FakeLooks:
    """The stores of looks. `waiting`: whom the account is to look for, one look after another."""

    def __init__(self) -> None:
        self.due_now: list[DueLooks] = []
        self.asked_for: tuple[datetime, int] | None = None
        self.waiting: list[ToLookFor] = []
        self.written: list[tuple[str, Mapping[int, bool]]] = []
        self.handed_over: list[AccountRef] = []
        self.away = False

    async def due_looks(self, now: datetime, at_most: int) -> list[DueLooks]:
        self.asked_for = (now, at_most)
        return self.due_now

    async def due(self, ref: AccountRef, now: datetime) -> ToLookFor | None:
        if self.away:
            raise DatabaseAway("OperationalError")
        return self.waiting[0] if self.waiting else None

    async def seen(self, ref: AccountRef, sought: ToLookFor, told: Mapping[int, bool], now: datetime) -> None:
        self.written.append((sought.campaign_id, told))
        self.waiting.remove(sought)

    async def hand_over(self, ref: AccountRef, now: datetime) -> None:
        self.handed_over.append(ref)


class Bench:
    def __init__(self, time_box: timedelta = timedelta(seconds=30)) -> None:
        self.journal = Journal()
        self.adapter = FakeAdapter(self.journal)
        self.open = OpenAccounts(
            {ADAPTER: self.adapter},
            FakeLeases(self.journal),
            HERE,
            HERE_QUEUE,
            LeaseTimes(),
            timedelta(minutes=5),
            FakeBook,
        )
        self.looks, self.accounts, self.clock = FakeLooks(), FakeAccountStore(), FakeClock()
        self.activities = MembershipActivities(self.open, self.looks, self.looks, self.accounts, self.clock, time_box)
        self.temporal = ActivityEnvironment()
        self.fence = 0

    async def sign_in(self) -> FakeSession:
        lease = await self.open.lease(REF, "membership")
        assert isinstance(lease, Lease)
        assert await self.open.connect(REF, SignIn({})) is None
        self.fence = lease.fence
        return self.adapter.latest

    async def look(self) -> Looked:
        looker = Looker(OWNER, ADAPTER, REF.account_id, self.fence)
        return await self.temporal.run(self.activities.look_for_members, looker)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
async def session(bench: Bench) -> FakeSession:
    return await bench.sign_in()


async def test_who_can_look_is_named_and_of_the_others_the_people_are_handed_over(bench: Bench) -> None:
    bench.looks.due_now = [DueLooks(REF, able=True), DueLooks(OTHER, able=False)]
    assert await bench.temporal.run(bench.activities.due_lookers) == [Looker(OWNER, ADAPTER, REF.account_id)]
    assert bench.looks.handed_over == [OTHER]
    assert bench.looks.asked_for == (START, ACCOUNTS_AT_ONCE)


async def test_look_after_look_until_nobody_is_left(bench: Bench, session: FakeSession) -> None:
    bench.looks.waiting = [sought(1, 2), sought(3), sought(4, campaign="campaign-2")]
    session.found = [{1: True, 2: False}, {3: True}]
    assert await bench.look() == Looked(4, ("campaign-1", "campaign-2"))
    assert bench.looks.written == [
        ("campaign-1", {1: True, 2: False}),
        ("campaign-1", {3: True}),
        ("campaign-2", {}),
    ]
    assert session.calls == [("members", (1, 2), TOWN), ("members", (3,), TOWN), ("members", (4,), TOWN)]


async def test_no_longer_than_the_time_box() -> None:
    bench = Bench(time_box=timedelta(0))
    session = await bench.sign_in()
    bench.looks.waiting = [sought(1)]
    assert await bench.look() == Looked(0)
    assert session.calls == []


async def test_never_in_the_middle_of_a_turn(bench: Bench, session: FakeSession) -> None:
    bench.looks.waiting = [sought(1)]
    async with bench.open.turn(REF):
        looking = asyncio.ensure_future(bench.look())
        await asyncio.sleep(0.05)
        assert session.calls == []
    await looking
    assert len(session.calls) == 1


async def test_a_turn_that_waits_comes_before_the_next_look(bench: Bench, session: FakeSession) -> None:
    bench.looks.waiting = [sought(1), sought(2)]
    session.gate = asyncio.Event()
    looking = asyncio.ensure_future(bench.look())
    async with asyncio.timeout(5):
        while not session.calls:
            await asyncio.sleep(0.001)

    async def turn() -> int:
        async with bench.open.turn(REF):
            return len(session.calls)

    acting = asyncio.ensure_future(turn())
    await asyncio.sleep(0)
    session.gate.set()
    assert await acting == 1
    assert (await looking).people == 2


@pytest.mark.parametrize("error", [Unavailable("Telegram"), None])
async def test_without_an_answer_they_are_looked_for_in_a_later_round(
    bench: Bench, session: FakeSession, error: Exception | None
) -> None:
    bench.looks.waiting = [sought(1), sought(2)]
    if error is None:  # the account is held elsewhere by now
        bench.fence -= 1
    else:
        session.found = [{1: True}, error]
    assert (await bench.look()).people == len(bench.looks.written) == (0 if error is None else 1)
    assert bench.accounts.refusals == []


async def test_a_wait_rests_the_account_and_nothing_is_written(bench: Bench, session: FakeSession) -> None:
    wait = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(seconds=40))
    bench.looks.waiting, session.found = [sought(1)], [wait]
    assert await bench.look() == Looked(0)
    assert (bench.accounts.refusals, bench.looks.written, session.closed) == ([wait], [], False)


async def test_a_block_closes_it_and_is_told(bench: Bench, session: FakeSession) -> None:
    bench.looks.waiting, session.found = [sought(1), sought(2)], [{}, Outcome(Kind.BLOCKED, Reason.FROZEN)]
    assert await bench.look() == Looked(1, ("campaign-1",), blocked=Reason.FROZEN)
    assert session.closed


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_our_database_away_is_no_answer_at_all(bench: Bench, session: FakeSession, when: str) -> None:
    bench.looks.waiting, bench.looks.away = [sought(1)], when == "before"
    session.found = [DatabaseAway("OperationalError")]
    with pytest.raises(DatabaseAway):
        await bench.look()
    assert (bench.looks.written, bench.accounts.refusals) == ([], [])
