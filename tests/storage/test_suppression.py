"""The do-not-contact list holds at a campaign's start and in every turn, by whatever identifier."""

from uuid import UUID

import pytest

from domain.audience import Contact, DropReason, Line
from domain.campaign import Command
from domain.errors import Forbidden, NotFound
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Identifier
from domain.ports import Found
from domain.suppression import Source, digest
from domain.turn import AttemptState
from storage.erasing import Erased
from storage.recipients import Again
from tests.storage.world import GAP, INVITED, OWNER, PRIVACY, TABLES, UNCERTAIN, World

ANNA = Contact("anna", "+79001234567", 77)
BORIS, VERA = Contact("boris"), Contact("vera")
EVERY = tuple(Identifier)
SKIPPED = ("skipped", "suppressed")
GONE = Outcome(Kind.UNREACHABLE, Reason.DELETED)
OPTED_OUT = Outcome(Kind.REFUSED, Reason.OPTED_OUT)
LONG_LIST, MANY = 150_000, 5_000


async def suppress(world: World, *names: str, owner: str = OWNER) -> int:
    return await world.suppression.add(owner, names, Source.API, "", world.now)


class TestTheList:
    async def test_it_is_added_to_listed_and_taken_from(self, world: World) -> None:
        assert await suppress(world, "username:anna", "phone:+7900") == 2
        assert await suppress(world, "username:anna", "user_id:5") == 1
        page = await world.suppression.page(OWNER, b"", 2)
        rest = await world.suppression.page(OWNER, page[-1].digest, 2)
        assert {each.identifier for each in (*page, *rest)} == {"username:anna", "phone:+7900", "user_id:5"}
        await world.suppression.remove(OWNER, "phone:+7900")
        with pytest.raises(NotFound):
            await world.suppression.remove(OWNER, "phone:+7900")
        assert await world.suppression.page("boris", b"", 9) == []

    async def test_it_is_matched_in_the_database_as_in_python(self, world: World) -> None:
        await suppress(world, "username:анна")
        [entry] = await world.suppression.page(OWNER, b"", 9)
        assert entry.digest == digest(OWNER, "username:анна") != digest("boris", "username:анна")


class TestAtTheStart:
    @pytest.mark.parametrize("name", ["username:anna", "phone:+79001234567", "user_id:77"])
    async def test_each_identifier_is_enough(self, world: World, name: str) -> None:
        await suppress(world, name)
        campaign = await world.campaign([ANNA, BORIS], reaches=EVERY)
        assert await world.recipients(campaign) == {0: SKIPPED, 1: (None, None)}
        assert [position for position, *_ in await world.queue(campaign)] == [1]
        assert await world.counters(campaign) == {("", "skipped", "suppressed", True): 1}
        await world.check(campaign)

    async def test_another_owners_list_means_nothing(self, world: World) -> None:
        await suppress(world, "username:boris", owner="boris")
        campaign = await world.campaign([BORIS])
        assert await world.recipients(campaign) == {0: (None, None)}

    async def test_a_long_list_is_looked_into_not_read_for_each(self, world: World) -> None:
        await world.do(
            "INSERT INTO suppression SELECT %s, digest_of(%s, 'username:listed_' || n), NULL, 'api', '', now() "
            "FROM generate_series(1, %s) n",
            *(OWNER, OWNER, LONG_LIST),
        )
        await world.do("ANALYZE suppression")
        people = [*(Contact(f"person_{n}") for n in range(MANY)), Contact(f"listed_{LONG_LIST}")]
        campaign = await world.campaign(people)  # read for each, it would not end before the statement's timeout
        assert await world.counters(campaign) == {("", "skipped", "suppressed", True): 1}

    async def test_all_are_on_it(self, world: World) -> None:
        await suppress(world, "username:boris")
        campaign = await world.campaign([BORIS])
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert (review.snapshot.state, review.snapshot.numbers.skipped) == ("done", {"suppressed": 1})


class TestInATurn:
    async def test_an_opt_out_holds_with_the_next_turn(self, world: World) -> None:
        campaign = await world.campaign([BORIS, VERA])
        await suppress(world, "username:boris")
        turn = await world.turn(campaign)
        assert turn.attempts[0].suppressed
        await world.settle(turn, Outcome(Kind.SKIPPED, Reason.SUPPRESSED))
        assert (await world.recipients(campaign))[0] == SKIPPED
        assert await world.usage() == 0, "nothing was asked of anybody"
        world.now += GAP
        assert not (await world.turn(campaign)).attempts[0].suppressed
        await world.check(campaign)

    async def test_one_that_comes_while_the_person_is_looked_up(self, world: World) -> None:
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        await suppress(world, "username:boris")
        assert not await world.identify(campaign, turn, Found("78"))

    async def test_who_turns_out_to_be_on_it(self, world: World) -> None:
        await suppress(world, "user_id:77")
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        assert not turn.attempts[0].suppressed
        assert not await world.identify(campaign, turn, Found("77"))

    async def test_a_name_that_leads_to_the_same_person(self, world: World) -> None:
        campaign = await world.campaign([Contact(phone="+79001234567")], reaches=EVERY)
        turn = await world.turn(campaign)
        await suppress(world, "username:anna")
        assert await world.identify(campaign, turn, Found("77"))
        await world.book("a").keep({"username:anna": "77:1", "user_id:77": "77:1", "username:vera": "78:1"})
        assert not await world.identify(campaign, turn, Found("77"))
        await world.suppression.remove(OWNER, "username:anna")
        await suppress(world, "username:vera")
        assert await world.identify(campaign, turn, Found("77")), "somebody else"

    async def test_a_name_by_which_only_another_account_knows_them(self, world: World) -> None:
        campaign = await world.campaign([BORIS], accounts=["a", "b"])
        await world.book("b").keep({"username:anna": "77:2", "user_id:77": "77:2"})
        await suppress(world, "username:anna")
        assert not await world.identify(campaign, await world.turn(campaign), Found("77"))

    async def test_a_name_that_an_earlier_campaigns_list_gave_them(self, world: World) -> None:
        first = await world.campaign([Contact("anna", "+79001234567")])
        turn = await world.turn(first)
        assert await world.identify(first, turn, Found("77"))
        await world.settle(turn, INVITED)
        await suppress(world, "phone:+79001234567")
        world.now += GAP
        second = await world.campaign([Contact("anna_renamed")])
        turn = await world.turn(second)
        assert not turn.attempts[0].suppressed
        assert not await world.identify(second, turn, Found("77"))

    async def test_one_that_comes_while_a_turn_is_given_back(self, world: World) -> None:
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        await suppress(world, "username:boris")
        assert (await world.turn(campaign, turn_id=turn.turn_id)).attempts[0].suppressed

    async def test_whom_the_platform_says_to_have_opted_out_is_on_it_at_once(self, world: World) -> None:
        first = await world.campaign([ANNA, BORIS], fallback=True)
        second = await world.campaign([Contact(phone="+79001234567")], reaches=EVERY)
        await world.act(first, OPTED_OUT)
        assert await world.recipients(first) == {0: ("refused", "opted_out"), 1: (None, None)}
        entries = await world.suppression.page(OWNER, b"", 9)
        assert {(each.identifier, each.source) for each in entries} == {
            ("username:anna", Source.OPT_OUT),
            ("phone:+79001234567", Source.OPT_OUT),
            ("user_id:77", Source.OPT_OUT),
        }
        world.now += GAP
        assert (await world.turn(second)).attempts[0].suppressed

    async def test_who_has_opted_out_stays_on_the_list(self, world: World) -> None:
        await suppress(world, "username:boris")
        await world.suppression.remove(OWNER, "username:boris")
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        assert await world.mark(turn, campaign)
        await suppress(world, "username:boris")  # the owner is as quick as the person
        await world.settle(turn, OPTED_OUT)
        [entry] = await world.suppression.page(OWNER, b"", 9)
        assert entry.source is Source.OPT_OUT
        with pytest.raises(Forbidden):
            await world.suppression.remove(OWNER, "username:boris")

    async def test_an_opt_out_that_is_learned_late_counts_as_well(self, world: World) -> None:
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        assert await world.mark(turn, campaign)
        await world.settle(turn, UNCERTAIN)
        await world.settle(turn, OPTED_OUT)
        assert await world.recipients(campaign) == {0: ("refused", "opted_out")}
        assert [each.identifier for each in await world.suppression.page(OWNER, b"", 9)] == ["username:boris"]
        await world.check(campaign)

    async def test_a_message_instead_of_a_refused_invite(self, world: World) -> None:
        campaign = await world.campaign([BORIS], fallback=True)
        await world.act(campaign, PRIVACY)
        await suppress(world, "username:boris")
        world.now += GAP
        assert (await world.turn(campaign, action=Action.MESSAGE)).attempts[0].suppressed

    async def test_what_happened_is_told_as_it_happened(self, world: World) -> None:
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        assert await world.mark(turn, campaign)
        await suppress(world, "username:boris")
        await world.settle(turn, INVITED)
        assert await world.recipients(campaign) == {0: ("invited", "")}


class TestEarlierCampaigns:
    async def test_whom_they_reached_is_skipped(self, world: World) -> None:
        first = await world.campaign([BORIS, VERA])
        await world.act(first, INVITED)
        second = await world.campaign([Contact("boris", "+79001112233"), VERA], reached_by=[first])
        assert await world.recipients(second) == {0: ("skipped", "reached_before"), 1: (None, None)}
        await world.check(second)

    async def test_another_owners_campaign_is_not_found(self, world: World) -> None:
        first = await world.campaign([BORIS], owner="boris")
        with pytest.raises(NotFound):
            await world.campaign([BORIS], reached_by=[first])

    async def test_who_refused_for_good_is_skipped_by_choice(self, world: World) -> None:
        first = await world.campaign([ANNA, BORIS, VERA])
        await world.act(first, GONE)
        await world.act(first, PRIVACY)  # that may change
        people = [Contact(phone="+79001234567"), BORIS, VERA]
        second = await world.campaign(people, reaches=EVERY, skip_refused=True)
        assert await world.recipients(second) == {
            0: ("skipped", "refused_before"),
            1: (None, None),
            2: (None, None),
        }
        third = await world.campaign(people, reaches=EVERY)
        assert set((await world.recipients(third)).values()) == {(None, None)}


class TestTryingAgain:
    async def retry(self, world: World, campaign: str, *reasons: Reason) -> str:
        earlier = await world.view(campaign)
        new = world.like(earlier, again=Again(earlier.id, frozenset(reasons)))
        made, _ = await world.campaigns.create(OWNER, new, None, "hash", world.now)
        await world.check(str(made.id))
        return str(made.id)

    async def test_those_who_failed_for_these_reasons(self, world: World) -> None:
        first = await world.campaign([ANNA, BORIS, VERA, Contact("galya")])
        for outcome in (PRIVACY, GONE, INVITED):
            await world.act(first, outcome)
        await world.command(first, Command.CANCEL)
        await world.runs.review(OWNER, first, None, world.now)
        again = await self.retry(world, first, Reason.PRIVACY)
        rows = await world.query("SELECT username, phone FROM recipient WHERE campaign_id = %s", UUID(again))
        assert rows == [{"username": "anna", "phone": "+79001234567"}]
        assert (await world.view(again)).recipients == 1
        again = await self.retry(world, first, Reason.CAMPAIGN_CANCELLED, Reason.PRIVACY)
        assert (await world.view(again)).recipients == 2
        with pytest.raises(Forbidden):
            await self.retry(world, first, Reason.PEER_FLOOD)

    async def test_who_is_on_the_list_by_then_is_not_contacted(self, world: World) -> None:
        first = await world.campaign([ANNA, BORIS])
        for _ in range(2):
            await world.act(first, PRIVACY)
        await suppress(world, "phone:+79001234567")
        again = await self.retry(world, first, Reason.PRIVACY)
        assert await world.recipients(again) == {0: SKIPPED, 1: (None, None)}

    async def test_nobody_who_was_erased(self, world: World) -> None:
        first = await world.campaign([ANNA, BORIS])
        for _ in range(2):
            await world.act(first, PRIVACY)
        await world.erasing.erase(OWNER, "username:anna", world.now)
        again = await self.retry(world, first, Reason.PRIVACY)
        assert await world.recipients(again) == {1: (None, None)}


class TestErasing:
    async def test_nothing_names_them_any_more(self, world: World) -> None:
        galya = Contact("galya_k", "+79001234567", 77)
        lines = [
            Line(1, "galya_k;+7 900 123-45-67", galya),
            Line(2, "@GALYA_K ???", DropReason.NOT_A_NAME),
            Line(3, "8 (900) 123-45-67-", DropReason.BAD_PHONE),
            Line(4, "galya_kk", DropReason.NOT_A_NAME),
        ]
        audience = await world.audiences.store(OWNER, "list", lines, world.now, 10)
        first = await world.campaign([galya, BORIS])
        await world.act(first, INVITED)
        waiting = await world.campaign([BORIS, Contact("galya_k", first_name="Галя", fields={"city": "Томск"})])
        theirs = await world.campaign([galya], owner="boris")
        await suppress(world, "username:galya_k")
        await world.book("a").keep({"username:galya_k": "77:1", "user_id:77": "77:1", "username:boris": "78:1"})
        erased = await world.erasing.erase(OWNER, "phone:+79001234567", world.now)
        assert (erased.campaigns, erased.dropped_lines, erased.addresses) == (2, 2, 2)
        for table in TABLES:
            for row in await world.query(f"SELECT t::text AS line FROM {table} t WHERE owner = %s", OWNER):
                line = row["line"].lower().replace("galya_kk", "")
                assert not [word for word in ("galya", "9001234567", "123-45-67", "галя", "томск") if word in line], (
                    table
                )
        assert await world.recipients(waiting) == {0: (None, None), 1: SKIPPED}
        assert (await world.recipients(first))[0] == ("invited", "")
        assert (await world.audiences.get(OWNER, audience.id)).stored == 0
        for campaign in (first, waiting):
            await world.check(campaign)
        entries = await world.suppression.page(OWNER, b"", 9)
        assert {(each.identifier, each.source) for each in entries} == {(None, Source.ERASED)}
        again = await world.campaign([galya, BORIS], reaches=EVERY)
        assert (await world.recipients(again))[0] == SKIPPED, "they are recognised all the same"
        assert await world.recipients(theirs) == {0: (None, None)}, "another owner's people are theirs"

    async def test_names_that_only_the_platform_has_told_are_forgotten_too(self, world: World) -> None:
        anna, renamed = Contact(phone="+79001234567"), Contact("anna_renamed", first_name="Anna")
        campaign = await world.campaign([renamed, BORIS])
        await world.book("a").keep({"phone:+79001234567": "77:1", "username:anna": "77:1", "user_id:77": "77:1"})
        await world.book("b").keep({"username:anna_renamed": "77:2", "user_id:77": "77:2", "username:boris": "78:2"})
        erased = await world.erasing.erase(OWNER, "phone:+79001234567", world.now)
        assert (erased.campaigns, erased.addresses) == (1, 5)
        rows = await world.query("SELECT identifier FROM address_book WHERE owner = %s", OWNER)
        assert rows == [{"identifier": "username:boris"}]
        assert await world.recipients(campaign) == {0: SKIPPED, 1: (None, None)}
        again = await world.campaign([anna, BORIS])
        assert (await world.recipients(again))[0] == SKIPPED

    async def test_who_is_nowhere_is_on_the_list_from_now_on(self, world: World) -> None:
        erased = await world.erasing.erase(OWNER, "username:nobody", world.now)
        assert erased == Erased(0, 0, 0, 0)
        campaign = await world.campaign([Contact("nobody")])
        assert await world.recipients(campaign) == {0: SKIPPED}

    async def test_what_they_refused_is_forgotten(self, world: World) -> None:
        first = await world.campaign([ANNA, BORIS])
        for _ in range(2):
            await world.act(first, GONE)
        await world.erasing.erase(OWNER, "username:anna", world.now)
        rows = await world.query("SELECT digest FROM refusal")
        assert [bytes(row["digest"]) for row in rows] == [digest(OWNER, "username:boris")]

    async def test_somebody_in_hand_who_was_not_called_is_skipped(self, world: World) -> None:
        campaign = await world.campaign([BORIS])
        turn = await world.turn(campaign)
        await world.erasing.erase(OWNER, "username:boris", world.now)
        [attempt] = (await world.turn(campaign, turn_id=turn.turn_id)).attempts
        assert (attempt.state, attempt.suppressed) == (AttemptState.OPEN, True)

    async def test_somebody_in_hand_ends_as_they_end(self, world: World) -> None:
        campaign = await world.campaign([BORIS], fallback=True)
        turn = await world.turn(campaign)
        assert await world.mark(turn, campaign)
        await world.erasing.erase(OWNER, "username:boris", world.now)
        given = await world.turn(campaign, turn_id=turn.turn_id)
        assert (given.attempts[0].state, given.attempts[0].person.names) == (AttemptState.SENT, ())
        await world.settle(turn, PRIVACY)
        world.now += GAP
        assert (await world.turn(campaign, action=Action.MESSAGE)).attempts[0].suppressed
