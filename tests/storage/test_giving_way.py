"""Two campaigns on the same accounts: who gives way says so as long as it lasts, and is told when it is over."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.campaign import Command, Phase
from domain.policy import PATIENCE, GiveWay
from domain.review import Review
from domain.terms import HIGHEST, LOWEST, Terms
from domain.why import Why
from storage.campaigns import Edit
from tests.storage.world import FAST, GAP, INVITED, OWNER, SECOND, World

LOW, HIGH = replace(FAST, priority=LOWEST), replace(FAST, priority=HIGHEST)


@pytest.fixture
async def low(world: World) -> str:
    campaign = await world.campaign(9, accounts=["a", "b"], terms=LOW)
    await review(world, campaign)
    return campaign


@pytest.fixture
async def high(world: World, low: str) -> str:
    """It has acted with both accounts, and the low one has given way with both."""
    campaign = await world.campaign(9, accounts=["a", "b"], terms=HIGH)
    await review(world, campaign)
    for account in ("a", "b"):
        await world.act(campaign, INVITED, account)
    for account in ("a", "b"):
        assert isinstance(await world.begin(low, account), GiveWay)
    return campaign


async def review(world: World, campaign: str) -> Review:
    return await world.runs.review(OWNER, campaign, None, world.now)


async def stands(world: World, campaign: str) -> tuple[Phase, Why, str | None]:
    await review(world, campaign)
    view = await world.view(campaign)
    return view.phase, view.why, None if view.to_campaign is None else str(view.to_campaign)


async def edit(world: World, campaign: str, terms: Terms | None = None, accounts: list[str] | None = None) -> None:
    await world.campaigns.edit(OWNER, UUID(campaign), Edit(terms, account_ids=accounts), world.now)


class TestGivingWay:
    async def test_it_says_to_whom(self, world: World, low: str, high: str) -> None:
        assert await stands(world, low) == (Phase.WAITING, Why.GIVES_WAY, high)
        for line in (await review(world, low)).snapshot.accounts:
            assert (line.why, line.to, line.state) == (Why.GIVES_WAY, high, "working")

    async def test_it_says_so_as_long_as_the_higher_one_is_at_it(self, world: World, low: str, high: str) -> None:
        """Its runs look again when the claim that they saw is over: another one stands by then."""
        ends = world.now + GAP + PATIENCE
        while world.now < ends + SECOND:
            for account in ("a", "b"):
                await world.act(high, INVITED, account)
            assert await stands(world, low) == (Phase.WAITING, Why.GIVES_WAY, high)
            assert (await review(world, low)).wake == []

    async def test_it_goes_on_by_itself_when_the_higher_one_is_stuck(self, world: World, low: str, high: str) -> None:
        found = await review(world, low)
        assert found.look_at is not None
        assert found.look_at <= world.now + GAP + PATIENCE
        world.now += GAP + PATIENCE
        assert await stands(world, low) == (Phase.RUNNING, Why.WORKING, None)
        assert await world.act(low, INVITED, "a") == 0


class TestFreed:
    async def test_not_while_the_higher_one_has_the_accounts(self, world: World, low: str, high: str) -> None:
        assert (await review(world, high)).freed == []

    async def test_when_it_is_paused(self, world: World, low: str, high: str) -> None:
        await world.command(high, Command.PAUSE)
        assert (await review(world, high)).freed == [low]
        assert (await review(world, low)).wake == ["a", "b"]

    async def test_when_one_account_is_taken_out_of_it(self, world: World, low: str, high: str) -> None:
        await edit(world, high, accounts=["b"])
        await world.begin(high, "a")
        assert (await review(world, high)).freed == [low]
        assert (await review(world, low)).wake == ["a"]
        assert await stands(world, low) == (Phase.RUNNING, Why.WORKING, None)

    async def test_when_its_priority_is_not_higher_any_more(self, world: World, low: str, high: str) -> None:
        await edit(world, high, replace(HIGH, priority=LOWEST))
        for account in ("a", "b"):
            await world.act(high, INVITED, account)
        assert (await review(world, high)).freed == [low]
        assert (await review(world, low)).wake == ["a", "b"]

    async def test_once(self, world: World, low: str, high: str) -> None:
        """What has gone on needs not be told again."""
        await world.command(high, Command.PAUSE)
        for account in ("a", "b"):
            await world.act(low, INVITED, account)
        assert (await review(world, high)).freed == []

    async def test_not_what_its_owner_has_paused(self, world: World, low: str, high: str) -> None:
        await world.command(low, Command.PAUSE)
        await world.command(high, Command.PAUSE)
        assert (await review(world, high)).freed == []

    async def test_not_while_another_higher_one_has_the_accounts(self, world: World, low: str, high: str) -> None:
        third = await world.campaign(9, accounts=["a", "b"], terms=HIGH)
        for account in ("a", "b"):
            await world.act(third, INVITED, account)
        await world.command(high, Command.PAUSE)
        assert (await review(world, high)).freed == []
