"""The accounts of a process: at most one connection each, kept by leases, closed in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.open_accounts import OpenAccounts, SignIn
from domain.account import AccountRef, HeldElsewhere, Lease, LeaseTimes, NoRoom
from domain.errors import LeaseLost, Unavailable
from domain.outcome import Kind, Outcome, Reason
from tests.activities.fakes import (
    ADAPTER,
    ELSEWHERE_QUEUE,
    HERE,
    HERE_QUEUE,
    OTHER,
    OWNER,
    REF,
    FakeAdapter,
    FakeBook,
    FakeLeases,
    FakeSession,
    Journal,
)

CAMPAIGN, OTHER_CAMPAIGN = "campaign-1", "campaign-2"
THIRD = AccountRef(OWNER, ADAPTER, "account-3")
SIGN_IN = SignIn({"session": "secret"})
PATIENCE = timedelta(seconds=5)
QUICK = LeaseTimes(
    length=timedelta(milliseconds=1000),
    renew_every=timedelta(milliseconds=50),
    disconnect_after=timedelta(milliseconds=400),
    closing_margin=timedelta(milliseconds=500),
)
LONG = timedelta(minutes=5)


class House:
    """A process's accounts with what is around them."""

    def __init__(self, times: LeaseTimes = QUICK, idle_close: timedelta = LONG, most: int = 1000) -> None:
        self.journal = Journal()
        self.leases = FakeLeases(self.journal)
        self.adapter = FakeAdapter(self.journal)
        self.taken_over: list[str] = []
        self.open = OpenAccounts(
            {ADAPTER: self.adapter},
            self.leases,
            HERE,
            HERE_QUEUE,
            times,
            idle_close,
            FakeBook,
            most,
            self.taken_over.append,
        )

    async def sign_in(self, ref=REF, user: str = CAMPAIGN) -> tuple[Lease, FakeSession]:
        lease = await self.open.lease(ref, user)
        assert isinstance(lease, Lease)
        assert await self.open.connect(ref, SIGN_IN) is None
        return lease, self.adapter.latest

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        keeping = asyncio.ensure_future(self.open.keep())
        try:
            yield
            assert not keeping.done(), keeping
        finally:
            keeping.cancel()


@pytest.fixture
def house() -> House:
    return House()


async def eventually(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE.total_seconds()
    while not condition():
        assert time.monotonic() < ends, "did not come true"
        await asyncio.sleep(0.002)


class TestOpening:
    async def test_the_lease_comes_before_the_connection_and_the_platforms_timer_after_it(self, house: House) -> None:
        await house.sign_in()
        assert house.journal == ["lease account-1", "connect account-1", "ping account-1"]

    async def test_an_account_that_another_process_lost_is_told_of(self, house: House) -> None:
        await house.sign_in(OTHER)
        house.leases.takes_over(REF)
        house.leases.moment += timedelta(hours=2)
        await house.open.lease(REF, CAMPAIGN)
        await house.open.lease(REF, OTHER_CAMPAIGN)
        assert house.taken_over == [ADAPTER]

    async def test_an_account_that_is_held_elsewhere_is_not_connected(self, house: House) -> None:
        house.leases.takes_over(REF)
        held = await house.open.lease(REF, CAMPAIGN)
        assert isinstance(held, HeldElsewhere)
        assert held.queue == ELSEWHERE_QUEUE
        with pytest.raises(LeaseLost):
            await house.open.connect(REF, SIGN_IN)
        assert house.adapter.sessions == []

    async def test_two_campaigns_at_once_connect_once(self, house: House) -> None:
        leases = await asyncio.gather(*(house.sign_in(user=f"campaign-{number}") for number in range(5)))
        assert len({lease.fence for lease, _ in leases}) == 1
        assert house.journal.count("connect account-1") == 1

    async def test_each_account_has_an_address_book_of_its_own(self, house: House) -> None:
        await house.sign_in()
        await house.sign_in(OTHER)
        assert [book.ref for book in house.adapter.books if isinstance(book, FakeBook)] == [REF, OTHER]

    async def test_a_refusal_is_an_answer(self, house: House) -> None:
        house.adapter.refusal = Outcome(Kind.BLOCKED, Reason.BANNED)
        await house.open.lease(REF, CAMPAIGN)
        assert await house.open.connect(REF, SIGN_IN) == house.adapter.refusal
        assert not house.open.is_connected(REF)

    async def test_a_session_is_had_under_its_fence_only(self, house: House) -> None:
        lease, session = await house.sign_in()
        assert house.open.session(REF, lease.fence) is session
        with pytest.raises(LeaseLost):
            house.open.session(REF, lease.fence + 1)
        with pytest.raises(LeaseLost):
            house.open.session(OTHER, lease.fence)

    async def test_a_broken_session_is_replaced_never_connected_again(self, house: House) -> None:
        lease, session = await house.sign_in()
        session.connected = False
        with pytest.raises(LeaseLost):
            house.open.session(REF, lease.fence)
        again, new = await house.sign_in()
        assert again == lease
        assert new is not session
        assert session.closed
        assert house.journal.index("closed account-1") < len(house.journal) - 1 - house.journal[::-1].index(
            "connect account-1"
        )

    async def test_a_lease_that_is_lost_while_signing_in_closes_the_new_client(self, house: House) -> None:
        house.adapter.gate = asyncio.Event()
        await house.open.lease(REF, CAMPAIGN)
        connecting = asyncio.ensure_future(house.open.connect(REF, SIGN_IN))
        await eventually(lambda: "connect account-1" in house.journal)
        house.leases.takes_over(REF)
        async with house.kept():
            await eventually(lambda: house.leases.renewals > 0 and not house.open.is_leased(REF))
        house.adapter.gate.set()
        with pytest.raises(LeaseLost):
            await connecting
        assert house.adapter.latest.closed

    async def test_a_client_that_is_being_connected_is_closed_before_its_lease_is_given_up(self, house: House) -> None:
        house.adapter.gate = asyncio.Event()
        await house.open.lease(REF, CAMPAIGN)
        connecting = asyncio.ensure_future(house.open.connect(REF, SIGN_IN))
        await eventually(lambda: "connect account-1" in house.journal)
        await house.open.close(REF)
        assert REF in house.leases.held
        house.adapter.gate.set()
        with pytest.raises(LeaseLost):
            await connecting
        assert house.journal[-3:] == ["closing account-1", "closed account-1", "release account-1"]

    async def test_the_account_may_be_signed_in_only_while_its_lease_outlives_the_platforms_timer(
        self, house: House
    ) -> None:
        """Stopped while it connects, a process must not use the key when it goes on: somebody else may have it."""
        house.adapter.gate = asyncio.Event()
        await house.open.lease(REF, CAMPAIGN)
        connecting = asyncio.ensure_future(house.open.connect(REF, SIGN_IN))
        await eventually(lambda: bool(house.adapter.still))
        assert house.adapter.still[0]()
        await asyncio.sleep((QUICK.length - QUICK.disconnect_after).total_seconds() + 0.01)
        assert not house.adapter.still[0]()
        house.adapter.refusal = Unavailable("the platform")
        house.adapter.gate.set()
        with pytest.raises(LeaseLost):
            await connecting

    async def test_nobody_signs_in_again_before_the_old_client_is_closed(self, house: House) -> None:
        """Closing takes a moment; two connections with one key would destroy the session for good."""
        lease, session = await house.sign_in()
        session.closing = asyncio.Event()
        closing = asyncio.ensure_future(house.open.close(REF))
        await eventually(lambda: "closing account-1" in house.journal)
        again = asyncio.ensure_future(house.sign_in(user=OTHER_CAMPAIGN))
        for _ in range(20):  # turns of the loop: enough for it to sign in, if it did not wait
            await asyncio.sleep(0)
        assert not again.done()
        session.closing.set()
        await closing
        new_lease, new = await again
        assert new.connected
        assert new_lease.fence > lease.fence
        assert house.open.session(REF, new_lease.fence) is new
        assert house.leases.held[REF].lease == new_lease


class TestKeeping:
    async def test_each_renewal_is_followed_by_the_platforms_timer(self, house: House) -> None:
        await house.sign_in()
        async with house.kept():
            await eventually(lambda: house.leases.renewals >= 3)
            await eventually(lambda: house.adapter.latest.pings >= 4)
        assert house.journal[3:9] == ["renew", "ping account-1"] * 3

    async def test_a_lost_lease_closes_the_client_at_once(self, house: House) -> None:
        lease, session = await house.sign_in()
        _, other = await house.sign_in(OTHER)
        house.leases.takes_over(REF)
        async with house.kept():
            await eventually(lambda: session.closed)
        assert session.pings == 1
        assert not other.closed
        with pytest.raises(LeaseLost):
            house.open.session(REF, lease.fence)
        assert house.leases.held[REF].lease.holder != HERE

    async def test_what_cannot_be_renewed_is_closed_before_the_lease_ends(self, house: House) -> None:
        began = time.monotonic()
        lease, session = await house.sign_in()
        house.leases.away = True
        async with house.kept():
            await eventually(lambda: session.closed)
        took = time.monotonic() - began
        assert (QUICK.length - QUICK.closing_margin).total_seconds() <= took < QUICK.length.total_seconds()
        assert session.pings == 1
        with pytest.raises(LeaseLost):
            house.open.session(REF, lease.fence)

    async def test_nor_does_a_driver_that_takes_its_time_to_be_cancelled(self, house: House) -> None:
        """As psycopg does with a server that is stopped."""
        began = time.monotonic()
        _, session = await house.sign_in()

        async def stubborn(*_: object) -> frozenset[object]:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(2 * QUICK.length.total_seconds())
            return frozenset()

        house.leases.renew = house.leases.release = stubborn  # type: ignore[method-assign,assignment]
        async with house.kept():
            await eventually(lambda: session.closed)
        assert time.monotonic() - began < QUICK.length.total_seconds()

    async def test_a_database_that_hangs_does_not_keep_the_client_open(self, house: House) -> None:
        began = time.monotonic()
        _, session = await house.sign_in()
        house.leases.slow = asyncio.Event()
        async with house.kept():
            await eventually(lambda: session.closed)
        assert time.monotonic() - began < QUICK.length.total_seconds()

    async def test_a_failure_that_passes_closes_nothing(self, house: House) -> None:
        _, session = await house.sign_in()
        house.leases.away = True
        async with house.kept():
            await asyncio.sleep(0)
            house.leases.away = False
            await eventually(lambda: session.pings >= 3)
        assert not session.closed

    async def test_a_late_ping_is_never_sent(self, house: House) -> None:
        """Stopped between the renewal and the ping: the platform's timer would outlive the lease."""
        _, session = await house.sign_in()
        stopped_for = (QUICK.length - QUICK.disconnect_after).total_seconds() + 0.01

        def stop_the_process() -> None:
            house.leases.after_renewal = None
            time.sleep(stopped_for)

        house.leases.after_renewal = stop_the_process
        async with house.kept():
            await eventually(lambda: session.closed)
        assert session.pings == 1

    async def test_a_connection_that_broke_is_not_pinged_into_life(self, house: House) -> None:
        lease, session = await house.sign_in()
        session.ping_error = Unavailable("Telegram")
        async with house.kept():
            await eventually(lambda: not session.connected)
        with pytest.raises(LeaseLost):
            house.open.session(REF, lease.fence)

    async def test_an_ended_lease_is_no_right_to_act(self, house: House) -> None:
        """Nobody keeps it here: by the process's own clock its time is over."""
        lease, _ = await house.sign_in()

        def refused() -> bool:
            try:
                house.open.session(REF, lease.fence)
            except LeaseLost:
                return True
            return False

        await eventually(refused)


class TestRoom:
    async def full(self, **rests: timedelta | None) -> House:
        """A process with room for two, which two accounts have."""
        house = House(most=2)
        await house.sign_in()
        await house.sign_in(OTHER)
        for name, rest in rests.items():
            house.open.rests(REF if name == "first" else OTHER, CAMPAIGN, rest)
        return house

    async def test_an_account_that_rests_gives_way_client_first_then_lease(self) -> None:
        house = await self.full(first=timedelta(minutes=2))
        begun = len(house.journal)
        await house.sign_in(THIRD)
        assert house.journal[begun:] == [
            *("lease account-3", "closing account-1", "closed account-1", "release account-1"),
            *("connect account-3", "ping account-3"),
        ]
        assert house.leases.held.keys() == {OTHER, THIRD}

    async def test_of_those_that_rest_the_one_that_was_used_last_stays(self) -> None:
        house = await self.full(first=None, second=None)
        house.open.session(REF, 1)
        await house.sign_in(THIRD)
        assert house.leases.held.keys() == {REF, THIRD}

    @pytest.mark.parametrize("rest", [timedelta(0), timedelta(seconds=30)])
    async def test_who_is_at_work_or_rests_for_a_moment_keeps_its_client(self, rest: timedelta) -> None:
        house = await self.full(first=rest, second=rest)
        begun = len(house.journal)
        assert await house.open.lease(THIRD, CAMPAIGN) == NoRoom()
        assert house.journal[begun:] == ["lease account-3", "release account-3"]

    async def test_who_is_in_a_turn_keeps_its_client(self) -> None:
        house = await self.full(first=None)
        async with house.open.turn(REF):
            assert await house.open.lease(THIRD, CAMPAIGN) == NoRoom()
        assert isinstance(await house.open.lease(THIRD, CAMPAIGN), Lease)

    async def test_an_account_rests_when_all_its_campaigns_do(self) -> None:
        house = await self.full(first=None)
        await house.open.lease(REF, OTHER_CAMPAIGN)
        assert await house.open.lease(THIRD, CAMPAIGN) == NoRoom()
        house.open.rests(REF, OTHER_CAMPAIGN, None)
        assert isinstance(await house.open.lease(THIRD, CAMPAIGN), Lease)

    async def test_who_goes_back_to_work_keeps_its_client(self) -> None:
        house = await self.full(first=None)
        await house.open.lease(REF, CAMPAIGN)
        assert await house.open.lease(THIRD, CAMPAIGN) == NoRoom()

    async def test_who_is_being_signed_in_keeps_its_place(self) -> None:
        house = await self.full(first=None)
        house.adapter.latest.connected = False
        house.adapter.gate = asyncio.Event()
        house.open.rests(OTHER, CAMPAIGN, None)
        signing_in = asyncio.ensure_future(house.open.connect(OTHER, SIGN_IN))
        await eventually(lambda: house.journal.count("connect account-2") == 2)
        assert isinstance(await house.open.lease(THIRD, CAMPAIGN), Lease)
        assert house.leases.held.keys() == {OTHER, THIRD}
        house.adapter.gate.set()
        assert await signing_in is None

    async def test_nobody_gives_way_for_an_account_that_is_held_elsewhere(self) -> None:
        house = await self.full(first=None)
        house.leases.takes_over(THIRD)
        assert isinstance(await house.open.lease(THIRD, CAMPAIGN), HeldElsewhere)
        assert house.leases.held.keys() == {REF, OTHER, THIRD}

    async def test_who_has_a_place_elsewhere_is_sent_there_by_a_full_process_too(self) -> None:
        house = await self.full()
        house.leases.takes_over(THIRD)
        held = await house.open.lease(THIRD, CAMPAIGN)
        assert isinstance(held, HeldElsewhere)
        assert held.queue == ELSEWHERE_QUEUE

    async def test_there_are_never_more_than_may_be(self) -> None:
        """Many newcomers at once, two that rest: two come in, the others are told, and hold no lease."""
        house = await self.full(first=None, second=None)
        newcomers = [AccountRef(OWNER, ADAPTER, f"new-{number}") for number in range(9)]
        answers = await asyncio.gather(*(house.open.lease(ref, CAMPAIGN) for ref in newcomers))
        assert sum(isinstance(answer, Lease) for answer in answers) == 2
        assert answers.count(NoRoom()) == 7
        assert len(house.leases.held) == 2

    async def test_what_has_no_connection_of_its_own_needs_no_room(self) -> None:
        house = await self.full()
        house.adapter.capabilities = replace(house.adapter.capabilities, connects=False)
        assert isinstance(await house.open.lease(THIRD, CAMPAIGN), Lease)

    async def test_who_gave_way_comes_back_as_a_newcomer(self) -> None:
        house = await self.full(first=None)
        await house.sign_in(THIRD)
        with pytest.raises(LeaseLost):
            house.open.turn(REF)
        assert await house.open.lease(REF, CAMPAIGN) == NoRoom()
        await house.open.close(THIRD, CAMPAIGN)
        lease, session = await house.sign_in()
        assert lease.fence > 1
        assert session.connected


class TestClosing:
    async def test_it_stays_open_until_its_last_user_lets_go(self, house: House) -> None:
        _, session = await house.sign_in(user=CAMPAIGN)
        await house.sign_in(user=OTHER_CAMPAIGN)
        await house.open.close(REF, CAMPAIGN)
        await house.open.close(REF, CAMPAIGN)
        assert not session.closed
        await house.open.close(REF, OTHER_CAMPAIGN)
        assert session.closed
        assert REF not in house.leases.held

    async def test_the_client_is_closed_before_the_lease_is_given_up(self, house: House) -> None:
        await house.sign_in()
        await house.open.close(REF)
        assert house.journal[-3:] == ["closing account-1", "closed account-1", "release account-1"]

    async def test_closing_what_is_not_open_is_nothing(self, house: House) -> None:
        await house.open.close(REF)
        await house.open.close(REF, CAMPAIGN)
        assert house.journal == []

    async def test_the_end_of_the_process_gives_all_up(self, house: House) -> None:
        await house.sign_in()
        await house.sign_in(OTHER)
        await house.open.close_all()
        assert all(session.closed for session in house.adapter.sessions)
        assert house.leases.held == {}

    async def test_a_database_that_is_away_does_not_keep_clients_open(self, house: House) -> None:
        _, session = await house.sign_in()
        house.leases.away = True
        await house.open.close_all()
        assert session.closed

    async def test_what_nobody_used_for_long_is_closed_but_not_while_it_acts(self) -> None:
        house = House(idle_close=timedelta(milliseconds=30))
        _, session = await house.sign_in()
        _, other = await house.sign_in(OTHER)
        async with house.open.turn(REF), house.kept():
            await eventually(lambda: other.closed)
            assert not session.closed
        async with house.kept():
            await eventually(lambda: session.closed)
