"""Two campaigns on the same accounts: who gives way says so as long as it lasts, and is told when it is over."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.audience import Contact
from domain.campaign import Command, Phase
from domain.platform import Identifier
from domain.policy import PATIENCE, GiveWay
from domain.review import Review
from domain.standing import Rest
from domain.terms import HIGHEST, LOWEST, Terms
from domain.why import Why
from storage.campaigns import Edit
from tests.storage.world import FAST, GAP, INVITED, OWNER, SECOND, World, make_limits

PHONES = [Contact(phone=f"+4930123{n:04}") for n in range(9)]
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


class TestLookUps:
    """A higher campaign that waits for look-ups alone: by names; the lower one knows its people by phone."""

    async def test_who_waits_for_look_ups_holds_nobody_up_who_needs_none_of_them(self, world: World) -> None:
        world.limits = make_limits(names=1)
        high = await world.campaign(9, terms=HIGH)
        low = await world.campaign(PHONES, terms=LOW, reaches=[Identifier.PHONE])
        await world.act(high, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(high), Rest)
        assert await world.act(low, INVITED) == 0

    async def test_nor_are_its_look_ups_taken_when_they_come_back(self, world: World) -> None:
        world.limits = make_limits(names=1)
        high, low = await world.campaign(9, terms=HIGH), await world.campaign(9, terms=LOW)
        await world.act(high, INVITED)
        world.now += GAP
        rest = await world.begin(high)
        assert isinstance(rest, Rest)
        assert rest.until is not None
        world.now = rest.until
        assert isinstance(await world.begin(low), GiveWay)
        assert await world.act(high, INVITED) == 1

    async def test_a_claim_on_other_budgets_than_before_frees(self, world: World) -> None:
        world.limits = make_limits(names=2)
        high = await world.campaign(9, terms=HIGH)
        low = await world.campaign(PHONES, terms=LOW, reaches=[Identifier.PHONE])
        await world.act(high, INVITED)
        assert isinstance(await world.begin(low), GiveWay)
        assert (await review(world, high)).freed == []
        await world.act(high, INVITED)
        world.now += GAP
        assert isinstance(await world.begin(high), Rest), "it waits for look-ups, and claims no more than those"
        assert (await review(world, high)).freed == [low]
        assert (await review(world, low)).wake == ["a"]


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
