"""A post that an account cannot forward: nobody is failed for it, and when no account can, the campaign waits."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.campaign import Command, Phase
from domain.forecast import Unknown
from domain.message import Message
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget
from domain.standing import Rest
from domain.why import EndedBy, Why, ended_by
from storage.campaigns import Edit, NewMessage
from tests.storage.world import FLOOD, GAP, HOUR, INVITED, OWNER, PRIVACY, World

POST, OTHER_POST = "https://t.me/news/12", "https://t.me/news/13"
FORWARDED = Outcome(Kind.FORWARDED)
UNSEEN = Outcome(Kind.CONTENT, Reason.POST_UNAVAILABLE)
EVERYBODY = [(0, "message", []), (1, "message", [])]


async def forwarding(world: World, *accounts: str, people: int = 2) -> str:
    return await world.campaign(people, accounts=accounts, action=Action.MESSAGE, post=POST)


async def forwards(world: World, campaign: str, outcome: Outcome, account: str = "a") -> int:
    return await world.act(campaign, outcome, account, Action.MESSAGE)


async def stands(world: World, campaign: str) -> tuple[Phase, Why]:
    """Where the campaign's workflow finds it; its query and its status must say the same."""
    snapshot = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot
    view = await world.view(campaign)
    assert (snapshot.state, snapshot.why) == (view.state.value, view.why)
    return view.phase, view.why


async def edited(world: World, campaign: str, post: str) -> None:
    message = NewMessage(Message((), post), Budget.FORWARD, ())
    await world.campaigns.edit(OWNER, UUID(campaign), Edit(message=message), world.now)


STUCK = (Phase.WAITING, Why.POST_UNAVAILABLE)
RUNNING = (Phase.RUNNING, Why.WORKING)


async def test_the_campaign_waits_for_its_owner_and_nobody_is_failed(world: World) -> None:
    campaign = await forwarding(world, "a")
    await forwards(world, campaign, UNSEEN)
    assert await world.queue(campaign) == EVERYBODY
    world.now += GAP
    assert await world.begin(campaign, "a", Action.MESSAGE) == Rest(None, Why.POST_UNAVAILABLE)
    assert await stands(world, campaign) == STUCK
    assert ended_by(Why.POST_UNAVAILABLE) is EndedBy.OWNER
    assert (await world.view(campaign)).expected is Unknown.HELD
    assert set((await world.recipients(campaign)).values()) == {(None, None)}
    world.now += 100 * HOUR
    assert await stands(world, campaign) == STUCK, "it waits however long that takes"
    await world.check(campaign)


async def test_another_post_ends_the_wait_at_once(world: World) -> None:
    campaign = await forwarding(world, "a")
    await forwards(world, campaign, UNSEEN)
    world.now += GAP
    await world.begin(campaign, "a", Action.MESSAGE)
    await stands(world, campaign)
    await edited(world, campaign, OTHER_POST)
    review = await world.runs.review(OWNER, campaign, None, world.now)
    assert (review.snapshot.why, review.wake) == (Why.WORKING, ["a"])
    assert [await forwards(world, campaign, FORWARDED) for _ in range(2)] == [0, 1]
    assert (await stands(world, campaign))[0] is Phase.DONE
    await world.check(campaign)


async def test_a_resume_tries_the_same_post_again(world: World) -> None:
    campaign = await forwarding(world, "a")
    await forwards(world, campaign, UNSEEN)
    await stands(world, campaign)
    resumed = await world.command(campaign, Command.RESUME)
    assert await stands(world, campaign) == RUNNING
    assert await world.command(campaign, Command.RESUME) == replace(resumed, **await acknowledged(world, campaign))
    assert await forwards(world, campaign, UNSEEN) == 0
    assert await stands(world, campaign) == STUCK
    await world.command(campaign, Command.PAUSE)
    await world.command(campaign, Command.RESUME)
    assert await stands(world, campaign) == RUNNING


async def test_one_that_cannot_see_the_post_leaves_it_to_the_others(world: World) -> None:
    campaign = await forwarding(world, "a", "b")
    await forwards(world, campaign, UNSEEN, "a")
    assert await stands(world, campaign) == RUNNING
    world.now += GAP
    assert await world.begin(campaign, "a", Action.MESSAGE) == Rest(None, Why.POST_UNAVAILABLE)
    await forwards(world, campaign, FLOOD, "b")
    assert await world.queue(campaign) == [(1, "message", []), (0, "message", ["b"])]
    world.now += HOUR
    assert [await forwards(world, campaign, FORWARDED, "b") for _ in range(2)] == [1, 0], "none but it is able"
    assert (await stands(world, campaign))[0] is Phase.DONE
    await world.check(campaign)


async def test_when_none_can_see_it_the_campaign_waits(world: World) -> None:
    campaign = await forwarding(world, "a", "b")
    for account in "ab":
        assert await stands(world, campaign) == RUNNING
        assert await forwards(world, campaign, UNSEEN, account) == 0
    assert await stands(world, campaign) == STUCK
    assert await world.queue(campaign) == EVERYBODY


async def test_an_answer_about_the_post_of_before_says_nothing_of_the_present_one(world: World) -> None:
    campaign = await forwarding(world, "a")
    turn = await world.turn(campaign, "a", Action.MESSAGE)
    assert await world.mark(turn, campaign)
    await edited(world, campaign, OTHER_POST)
    await world.settle(turn, UNSEEN)
    assert await stands(world, campaign) == RUNNING
    assert await forwards(world, campaign, FORWARDED) == 0


async def test_invites_go_on_while_the_messages_wait(world: World) -> None:
    campaign = await world.campaign(2, post=POST, fallback=True)
    await world.act(campaign, PRIVACY)
    await world.act(campaign, PRIVACY)
    await world.do("UPDATE queue SET action = 'invite', instead = false WHERE position = 1")
    await forwards(world, campaign, UNSEEN)
    assert await world.act(campaign, INVITED) == 1
    assert await stands(world, campaign) == STUCK


async def test_a_contact_of_one_that_cannot_forward_is_left_to_the_others(world: World) -> None:
    campaign = await forwarding(world, "a", "b")
    await forwards(world, campaign, UNSEEN, "a")
    await world.do("UPDATE queue SET bound_to = 'a' WHERE position = 0")
    await stands(world, campaign)
    assert await forwards(world, campaign, FORWARDED, "b") == 0


@pytest.mark.parametrize("test", [True, False])
async def test_a_test_message_is_there_to_tell_of_it(world: World, test: bool) -> None:
    campaign = await forwarding(world, "a", people=1)
    await world.do("UPDATE campaign SET test = %s", test)
    await forwards(world, campaign, UNSEEN)
    outcome = (await world.recipients(campaign))[0]
    assert outcome == (("failed", "post_unavailable") if test else (None, None))


async def acknowledged(world: World, campaign: str) -> dict[str, object]:
    """What a review writes of a campaign that its owner did not change."""
    view = await world.view(campaign)
    return {name: getattr(view, name) for name in ("acknowledged_no", "phase", "why", "since", "until")}
