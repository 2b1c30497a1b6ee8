"""Requests of an application: never more within any second than the share, nor over all workers than the limit."""

import asyncio
import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.applications import FORGOTTEN_AFTER, SIGN_IN_PART, Applications, Pacer
from domain.account import LeaseTimes
from domain.application import SETTLING, WHOLE, Use
from domain.errors import Unavailable
from domain.limits import Limits
from domain.limits_file import parse
from storage.applications import ApplicationShares
from storage.engine import Database
from tests.activities.virtual_time import run

LONG = timedelta(days=1)
SECRET = b"x" * 32
APP = ("telegram", "5")
SECTION = """
[telegram]
gap = { shortest = "10s", longest = "15s" }
daily = { invite = 5, message = 4, message_with_link = 0, forward = 3, add_contact = 2, resolve = 9 }
limited_rests = ["24h"]
unavailable_rest = "1m"
"""


def limits(per_second: int | None = 30) -> Limits:
    return parse(SECTION if per_second is None else f"{SECTION}requests_per_second = {per_second}")


def most_in_a_second(moments: Sequence[float]) -> int:
    """The fullest of all seconds, each with its beginning and without its end."""
    moments = sorted(moments)
    return max((bisect_left(moments, at + 1.0) - place for place, at in enumerate(moments)), default=0)


def now() -> float:
    return asyncio.get_running_loop().time()


async def asks(pacer: Pacer, moments: list[float]) -> None:
    await pacer.turn(LONG)
    moments.append(now())


class TestPacer:
    @given(
        share=st.integers(WHOLE // 2, 40 * WHOLE),
        arrivals=st.lists(st.floats(0, 0.2), min_size=1, max_size=120),
        lateness=st.floats(0, 0.1),
        seed=st.integers(0, 1000),
    )
    @settings(max_examples=60, deadline=None)
    def test_no_second_holds_more_than_the_share(
        self, share: int, arrivals: list[float], lateness: float, seed: int
    ) -> None:
        async def main() -> list[float]:
            pacer, moments = Pacer(), []
            pacer.grant(share, 1e6)
            waiting = []
            for pause in arrivals:
                await asyncio.sleep(pause)
                waiting.append(asyncio.ensure_future(asks(pacer, moments)))
            await asyncio.gather(*waiting)
            return moments

        chance = random.Random(seed)
        moments = run(main(), lambda: chance.random() * lateness)
        assert len(moments) == len(arrivals)
        assert most_in_a_second(moments) <= max(share // WHOLE, 1)

    @given(
        shares=st.lists(st.tuples(st.integers(0, 40 * WHOLE), st.floats(0.01, 2.5)), min_size=1, max_size=8),
        lateness=st.floats(0, 0.05),
    )
    @settings(max_examples=60, deadline=None)
    def test_nor_while_the_share_changes_or_ends(self, shares: list[tuple[int, float]], lateness: float) -> None:
        async def main() -> tuple[list[float], list[tuple[float, int]]]:
            pacer, moments, changes = Pacer(), [], []

            async def always() -> None:
                while True:
                    await asks(pacer, moments)

            asking = [asyncio.ensure_future(always()) for _ in range(3)]
            for share, pause in shares:
                pacer.grant(share, now() + 1.5)
                changes.append((now(), pacer.most))
                await asyncio.sleep(pause)
            for each in asking:
                each.cancel()
            return moments, changes

        chance = random.Random(0)
        moments, changes = run(main(), lambda: chance.random() * lateness)
        for at in moments:
            within = [share for since, share in changes if since < at + 1.0]
            ended = [since for since, _ in changes if since <= at]
            allowed = max(share for share in within)
            assert sum(at <= each < at + 1.0 for each in moments) <= max(allowed // WHOLE, 1)
            assert at < ended[-1] + 1.5, "after its share's end"

    def test_they_go_in_order_and_evenly(self) -> None:
        async def main() -> list[float]:
            pacer, moments = Pacer(), []
            pacer.grant(10 * WHOLE, 1e6)
            await asyncio.gather(*(asks(pacer, moments) for _ in range(21)))
            return moments

        moments = run(main())
        assert moments[0] == SETTLING
        assert moments[-1] == pytest.approx(SETTLING + 2.0, abs=1e-3)

    def test_who_waits_too_long_is_told_and_the_others_go_on(self) -> None:
        async def main() -> list[float]:
            pacer, moments = Pacer(), []
            pacer.grant(1 * WHOLE, 1e6)
            hasty = [asyncio.ensure_future(pacer.turn(timedelta(seconds=3))) for _ in range(9)]
            await asyncio.wait(hasty)
            assert sum(isinstance(each.exception(), Unavailable) for each in hasty) == 7
            await asks(pacer, moments)
            return moments

        assert run(main()) == [pytest.approx(3.0, abs=0.01)]

    def test_without_a_share_everybody_waits_for_one(self) -> None:
        async def main() -> float:
            pacer, moments = Pacer(), []
            asking = asyncio.ensure_future(asks(pacer, moments))
            await asyncio.sleep(5)
            assert moments == []
            assert pacer.starves
            pacer.grant(WHOLE, 1e6)
            await asking
            return moments[0]

        assert run(main()) == 5 + SETTLING


class MemoryShares:
    """The `Shares` port as PostgreSQL keeps it, on the event loop's clock. `away`: it does not answer."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[int, float]] = {}
        self.away = False
        self.asked: list[str] = []

    async def take(self, holder: str, uses: Mapping[str, Use], length: timedelta) -> Mapping[str, int]:
        await asyncio.sleep(0.01)
        if self.away:
            raise Unavailable("the database")
        self.asked.append(holder)
        self.rows = {key: row for key, row in self.rows.items() if row[1] > now()}
        granted = {}
        for application, use in uses.items():
            others = [share for (app, who), (share, _) in self.rows.items() if app == application and who != holder]
            fair = use.most * WHOLE // (len(others) + 1)
            granted[application] = max(min(fair, use.most * WHOLE - sum(others)), 0)
            kept = min(use.used, self.rows.get((application, holder), (0, 0.0))[0])
            self.rows[application, holder] = (max(granted[application], kept), now() + length.total_seconds())
        await asyncio.sleep(0.01)
        return granted

    async def leave(self, holder: str) -> None:
        self.rows = {key: row for key, row in self.rows.items() if key[1] != holder}


class Worker:
    """A process whose accounts always have something to ask."""

    def __init__(self, shares: object, name: str, per_second: int | None = 30, times: LeaseTimes | None = None) -> None:
        self.applications = Applications(shares, lambda: limits(per_second), name, times or LeaseTimes(), SECRET)  # type: ignore[arg-type]
        self.moments: list[float] = []
        self.failed = 0
        self._tasks: list[asyncio.Future[None]] = []

    def start(self, at_once: int = 5) -> None:
        self._tasks = [asyncio.ensure_future(self.applications.keep())]
        self._tasks += [asyncio.ensure_future(self._asks()) for _ in range(at_once)]

    async def dies(self) -> None:
        """At once, without a word."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def rate(self, since: float, until: float) -> float:
        return sum(since <= at < until for at in self.moments) / (until - since)

    async def _asks(self) -> None:
        while True:
            try:
                await self.applications.request(*APP, timedelta(seconds=10))
                self.moments.append(now())
            except Unavailable:
                self.failed += 1


class TestWorkers:
    def test_one_alone_uses_all_of_it(self) -> None:
        async def main() -> Worker:
            worker = Worker(MemoryShares(), "one")
            worker.start()
            await asyncio.sleep(20)
            await worker.dies()
            return worker

        worker = run(main())
        assert most_in_a_second(worker.moments) == 30
        assert worker.moments[0] < SETTLING + 0.1, "it does not wait for the next renewal"
        assert worker.rate(5, 20) == pytest.approx(30, abs=0.1)

    def test_joining_leaving_and_dying_never_exceed_it(self) -> None:
        async def main() -> tuple[list[Worker], float]:
            shares = MemoryShares()
            workers = [Worker(shares, f"worker-{number}") for number in range(4)]
            for worker in workers[:3]:
                worker.start()
                await asyncio.sleep(8.3)
            await workers[0].dies()
            await asyncio.sleep(20)
            await workers[1].dies()
            await workers[1].applications.leave()
            workers[3].start()
            await asyncio.sleep(15)
            for worker in workers[2:]:
                await worker.dies()
            return workers, now()

        workers, end = run(main())
        assert most_in_a_second([at for worker in workers for at in worker.moments]) <= 30
        assert workers[0].rate(12, 16) == workers[1].rate(12, 16) == pytest.approx(15, abs=0.3)
        assert [worker.rate(21, 24) for worker in workers[:3]] == [pytest.approx(10, abs=0.4)] * 3
        assert workers[3].rate(end - 5, end) == pytest.approx(15, abs=0.3)
        assert sum(worker.failed for worker in workers) == 0

    def test_with_the_database_away_the_last_share_serves_its_time_and_then_nothing_is_asked(self) -> None:
        async def main() -> Worker:
            shares = MemoryShares()
            worker = Worker(shares, "one")
            worker.start()
            await asyncio.sleep(10)
            shares.away = True
            await asyncio.sleep(40)
            shares.away = False
            await asyncio.sleep(10)
            await worker.dies()
            return worker

        worker = run(main())
        assert worker.rate(10, 20) == pytest.approx(30, abs=0.1)
        assert worker.rate(10 + LeaseTimes().length.total_seconds(), 50) == 0
        assert worker.failed
        assert worker.rate(52, 60) == pytest.approx(30, abs=0.1)
        assert most_in_a_second(worker.moments) == 30

    def test_signing_in_leaves_room_for_those_that_work(self) -> None:
        async def main() -> float:
            worker = Worker(MemoryShares(), "one")
            worker.start(at_once=0)
            began = now()
            await asyncio.gather(*(worker.applications.sign_in(*APP) for _ in range(30)))
            await worker.dies()
            return now() - began

        assert run(main()) == pytest.approx(SETTLING + 29 / (30 // SIGN_IN_PART), abs=0.1)

    def test_without_a_limit_nobody_waits_or_asks(self) -> None:
        async def main() -> MemoryShares:
            shares = MemoryShares()
            worker = Worker(shares, "one", per_second=None)
            keeping = asyncio.ensure_future(worker.applications.keep())
            for _ in range(100):
                await worker.applications.sign_in(*APP)
                await worker.applications.request(*APP, timedelta(0))
            assert now() == 0
            await asyncio.sleep(10)
            keeping.cancel()
            return shares

        assert run(main()).asked == []

    def test_what_nobody_asks_for_is_left_to_the_others(self) -> None:
        async def main() -> tuple[int, int]:
            shares = MemoryShares()
            worker = Worker(shares, "one")
            worker.start(at_once=0)
            await worker.applications.request(*APP, LONG)
            held = len(shares.rows)
            await asyncio.sleep(FORGOTTEN_AFTER.total_seconds() + LeaseTimes().length.total_seconds() + 5)
            asked = len(shares.asked)
            await asyncio.sleep(60)
            await worker.dies()
            return held, len(shares.asked) - asked

        assert run(main()) == (1, 0)

    def test_applications_do_not_wait_for_each_other_and_have_no_names_that_say_something(self) -> None:
        async def main() -> MemoryShares:
            shares = MemoryShares()
            worker = Worker(shares, "one", per_second=1)
            worker.start(at_once=0)
            requests = [worker.applications.request("telegram", str(number), LONG) for number in range(50)]
            await asyncio.gather(*requests)
            assert now() < SETTLING + 0.5
            await worker.dies()
            return shares

        names = {application for application, _ in run(main()).rows}
        assert len(names) == 50
        assert all(len(name) == 64 for name in names)


QUICK = LeaseTimes(
    length=timedelta(milliseconds=600),
    renew_every=timedelta(milliseconds=100),
    disconnect_after=timedelta(milliseconds=300),
    closing_margin=timedelta(milliseconds=200),
)


async def test_two_holders_on_a_real_database(database_urls: Mapping[str, str]) -> None:
    """One is at work when the other joins; in the end one dies."""
    databases = [Database(database_urls["invite_worker"], pool_size=2) for _ in range(2)]
    one, other = (
        Worker(ApplicationShares(database), f"worker-{number}", per_second=60, times=QUICK)
        for number, database in enumerate(databases)
    )
    one.start(20)
    await asyncio.sleep(1.3)
    other.start(20)
    await asyncio.sleep(1.7)
    await one.dies()
    died_at = now()
    await asyncio.sleep(2.2)
    end = now()
    await other.dies()
    for database in databases:
        await database.close()
    assert most_in_a_second(one.moments + other.moments) <= 60
    assert max(one.moments) <= died_at
    assert 10 < other.rate(died_at - 0.5, died_at) <= 32
    assert other.rate(end - 0.3, end) > 35, "what the dead one had is the other's now"
    assert one.failed == other.failed == 0
