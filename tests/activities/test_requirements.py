"""Questions about those who are next, in one request; nobody is touched for it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from activities.requirements import AHEAD, LOOK_AGAIN, REMEMBERED_FOR, Requirements
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.recipient import Person
from tests.activities.fakes import OTHER, REF, FakeSession, Journal

CAMPAIGN = "campaign-1"
PREMIUM = Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM)
PEOPLE = [Person(position, username=f"person_{position}") for position in range(9)]


class Bench:
    """A session that counts its questions, a queue, and a clock."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self.session = FakeSession(REF.account_id, Journal(), refusals={2: PREMIUM})
        self.queue: list[Person] = []
        self.looks = 0
        self.away = False
        self.requirements = Requirements(lambda: self.moment)

    async def of(self, position: int, ref=REF, campaign: str = CAMPAIGN, *, together=()) -> Outcome | None:
        return await self.requirements.of(ref, campaign, PEOPLE[position], self.session, together, self.ahead)

    async def ahead(self, at_most: int) -> Sequence[Person]:
        assert at_most == AHEAD
        self.looks += 1
        if self.away:
            raise Unavailable("the database")
        return self.queue

    def passes(self, time: timedelta) -> None:
        self.moment += time.total_seconds()

    def asked(self) -> list[int]:
        """About whom, since the last look."""
        asked = [position for _, position in self.session.asked]
        self.session.asked.clear()
        return asked


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.queue = PEOPLE[1:4]
    return bench


async def test_those_who_are_next_are_asked_about_in_the_same_request(bench: Bench) -> None:
    assert await bench.of(0) is None
    assert bench.asked() == [0, 1, 2, 3]
    assert [await bench.of(position) for position in (1, 2, 3)] == [None, PREMIUM, None]
    assert bench.asked() == []


async def test_who_is_not_remembered_is_asked_about_alone(bench: Bench) -> None:
    await bench.of(0)
    bench.asked()
    assert await bench.of(5) is None
    assert (bench.asked(), bench.looks) == ([5], 1)


async def test_of_whom_nothing_was_told_is_asked_about_in_their_own_turn(bench: Bench) -> None:
    bench.session.strangers = frozenset({2})
    await bench.of(0)
    bench.asked()
    bench.session.strangers = frozenset()
    assert await bench.of(2) == PREMIUM
    assert bench.asked() == [2]


async def test_a_turn_of_several_asks_once(bench: Bench) -> None:
    bench.queue = []
    turn = PEOPLE[:3]
    assert [await bench.of(each.position, together=turn) for each in turn] == [None, None, PREMIUM]
    assert bench.asked() == [0, 1, 2]


async def test_it_looks_ahead_again_after_a_while(bench: Bench) -> None:
    await bench.of(0)
    bench.asked()
    bench.passes(LOOK_AGAIN)
    bench.queue = PEOPLE[6:8]
    await bench.of(5)
    assert bench.asked() == [5, 6, 7]


async def test_what_was_told_is_forgotten_in_time(bench: Bench) -> None:
    await bench.of(0)
    bench.asked()
    bench.passes(REMEMBERED_FOR + timedelta(seconds=1))
    bench.queue = []
    assert await bench.of(2) == PREMIUM
    assert bench.asked() == [2]
    assert len(bench.requirements._told) == 1


async def test_other_accounts_and_campaigns_ask_themselves(bench: Bench) -> None:
    for ref, campaign in ((REF, CAMPAIGN), (OTHER, CAMPAIGN), (REF, "campaign-2")):
        await bench.of(0, ref, campaign)
        assert bench.asked() == [0, 1, 2, 3]


async def test_without_a_database_the_person_alone_is_asked_about(bench: Bench) -> None:
    bench.away = True
    assert await bench.of(2) == PREMIUM
    assert bench.asked() == [2]


async def test_nobody_is_asked_about_twice_in_one_request(bench: Bench) -> None:
    bench.queue = PEOPLE[:3]
    await bench.of(1)
    assert bench.asked() == [1, 0, 2]
