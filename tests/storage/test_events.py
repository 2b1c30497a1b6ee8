"""Events: one for each change of a campaign's state, written with it; and the deliveries that follow from them."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.campaign import Command, State
from domain.errors import NotFound
from domain.platform import Action
from domain.turn import Turn
from domain.webhooks import EventKind, Fault
from storage.campaigns import wish
from tests.storage.world import INVITED, OWNER, World, ref

URL = "https://example.com/hook"
SEED = b"seed"


async def webhook(world: World, *states: State) -> None:
    await world.events.set_webhook(OWNER, URL, states or list(State), SEED, world.now)


async def states(world: World, campaign: str) -> list[State | None]:
    return [each.state for each in await world.events.of(OWNER, UUID(campaign), 100)]


async def command(world: World, campaign: str, *commands: Command) -> None:
    for each in commands:
        await world.campaigns.command(OWNER, UUID(campaign), each, world.now)


async def invite_all(world: World, campaign: str) -> None:
    while isinstance(turn := await world.turns.begin(world.key(campaign, "a"), Action.INVITE, world.now), Turn):
        await world.turns.settle(turn.turn_id, ref("a"), {0: INVITED}, world.now)
        world.now += timedelta(minutes=1)


async def test_each_change_of_state_is_an_event_with_the_numbers_of_its_moment(world: World) -> None:
    campaign = await world.campaign(2)
    await command(world, campaign, Command.PAUSE, Command.PAUSE, Command.RESUME)
    await world.runs.review(OWNER, campaign, None, world.now)
    await world.runs.review(OWNER, campaign, None, world.now)
    await invite_all(world, campaign)
    await world.runs.review(OWNER, campaign, None, world.now)
    events = await world.events.of(OWNER, UUID(campaign), 100)
    assert [each.state for each in events] == [State.RUNNING, State.PAUSED, State.RUNNING, State.DONE]
    assert [each.numbers["processed"] for each in events if each.numbers] == [0, 0, 0, 2]
    assert [each.why for each in events][-1] == "ended"
    assert [each.no for each in events] == sorted({each.no for each in events})
    assert [each.no for each in await world.events.of(OWNER, UUID(campaign), 2)] == [each.no for each in events[2:]]


async def test_a_draft_its_failure_and_its_second_start_are_told(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    await command(world, campaign, Command.START)
    assert not await world.runs.fail(OWNER, campaign, world.now)
    await command(world, campaign, Command.START)
    await world.runs.review(OWNER, campaign, None, world.now)
    assert await states(world, campaign) == [State.DRAFT, State.RUNNING, State.FAILED, State.RUNNING]


async def test_a_campaign_told_to_end_is_told_again_at_its_end(world: World) -> None:
    campaign = await world.campaign(2)
    turn = await world.turns.begin(world.key(campaign, "a"), Action.INVITE, world.now)
    assert isinstance(turn, Turn)
    await command(world, campaign, Command.CANCEL)
    await world.runs.review(OWNER, campaign, None, world.now)
    await world.turns.settle(turn.turn_id, ref("a"), {0: INVITED}, world.now)
    await world.runs.review(OWNER, campaign, None, world.now)
    await world.runs.review(OWNER, campaign, None, world.now)
    told = [each for each in await world.events.of(OWNER, UUID(campaign), 9) if each.state is State.CANCELLED]
    assert [each.numbers["left"] for each in told if each.numbers] == [2, 0]
    assert [each.why == "ended" for each in told] == [False, True]


async def test_what_is_taken_back_is_not_told(world: World) -> None:
    campaign = await world.campaign(1)
    before = await states(world, campaign)

    async def changes_its_mind() -> None:
        async with world.api.owner(OWNER) as tx:
            await wish(tx, OWNER, UUID(campaign), Command.PAUSE, world.now)
            raise KeyError

    with pytest.raises(KeyError):
        await changes_its_mind()
    assert await states(world, campaign) == before


async def test_without_a_webhook_nothing_is_due(world: World) -> None:
    campaign = await world.campaign(1)
    assert not (await world.runs.review(OWNER, campaign, None, world.now)).news
    assert await world.deliveries.next(OWNER, campaign) is None
    assert await world.events.deliveries(OWNER, 9) == []
    with pytest.raises(NotFound):
        await world.events.ping(OWNER, world.now)
    with pytest.raises(NotFound):
        await world.events.remove_webhook(OWNER)


async def test_deliveries_are_in_order_and_the_first_holds_up_the_others(world: World) -> None:
    await webhook(world, State.PAUSED, State.RUNNING)
    campaign = await world.campaign(1)
    await command(world, campaign, Command.PAUSE)
    assert (await world.runs.review(OWNER, campaign, None, world.now)).news
    first = await world.deliveries.next(OWNER, campaign)
    assert first is not None
    assert (first.event.state, first.url, first.seed, first.tries) == (State.RUNNING, URL, SEED, 0)
    later = world.now + timedelta(minutes=5)
    await world.deliveries.failed(OWNER, first.event.no, Fault.REFUSED, 503, later, world.now)
    again = await world.deliveries.next(OWNER, campaign)
    assert again is not None
    assert (again.event, again.tries, again.due_at) == (first.event, 1, later)
    await world.deliveries.delivered(OWNER, first.event.no, 204, later)
    second = await world.deliveries.next(OWNER, campaign)
    assert second is not None
    assert second.event.state is State.PAUSED
    await world.deliveries.failed(OWNER, second.event.no, Fault.NO_ANSWER, None, None, later)
    assert await world.deliveries.next(OWNER, campaign) is None
    given_up, delivered = await world.events.deliveries(OWNER, 9)
    assert (delivered.tries, delivered.status, delivered.fault, delivered.delivered_at) == (2, 204, None, later)
    assert (given_up.fault, given_up.given_up_at, given_up.due_at) == (Fault.NO_ANSWER, later, None)


async def test_only_wanted_states_and_pings_are_delivered(world: World) -> None:
    await webhook(world, State.DONE)
    campaign = await world.campaign(1)
    await command(world, campaign, Command.PAUSE)
    assert not (await world.runs.review(OWNER, campaign, None, world.now)).news
    ping = await world.events.ping(OWNER, world.now)
    assert [each.kind for each in await world.events.deliveries(OWNER, 9)] == [EventKind.PING]
    due = await world.deliveries.next(OWNER, None)
    assert due is not None
    assert due.event == ping


async def test_a_new_url_is_tried_at_once_and_without_one_nothing_is(world: World) -> None:
    await webhook(world)
    campaign = await world.campaign(1)
    due = await world.deliveries.next(OWNER, campaign)
    assert due is not None
    await world.deliveries.failed(OWNER, due.event.no, Fault.REFUSED, 500, world.now + timedelta(hours=1), world.now)
    await webhook(world)
    again = await world.deliveries.next(OWNER, campaign)
    assert again is not None
    assert again.due_at == world.now
    await world.events.remove_webhook(OWNER)
    await webhook(world)
    assert await world.deliveries.next(OWNER, campaign) is None


async def test_late_is_whoever_waits_though_the_first_is_due(world: World) -> None:
    await webhook(world)
    late, waits = await world.campaign(1), await world.campaign(1)
    for campaign in (late, waits):
        await command(world, campaign, Command.PAUSE)
    due = await world.deliveries.next(OWNER, waits)
    assert due is not None
    hour = timedelta(hours=1)
    await world.deliveries.failed(OWNER, due.event.no, Fault.REFUSED, 500, world.now + hour, world.now)
    await world.events.ping(OWNER, world.now)
    moment = world.now + timedelta(seconds=1)
    found = [each.campaign_id for each in await world.housekeeping.late_deliveries(moment, 9)]
    assert sorted(found, key=str) == sorted([late, None], key=str)
    assert await world.housekeeping.late_deliveries(world.now, 9) == []
