"""Shares of an application: whatever holders do, and whoever is silent, they never exceed the limit together."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.application import WHOLE, Use
from storage.applications import ApplicationShares
from storage.engine import Database
from tests.storage.world import World

LONG = timedelta(hours=1)
APP, OTHER_APP = "app", "other-app"


@pytest.fixture
async def shares(world: World) -> ApplicationShares:
    return ApplicationShares(world.worker)


async def take(shares: ApplicationShares, holder: str, used: int = 0, most: int = 30, length: timedelta = LONG) -> int:
    return (await shares.take(holder, {APP: Use(used, most)}, length))[APP]


async def written(world: World, application: str = APP) -> dict[str, int]:
    rows = await world.query("SELECT holder, share FROM application_share WHERE application = %s", application)
    return {row["holder"]: row["share"] for row in rows}


async def test_one_alone_has_all(shares: ApplicationShares) -> None:
    assert await take(shares, "one") == 30 * WHOLE
    assert await take(shares, "one", used=30 * WHOLE) == 30 * WHOLE


async def test_a_newcomer_gets_what_has_been_given_up(shares: ApplicationShares) -> None:
    await take(shares, "one")
    assert await take(shares, "two") == 0
    assert await take(shares, "one", used=30 * WHOLE) == 15 * WHOLE
    assert await take(shares, "two") == 0, "the first does not say yet that it uses less"
    assert await take(shares, "one", used=15 * WHOLE) == 15 * WHOLE
    assert await take(shares, "two") == 15 * WHOLE


async def test_who_leaves_or_falls_silent_makes_room(shares: ApplicationShares, world: World) -> None:
    await take(shares, "one", length=timedelta(milliseconds=100))
    assert await take(shares, "two") == 0
    await asyncio.sleep(0.12)
    assert await take(shares, "two") == 30 * WHOLE
    await shares.leave("two")
    assert await written(world) == {}
    assert await take(shares, "three") == 30 * WHOLE


async def test_who_comes_back_after_its_time_has_no_claim_to_what_it_used(shares: ApplicationShares) -> None:
    await take(shares, "one", length=timedelta(milliseconds=100))
    await asyncio.sleep(0.12)
    assert await take(shares, "two") == 30 * WHOLE
    assert await take(shares, "one", used=30 * WHOLE) == 0
    assert await take(shares, "two", used=30 * WHOLE) == 15 * WHOLE


async def test_more_holders_than_requests_have_a_trickle_each(shares: ApplicationShares) -> None:
    used = dict.fromkeys(map(str, range(40)), 0)
    for _ in range(3):
        for holder in used:
            used[holder] = await take(shares, holder, used[holder])
    assert set(used.values()) == {30 * WHOLE // 40}


async def test_applications_are_apart(shares: ApplicationShares, world: World) -> None:
    await take(shares, "one")
    assert await shares.take("two", {APP: Use(0, 30), OTHER_APP: Use(0, 7)}, LONG) == {APP: 0, OTHER_APP: 7 * WHOLE}
    assert await written(world, OTHER_APP) == {"two": 7 * WHOLE}


async def test_a_lowered_limit_is_kept_when_everybody_has_asked(shares: ApplicationShares, world: World) -> None:
    one, two = 0, 0
    for most in (30, 30, 30, 10, 10, 10):
        one = await take(shares, "one", one, most)
        two = await take(shares, "two", two, most)
    assert (one, two) == (5 * WHOLE, 5 * WHOLE)
    assert sum((await written(world)).values()) == 10 * WHOLE


async def test_a_holder_that_is_stopped_in_the_middle_does_not_stop_the_others(
    shares: ApplicationShares, world: World, database_urls: Mapping[str, str]
) -> None:
    stopped = Database(database_urls["invite_worker"], pool_size=1)
    transaction = stopped.housekeeping()
    tx = await transaction.__aenter__()
    await tx.exec_driver_sql("SELECT take_shares('stopped', '{app}', '{0}', '{30}', interval '1 hour')")
    assert await take(shares, "other") == 30 * WHOLE, "what it has not committed is not its own"
    await stopped.close()


@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["asks", "hears", "leaves", "is cut off"])), max_size=25
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_used_never_exceeds_the_limit(shares: ApplicationShares, steps: list[tuple[str, str]]) -> None:
    """`asks`: the answer is on its way, and the old share still used. `is cut off`: the answer never comes."""
    for holder in "abc":
        await shares.leave(holder)
    using, answers = dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    for holder, step in steps:
        if step in ("asks", "is cut off"):
            answer = await take(shares, holder, using[holder])
            answers[holder] = answer if step == "asks" else using[holder]
        elif step == "hears":
            using[holder] = answers[holder]
        else:
            await shares.leave(holder)
            using[holder] = answers[holder] = 0
        assert sum(using.values()) <= 30 * WHOLE
