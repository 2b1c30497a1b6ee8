"""Leases on the real PostgreSQL, by its clock: never two holders."""

import asyncio
import random
from datetime import timedelta
from itertools import pairwise

import pytest

from domain.account import HeldElsewhere, Lease
from domain.errors import NotFound
from domain.platform import DRY_RUN
from tests.storage.world import OWNER, World, known, ref

LONG = timedelta(hours=1)
SHORT = timedelta(milliseconds=150)


@pytest.fixture(autouse=True)
async def accounts(world: World) -> None:
    for owner in (OWNER, "boris"):
        await world.accounts.know(owner, "telegram", [known("a"), known("b")], world.now)


async def acquire(world: World, holder: str = "w1", length: timedelta = LONG, name: str = "a") -> Lease | HeldElsewhere:
    return await world.accounts.acquire(ref(name), holder, f"queue-{holder}", length)


async def take(world: World, holder: str = "w1", length: timedelta = LONG, name: str = "a") -> Lease:
    lease = await acquire(world, holder, length, name)
    assert isinstance(lease, Lease)
    return lease


async def clock(world: World) -> object:
    [row] = await world.query("SELECT clock_timestamp() AS now")
    return row["now"]


async def wait_for(world: World, holder: str, length: timedelta = LONG) -> Lease:
    """As a run does: wait as long as it is told, and ask again."""
    while True:
        found = await acquire(world, holder, length)
        if isinstance(found, Lease):
            return found
        await asyncio.sleep(found.remaining.total_seconds())


async def test_one_holds_and_the_others_are_told_by_whom_and_how_long(world: World) -> None:
    lease = await take(world)
    assert (lease.ref, lease.holder, lease.queue, lease.fence) == (ref("a"), "w1", "queue-w1", 1)
    held = await acquire(world, "w2")
    assert isinstance(held, HeldElsewhere)
    assert held.queue == "queue-w1"
    assert LONG - timedelta(minutes=5) < held.remaining <= LONG
    assert (await take(world, "w2", name="b")).fence == 1


async def test_only_what_another_let_end_is_taken_over(world: World) -> None:
    lease = await take(world, "w1")
    assert not lease.taken_over
    await world.accounts.release(lease)
    assert not (await take(world, "w2", SHORT)).taken_over, "it was given up"
    assert not (await take(world, "w2", SHORT)).taken_over, "it was its own"
    assert (await wait_for(world, "w1")).taken_over


async def test_an_account_that_was_never_known_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await acquire(world, name="nobody")
    with pytest.raises(NotFound):
        await world.accounts.acquire(ref("a", "somebody else"), "w1", "q", LONG)


async def test_owners_and_dry_runs_have_leases_of_their_own(world: World) -> None:
    await world.accounts.know(OWNER, DRY_RUN, [known("a")], world.now)
    await take(world, "w1")
    assert isinstance(await world.accounts.acquire(ref("a", "boris"), "w2", "q", LONG), Lease)
    assert isinstance(await acquire(world, "w3"), HeldElsewhere)
    refs = await world.query("SELECT * FROM account WHERE lease_holder IS NOT NULL")
    assert {(row["owner"], row["adapter"]) for row in refs} == {(OWNER, "telegram"), ("boris", "telegram")}


async def test_the_fence_grows_with_every_holder_and_every_time(world: World) -> None:
    fences = []
    for holder in ("w1", "w1", "w2", "w1"):
        lease = await take(world, holder)
        fences.append(lease.fence)
        if holder != "w1" or len(fences) > 1:
            await world.accounts.release(lease)
    assert all(earlier < later for earlier, later in pairwise(fences))


async def test_of_many_who_ask_at_once_one_is_given_it(world: World) -> None:
    answers = await asyncio.gather(*(acquire(world, f"w{n}") for n in range(24)))
    leases = [each for each in answers if isinstance(each, Lease)]
    assert len(leases) == 1
    assert all(each.queue == leases[0].queue for each in answers)


async def test_never_two_holders_while_many_race(world: World) -> None:
    holding: list[str] = []
    fences: list[int] = []
    dice = random.Random(1)

    async def worker(holder: str) -> None:
        won = 0
        while won < 4:
            lease = await acquire(world, holder)
            if not isinstance(lease, Lease):
                continue
            assert not holding, f"{holder} beside {holding}"
            holding.append(holder)
            fences.append(lease.fence)
            if dice.random() < 0.5:
                assert await world.accounts.renew([lease], LONG) == {ref("a")}
            holding.remove(holder)
            await world.accounts.release(lease)
            won += 1

    await asyncio.gather(*(worker(f"w{n}") for n in range(8)))
    assert len(fences) == 32
    assert all(earlier < later for earlier, later in pairwise(fences))


async def test_it_is_taken_over_at_its_end_and_not_before(world: World) -> None:
    await take(world, "w1", SHORT)
    ends = (await world.account("a"))["lease_until"]
    early = 0
    while True:
        asked = await clock(world)
        found = await acquire(world, "w2")
        if isinstance(found, Lease):
            break
        early += 1
        assert asked <= ends, "it had ended before it was asked for"
        assert found.remaining <= SHORT
    assert early
    assert await clock(world) > ends
    assert found.fence == 2


async def test_what_is_renewed_in_time_stays_and_what_has_ended_stays_ended(world: World) -> None:
    lease = await take(world, "w1", SHORT)
    assert await world.accounts.renew([lease], LONG) == {ref("a")}
    held = await acquire(world, "w2")
    assert isinstance(held, HeldElsewhere)
    assert held.remaining > SHORT
    assert await world.accounts.renew([lease], SHORT) == {ref("a")}
    taken = await wait_for(world, "w2")
    before = await world.everything()
    assert await world.accounts.renew([lease], LONG) == frozenset()
    await world.accounts.release(lease)
    assert await world.everything() == before
    assert await world.accounts.renew([taken], LONG) == {ref("a")}


async def test_an_ended_lease_cannot_be_renewed_though_nobody_took_it(world: World) -> None:
    lease = await take(world)
    await world.end_lease("a")
    assert await world.accounts.renew([lease], LONG) == frozenset()
    assert isinstance(await acquire(world, "w2"), Lease)


async def test_many_are_renewed_at_once_over_owners(world: World) -> None:
    mine, second = await take(world), await take(world, name="b")
    theirs = await world.accounts.acquire(ref("a", "boris"), "w1", "q", LONG)
    assert isinstance(theirs, Lease)
    await world.accounts.release(second)
    renewed = await world.accounts.renew([theirs, second, mine], 2 * LONG)
    assert renewed == {mine.ref, theirs.ref}
    rows = await world.query("SELECT owner FROM account WHERE lease_until > clock_timestamp() + interval '1h'")
    assert sorted(row["owner"] for row in rows) == [OWNER, "boris"]


async def test_an_older_fence_of_the_same_holder_neither_renews_nor_releases(world: World) -> None:
    old = await take(world)
    new = await take(world)
    assert await world.accounts.renew([old], LONG) == frozenset()
    await world.accounts.release(old)
    assert isinstance(await acquire(world, "w2"), HeldElsewhere)
    await world.accounts.release(new)
    assert isinstance(await acquire(world, "w2"), Lease)
