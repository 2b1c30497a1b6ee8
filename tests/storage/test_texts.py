"""The words of a turn: the same for every retry, another than the account's last ones where there are others."""

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import pytest

from domain.audience import Contact
from domain.message import Message, write
from domain.outcome import Kind, Outcome
from domain.platform import Action, Budget
from domain.policy import Act, Rest, Waiting
from domain.recipient import Person
from domain.turn import Turn
from domain.why import Why
from storage import texts as words
from tests.storage.world import GAP, INVITED, LEASE, MESSAGED, PRIVACY, UNCERTAIN, World, make_limits

FORWARDED = Outcome(Kind.FORWARDED)
TWO = ("one", "two")
POST = "https://t.me/news/12"


async def mailing(world: World, people: int | Sequence[Contact] = 8, **wishes: object) -> str:
    return await world.campaign(people, action=Action.MESSAGE, **({"texts": TWO} | wishes))  # type: ignore[arg-type]


async def message_turn(world: World, campaign: str, account: str = "a", turn_id: str | None = None) -> Turn:
    world.now += GAP
    return await world.turn(campaign, account, Action.MESSAGE, turn_id)


async def sent(world: World, campaign: str, account: str = "a") -> str:
    """The text of one whole turn."""
    turn = await message_turn(world, campaign, account)
    assert await world.mark(turn, campaign, account)
    await world.settle(turn, MESSAGED, account)
    return turn.attempts[0].text


async def edited(world: World, campaign: str, *texts: str, post: str = "") -> None:
    """As the owner edits them: the API writes the campaign, and keeps what the new revision says."""
    await world.do(
        "UPDATE campaign SET texts = %s, post = %s, revision = revision + 1 WHERE id = %s", list(texts), post, campaign
    )
    async with world.api.owner("anna") as tx:
        await words.keep(tx, UUID(campaign))


async def test_a_retry_has_the_same_text(world: World) -> None:
    campaign = await mailing(world, texts=["{a|b|c} {d|e|f} {{username}}"])
    first = await message_turn(world, campaign, turn_id="t1")
    again = await message_turn(world, campaign, turn_id="t1")
    assert again.attempts == first.attempts
    assert first.attempts[0].text.endswith("person_0")
    assert first.attempts[0].text not in repr(first)


async def test_the_account_never_says_the_same_twice_running(world: World) -> None:
    campaign = await mailing(world, 30)
    said = [await sent(world, campaign) for _ in range(30)]
    assert said in ([*TWO] * 15, [*TWO[::-1]] * 15)


async def test_nor_over_two_campaigns(world: World) -> None:
    campaigns = [await mailing(world), await mailing(world)]
    said = [await sent(world, campaigns[number % 2]) for number in range(12)]
    assert all(one != other for one, other in pairwise(said))


async def test_what_was_drawn_and_not_sent_does_not_count(world: World) -> None:
    campaign = await mailing(world)
    first = await sent(world, campaign)
    for _ in range(3):
        unsent = await message_turn(world, campaign)
        assert unsent.attempts[0].text != first
        await world.settle(unsent, None)
    assert await sent(world, campaign) != first


async def test_what_may_have_been_sent_counts(world: World) -> None:
    campaign = await mailing(world)
    turn = await message_turn(world, campaign)
    assert await world.mark(turn, campaign)
    await world.settle(turn, UNCERTAIN)
    assert await sent(world, campaign) != turn.attempts[0].text


async def test_accounts_do_not_mind_each_other(world: World) -> None:
    campaign = await mailing(world, accounts=("a", "b"))
    said = [await sent(world, campaign, account) for account in "aabbabba"]
    by_account = {
        name: [text for text, account in zip(said, "aabbabba", strict=True) if account == name] for name in "ab"
    }
    assert all(one != other for own in by_account.values() for one, other in pairwise(own))


async def test_with_one_text_it_is_said_again(world: World) -> None:
    campaign = await mailing(world, texts=["only this"])
    assert [await sent(world, campaign) for _ in range(3)] == ["only this"] * 3


async def test_a_retry_says_what_its_own_revision_said_also_after_a_hand_over(world: World) -> None:
    campaign = await mailing(world)
    turn = await message_turn(world, campaign, turn_id="t1")
    assert await world.mark(turn, campaign)
    await edited(world, campaign, "three", "four")
    await world.end_lease("a")
    await world.lease("a", LEASE, holder="w2")
    again = await message_turn(world, campaign, turn_id="another-run")
    assert (again.turn_id, again.attempts[0].text) == ("t1", turn.attempts[0].text)
    await world.settle(again, MESSAGED)
    assert await sent(world, campaign) in ("three", "four")


async def test_a_retry_of_a_text_is_no_forward_though_the_campaign_forwards_now(world: World) -> None:
    campaign = await mailing(world)
    turn = await message_turn(world, campaign, turn_id="t1")
    await edited(world, campaign, post=POST)
    again = await message_turn(world, campaign, turn_id="t1")
    assert (again.post, again.attempts) == ("", turn.attempts)
    await world.settle(again, MESSAGED)
    assert (await message_turn(world, campaign)).post == POST


async def test_a_revision_that_changed_no_text_needs_no_record(world: World) -> None:
    campaign = await mailing(world)
    await world.do("UPDATE campaign SET revision = revision + 7 WHERE id = %s", campaign)
    assert await sent(world, campaign) in TWO


async def test_values_of_hostile_files_stay_values(world: World) -> None:
    hostile = Contact("anna", first_name="{a|b} {{username}}", fields={"Город": "x\n\u202e{{first_name}}"})
    campaign = await mailing(world, [hostile], texts=["{{first_name}}/{{город}}"])
    assert await sent(world, campaign) == "{a|b} {{username}}/x {{first_name}}"


async def test_the_attempt_keeps_its_draw_and_no_text(world: World) -> None:
    campaign = await mailing(world, texts=["{a|b|c} secret {{username}}"])
    text = await sent(world, campaign)
    [row] = await world.query("SELECT draw, rendering FROM attempt")
    written = write(Message(("{a|b|c} secret {{username}}",)), Person(0, "person_0"), campaign, row["draw"])
    assert (written.text, written.fingerprint) == (text, row["rendering"])
    everything = await world.everything()
    assert not any("secret person_0" in line for table, lines in everything.items() for line in lines)


class TestForwards:
    async def test_a_forward_is_paid_from_its_own_budget_and_counted_apart(self, world: World) -> None:
        world.limits = make_limits(messages=0, links=0)
        campaign = await mailing(world, 25, post=POST)
        turn = await message_turn(world, campaign)
        assert (turn.action, turn.post, turn.attempts[0].text) == (Action.MESSAGE, POST, "")
        assert await world.mark(turn, campaign)
        await world.settle(turn, FORWARDED)
        assert [await world.usage(each) for each in (Budget.FORWARD, Budget.MESSAGE)] == [1, 0]
        for _ in range(19):
            await world.act(campaign, FORWARDED, action=Action.MESSAGE)
        world.now += GAP
        spent = await world.begin(campaign, action=Action.MESSAGE)
        assert isinstance(spent, Rest)
        assert spent.why is Why.BUDGET_SPENT
        numbers = (await world.reports.snapshot("anna", UUID(campaign), world.now)).numbers
        assert (numbers.forwarded, numbers.messaged, numbers.left) == (20, 0, 5)
        await world.check(campaign)

    async def test_in_place_of_a_refused_invite(self, world: World) -> None:
        campaign = await world.campaign(2, fallback=True, post=POST)
        await world.act(campaign, PRIVACY)
        await world.act(campaign, INVITED)
        world.now += GAP
        due = await world.begin(campaign)
        assert isinstance(due, Act)
        assert due.waiting == Waiting(Action.MESSAGE, Budget.FORWARD, lookup=Budget.RESOLVE)
        await world.act(campaign, FORWARDED, action=Action.MESSAGE)
        numbers = (await world.reports.snapshot("anna", UUID(campaign), world.now)).numbers
        assert (numbers.forwarded, numbers.forwarded_instead, numbers.messaged_instead) == (0, 1, 0)

    @pytest.mark.parametrize("first", [True, False])
    async def test_a_retry_has_the_same_key(self, world: World, first: bool) -> None:
        campaign = await mailing(world, post=POST)
        turn = await message_turn(world, campaign, turn_id="t1")
        if not first:
            assert await world.mark(turn, campaign)
        again = await message_turn(world, campaign, turn_id="t1")
        assert (again.post, again.attempts[0].key) == (POST, turn.attempts[0].key)
