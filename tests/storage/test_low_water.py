"""Where the lanes of a queue begin: nobody who waits is ever below the mark, whoever comes back when."""

import asyncio

from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action
from storage import low_water
from storage.engine import together
from tests.storage.world import GAP, INVITED, NOT_ADMIN, OWNER, PRIVACY, World


async def marks(world: World, campaign: str) -> dict[tuple[str, str], int]:
    rows = await world.query("SELECT action, lane, seq FROM queue_low WHERE campaign_id = %s", campaign)
    return {(row["action"], row["lane"]): row["seq"] for row in rows}


async def below(world: World) -> int:
    """How many wait below their lane's mark."""
    [row] = await world.query(
        "SELECT count(*) AS n FROM queue q JOIN queue_low low USING (campaign_id, action, lane) WHERE q.seq < low.seq"
    )
    return int(row["n"])


async def test_a_review_raises_the_mark_to_the_first_who_waits(world: World) -> None:
    campaign = await world.campaign(5)
    for _ in range(3):
        await world.act(campaign, INVITED)
    await world.runs.review(OWNER, campaign, None, world.now)
    assert (await marks(world, campaign))["invite", "username"] == 3
    assert await world.act(campaign, INVITED) == 3


async def test_who_goes_back_to_a_place_below_lowers_it(world: World) -> None:
    campaign = await world.campaign(3)
    world.now += GAP
    turn = await world.turn(campaign)
    await world.runs.review(OWNER, campaign, None, world.now)
    assert (await marks(world, campaign))["invite", "username"] == 1
    await world.settle(turn, None)
    assert await below(world) == 0
    assert await world.act(campaign, INVITED) == 0


async def test_who_comes_into_an_empty_lane_is_found(world: World) -> None:
    campaign = await world.campaign(2, fallback=True)
    await world.runs.review(OWNER, campaign, None, world.now)
    await world.act(campaign, PRIVACY)
    await world.act(campaign, PRIVACY)
    await world.runs.review(OWNER, campaign, None, world.now)
    assert [await world.act(campaign, INVITED, action=Action.MESSAGE) for _ in range(2)] == [0, 1]
    step = await world.campaign(1, accounts=("b",), add_contact_first=True)
    await world.runs.review(OWNER, step, None, world.now)
    await world.act(step, Outcome(Kind.CONTACT_ADDED), "b", Action.ADD_CONTACT)
    assert await below(world) == 0
    assert await world.act(step, INVITED, "b") == 0


async def test_no_mark_rises_past_those_who_are_on_their_way_back(world: World) -> None:
    """Two go back; the one with the lower place commits last, and a review comes in between."""
    campaign = await world.campaign(1)
    await world.act(campaign, Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER))  # at the tail
    async with world.worker.owner(OWNER) as tx:
        await together(tx, low_water.going_back(campaign))
        review = asyncio.create_task(world.runs.review(OWNER, campaign, None, world.now))
        done, _ = await asyncio.wait([review], timeout=0.5)
        assert not done
    await review
    assert await below(world) == 0


async def test_in_any_order_nobody_is_below_a_mark(world: World) -> None:
    campaign = await world.campaign(12, accounts=("a", "b", "c"), fallback=True)
    outcomes = [INVITED, PRIVACY, NOT_ADMIN, Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER), None]

    async def work(account: str, number: int) -> None:
        for step in range(6):
            turn = await world.begin(campaign, account)
            if hasattr(turn, "attempts"):
                await world.settle(turn, outcomes[(step + number) % len(outcomes)], account)  # type: ignore[arg-type]

    async def review() -> None:
        for _ in range(10):
            await world.runs.review(OWNER, campaign, None, world.now)

    for _ in range(3):
        world.now += 10 * GAP
        await asyncio.gather(review(), *(work(name, number) for number, name in enumerate("abc")))
        assert await below(world) == 0
        await world.check(campaign)
