"""How people are looked up: lanes, their budgets, address books, bindings, and the same person found twice."""

import asyncio

import pytest

from domain.account import ExternalStatus
from domain.audience import Contact
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget, Identifier
from domain.policy import NothingNow
from domain.ports import DestinationCheck, Found, Right
from domain.review import ToCheck
from domain.standing import Rest
from domain.why import Why
from tests.storage.world import (
    AWAY,
    BANNED,
    CONTACT_ADDED,
    FLOOD,
    GAP,
    HOUR,
    INVITED,
    MESSAGED,
    MINUTE,
    NOT_ADMIN,
    OWNER,
    PEER_FLOOD,
    PLATFORM,
    POSTPONED,
    PRIVACY,
    SAME_PERSON,
    World,
    known,
    make_limits,
    ref,
)

EVERY = tuple(Identifier)
NOBODY = Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)
ANNA, BORIS = Contact("anna"), Contact("boris")
BY_PHONE, BY_PHONE_TOO = Contact(phone="+79000000001"), Contact(phone="+79000000002")
BOTH = Contact("vera", "+79000000003")
BY_ID, BY_ID_TOO = Contact(user_id=42), Contact(user_id=43)


class TestLanes:
    async def test_everybody_waits_in_the_lane_of_the_cheapest_look_up_in_the_lists_order(self, world: World) -> None:
        await world.book("a").keep({"user_id:42": "1:2"})
        campaign = await world.campaign([BY_PHONE, ANNA, BY_ID, BOTH], reaches=EVERY)
        assert await world.waiting(campaign) == [
            (0, "invite", "phone", None, False),
            (1, "invite", "username", None, False),
            (2, "invite", "user_id", "a", True),
            (3, "invite", "username", None, False),
        ]
        world.now += GAP
        assert [await world.act(campaign, INVITED) for _ in range(4)] == [0, 1, 2, 3]
        await world.check(campaign)

    async def test_a_platform_that_finds_by_phone_alone(self, world: World) -> None:
        campaign = await world.campaign([ANNA, BOTH, BY_PHONE], reaches=[Identifier.PHONE])
        assert [row[:3] for row in await world.waiting(campaign)] == [(1, "invite", "phone"), (2, "invite", "phone")]
        assert (await world.recipients(campaign))[0] == ("unreachable", "no_path")
        await world.check(campaign)

    async def test_who_has_no_such_username_is_looked_up_by_phone(self, world: World) -> None:
        campaign = await world.campaign([BOTH, ANNA], reaches=EVERY)
        for position in range(2):
            assert await world.act(campaign, NOBODY) == position
        assert await world.waiting(campaign) == [(0, "invite", "phone", None, False)]
        world.now += GAP
        turn = await world.turn(campaign)
        assert (turn.attempts[0].person.username, turn.attempts[0].person.phone) == (None, BOTH.phone)
        await world.settle(turn, NOBODY)
        assert (await world.recipients(campaign))[0] == ("unreachable", "unknown_person")
        await world.check(campaign)

    async def test_who_comes_back_keeps_the_lane(self, world: World) -> None:
        campaign = await world.campaign([BY_PHONE, ANNA], accounts=["a", "b"], reaches=EVERY)
        for outcome in (None, AWAY, FLOOD):
            turn = await world.turn(campaign, "b")
            if turn.attempts[0].person.position == 1:
                await world.settle(turn, INVITED, "b")
                world.now += GAP
                turn = await world.turn(campaign, "b")
            await world.settle(turn, outcome, "b")
            assert (0, "invite", "phone", None, False) in await world.waiting(campaign)
            world.now += HOUR
        await world.check(campaign)

    async def test_an_exhausted_budget_for_phones_leaves_usernames(self, world: World) -> None:
        world.limits = make_limits(contacts=1)
        campaign = await world.campaign([BY_PHONE, BY_PHONE_TOO, ANNA, BORIS], reaches=EVERY)
        assert [await world.act(campaign, INVITED) for _ in range(3)] == [0, 2, 3]
        world.now += GAP
        free = world.now.replace(minute=0, second=0) + 25 * HOUR
        assert await world.begin(campaign) == Rest(free, Why.BUDGET_SPENT)
        assert await world.usage(Budget.ADD_CONTACT) == 1
        world.now = free
        assert await world.act(campaign, INVITED) == 1
        await world.check(campaign)

    async def test_an_exhausted_budget_for_usernames_leaves_phones(self, world: World) -> None:
        world.limits = make_limits(names=1)
        campaign = await world.campaign([ANNA, BORIS, BY_PHONE], reaches=EVERY)
        assert [await world.act(campaign, INVITED) for _ in range(2)] == [0, 2]
        world.now += GAP
        assert isinstance(await world.begin(campaign), Rest)

    async def test_another_accounts_budget_is_its_own(self, world: World) -> None:
        world.limits = make_limits(contacts=1)
        campaign = await world.campaign([BY_PHONE, BY_PHONE_TOO], accounts=["a", "b"], reaches=EVERY)
        assert await world.act(campaign, INVITED, "a") == 0
        world.now += GAP
        assert isinstance(await world.begin(campaign, "a"), Rest)
        assert await world.act(campaign, INVITED, "b") == 1


class TestLookups:
    async def test_are_spent_for_people_whom_the_account_does_not_know(self, world: World) -> None:
        await world.book("a").keep({"username:anna": "1:2", "phone:+79000000001": "3:4"})
        campaign = await world.campaign([ANNA, BORIS, BY_PHONE, BY_PHONE_TOO, BOTH], reaches=EVERY)
        world.now += GAP
        spent = []
        for _ in range(5):
            await world.act(campaign, INVITED)
            spent.append((await world.usage(Budget.RESOLVE), await world.usage(Budget.ADD_CONTACT)))
        assert spent == [(0, 0), (1, 0), (1, 0), (1, 1), (2, 1)]
        assert await world.usage() == 5
        await world.check(campaign)

    async def test_another_account_must_look_them_up_itself(self, world: World) -> None:
        await world.book("a").keep({"username:anna": "1:2"})
        await world.book("a", "boris").keep({"username:boris": "1:2"})
        campaign = await world.campaign([ANNA, BORIS], accounts=["a", "b"])
        world.now += GAP
        assert await world.act(campaign, INVITED, "b") == 0
        assert await world.act(campaign, INVITED, "a") == 1
        assert await world.usage(Budget.RESOLVE, "b") == await world.usage(Budget.RESOLVE, "a") == 1

    async def test_adding_somebody_by_phone_is_one_contact(self, world: World) -> None:
        world.limits = make_limits(contacts=2)
        campaign = await world.campaign(
            [BY_PHONE, BY_PHONE_TOO, Contact(phone="+79000000009")], action=Action.ADD_CONTACT, reaches=EVERY
        )
        for _ in range(2):
            await world.act(campaign, CONTACT_ADDED, action=Action.ADD_CONTACT)
        assert await world.usage(Budget.ADD_CONTACT) == 2
        world.now += GAP
        assert isinstance(await world.begin(campaign, action=Action.ADD_CONTACT), Rest)
        await world.check(campaign)


class TestAddressBook:
    async def test_each_account_has_its_own(self, world: World) -> None:
        await world.campaign(1, accounts=["a", "b"])
        await world.book("a").keep({"username:anna": "1:2", "user_id:1": "1:2"})
        await world.book("b").keep({"username:anna": "1:9"})
        await world.book("a", "boris").keep({"username:vera": "7:7"})
        asked = ["username:anna", "user_id:1", "username:vera"]
        assert await world.book("a").find(asked) == {"username:anna": "1:2", "user_id:1": "1:2"}
        assert await world.book("b").find(asked) == {"username:anna": "1:9"}
        assert await world.book("c").find(asked) == {}
        assert await world.book("a", "boris").find(asked) == {"username:vera": "7:7"}
        assert await world.book("a").find([]) == {}

    async def test_what_is_kept_again_is_kept_anew(self, world: World) -> None:
        book = world.book("a")
        await book.keep({})
        await asyncio.gather(*(book.keep({"username:anna": f"1:{n}", "username:boris": f"2:{n}"}) for n in range(6)))
        await book.keep({"username:anna": "1:77"})
        assert (await book.find(["username:anna"])) == {"username:anna": "1:77"}
        [row] = await world.query("SELECT count(*) AS n FROM address_book")
        assert row["n"] == 2


class TestTheSamePerson:
    async def test_is_found_out_and_skipped(self, world: World) -> None:
        campaign = await world.campaign([ANNA, BY_PHONE], reaches=EVERY)
        turn = await world.turn(campaign)
        assert await world.identify(campaign, turn, Found("77"))
        assert await world.identify(campaign, turn, Found("77")), "asked again it is the same answer"
        await world.mark(turn, campaign)
        await world.settle(turn, INVITED)
        world.now += GAP
        turn = await world.turn(campaign)
        assert not await world.identify(campaign, turn, Found("77"))
        await world.settle(turn, SAME_PERSON)
        assert (await world.recipients(campaign))[1] == ("skipped", "same_person")
        assert await world.usage() == 1, "nobody was asked"
        await world.check(campaign)
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert review.ended
        assert (review.snapshot.numbers.skipped, review.snapshot.state) == ({"same_person": 1}, "done")

    async def test_in_another_campaign_is_another_matter(self, world: World) -> None:
        for _ in range(2):
            campaign = await world.campaign([ANNA])
            turn = await world.turn(campaign)
            assert await world.identify(campaign, turn, Found("77"))
            await world.settle(turn, INVITED)
            world.now += GAP

    async def test_of_accounts_that_find_them_at_once_one_goes_on(self, world: World) -> None:
        names = ["a", "b", "c", "d"]
        campaign = await world.campaign([ANNA, BY_PHONE, BORIS, BOTH], accounts=names, reaches=EVERY)
        turns = {name: await world.turn(campaign, name) for name in names}
        for _ in range(2):
            ours = await asyncio.gather(
                *(world.identify(campaign, turns[name], Found("77"), name) for name in names for _ in range(2))
            )
            assert sorted(ours) == [False] * 6 + [True] * 2
        rows = await world.query("SELECT position FROM peer")
        assert len(rows) == 1

    async def test_a_contact_that_the_look_up_added_is_counted(self, world: World) -> None:
        campaign = await world.campaign([BY_PHONE], reaches=EVERY)
        turn = await world.turn(campaign)
        assert await world.identify(campaign, turn, Found("77", contact_added=True))
        await world.settle(turn, INVITED)
        assert await world.counters(campaign) == {
            ("a", "contact_added", "", False): 1,
            ("a", "invited", "", True): 1,
        }
        await world.check(campaign)
        snapshot = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot
        assert (snapshot.numbers.contacts_added, snapshot.numbers.processed) == (1, 1)
        assert snapshot.accounts[0].done == {"contact_added": 1, "invited": 1}


class TestAddingContactsFirst:
    @pytest.mark.parametrize("answer", [CONTACT_ADDED, PRIVACY])
    async def test_the_same_account_goes_on_with_the_campaigns_own_action(self, world: World, answer: Outcome) -> None:
        campaign = await world.campaign([ANNA, BORIS], accounts=["a", "b"], add_contact_first=True)
        assert [row[:2] for row in await world.waiting(campaign)] == [(0, "add_contact"), (1, "add_contact")]
        assert await world.act(campaign, answer, "a", Action.ADD_CONTACT) == 0
        assert await world.waiting(campaign) == [
            (0, "invite", "username", "a", False),
            (1, "add_contact", "username", None, False),
        ]
        assert await world.act(campaign, answer, "b", Action.ADD_CONTACT) == 1
        assert await world.act(campaign, INVITED, "b") == 1
        world.now += GAP
        assert await world.begin(campaign, "b") == NothingNow()
        assert await world.act(campaign, INVITED, "a") == 0
        assert await world.usage(Budget.ADD_CONTACT) == 1
        await world.check(campaign)
        assert (await world.runs.review(OWNER, campaign, None, world.now)).ended

    async def test_also_before_messages(self, world: World) -> None:
        campaign = await world.campaign([ANNA], action=Action.MESSAGE, add_contact_first=True)
        await world.act(campaign, CONTACT_ADDED, action=Action.ADD_CONTACT)
        await world.act(campaign, MESSAGED, action=Action.MESSAGE)
        snapshot = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot
        assert (snapshot.numbers.contacts_added, snapshot.numbers.messaged, snapshot.numbers.processed) == (1, 1, 1)

    async def test_on_its_own_it_is_the_end(self, world: World) -> None:
        campaign = await world.campaign([ANNA], action=Action.ADD_CONTACT, admins=[])
        await world.act(campaign, CONTACT_ADDED, action=Action.ADD_CONTACT)
        assert await world.recipients(campaign) == {0: ("contact_added", "")}
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert (review.ended, review.snapshot.numbers.contacts_added) == (True, 1)

    @pytest.mark.parametrize("outcome", [FLOOD, PEER_FLOOD, BANNED])
    async def test_who_waits_for_an_account_that_rests_or_left_is_freed(self, world: World, outcome: Outcome) -> None:
        campaign = await world.campaign([ANNA, BORIS], accounts=["a", "b"], add_contact_first=True)
        await world.act(campaign, CONTACT_ADDED, "a", Action.ADD_CONTACT)
        await world.runs.review(OWNER, campaign, None, world.now)
        assert (0, "invite", "username", "a", False) in await world.waiting(campaign)
        await world.accounts.refused(ref("a"), outcome, world.now)
        await world.runs.review(OWNER, campaign, None, world.now)
        assert (0, "invite", "username", None, False) in await world.waiting(campaign)
        assert await world.act(campaign, INVITED, "b") == 0
        await world.check(campaign)

    async def test_or_for_one_that_its_owner_removed(self, world: World) -> None:
        campaign = await world.campaign([ANNA], accounts=["a", "b"], add_contact_first=True)
        await world.act(campaign, CONTACT_ADDED, "a", Action.ADD_CONTACT)
        await world.unlist("a")
        await world.runs.review(OWNER, campaign, None, world.now)
        assert await world.act(campaign, INVITED, "b") == 0

    async def test_or_for_one_that_lost_its_right(self, world: World) -> None:
        campaign = await world.campaign([ANNA, BORIS], accounts=["a", "b"], add_contact_first=True)
        await world.act(campaign, CONTACT_ADDED, "a", Action.ADD_CONTACT)
        await world.act(campaign, NOT_ADMIN, "a")
        assert (0, "invite", "username", None, False) in await world.waiting(campaign)
        assert await world.act(campaign, INVITED, "b") == 0
        assert await world.act(campaign, CONTACT_ADDED, "b", Action.ADD_CONTACT) == 1
        await world.right(campaign, "b", False)
        await world.right(campaign, "a", True)
        await world.runs.review(OWNER, campaign, None, world.now)
        assert await world.act(campaign, INVITED, "a") == 1
        await world.check(campaign)

    async def test_who_may_not_invite_adds_nobody_before_an_invite(self, world: World) -> None:
        campaign = await world.campaign([ANNA], accounts=["a", "b"], admins=["b"], add_contact_first=True)
        assert await world.begin(campaign, "a", Action.ADD_CONTACT) == Rest(None, Why.NOT_ADMIN)
        await world.act(campaign, FLOOD, "b", Action.ADD_CONTACT)
        world.now += MINUTE
        await world.act(campaign, CONTACT_ADDED, "b", Action.ADD_CONTACT)
        assert await world.act(campaign, INVITED, "b") == 0

    async def test_a_campaign_without_any_administrator_waits_for_one(self, world: World) -> None:
        campaign = await world.campaign([ANNA], admins=[], add_contact_first=True)
        snapshot = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot
        assert (snapshot.state, snapshot.why) == ("waiting", Why.NO_ADMIN)

    async def test_the_next_account_after_a_failure_adds_nobody_again(self, world: World) -> None:
        campaign = await world.campaign([ANNA], accounts=["a", "b"], add_contact_first=True)
        await world.act(campaign, CONTACT_ADDED, "a", Action.ADD_CONTACT)
        await world.act(campaign, FLOOD, "a")
        assert await world.act(campaign, INVITED, "b") == 0


class TestKnownToOneAccountAlone:
    async def campaign(self, world: World, **options: object) -> str:
        await world.book("a").keep({"user_id:42": "1:2"})
        world.now += GAP
        return await world.campaign([BY_ID, ANNA], accounts=["a", "b"], reaches=EVERY, **options)  # type: ignore[arg-type]

    async def test_nobody_else_takes_them(self, world: World) -> None:
        campaign = await self.campaign(world)
        assert await world.act(campaign, INVITED, "b") == 1
        world.now += GAP
        assert await world.begin(campaign, "b") == NothingNow()
        assert await world.act(campaign, INVITED, "a") == 0
        assert await world.usage(Budget.RESOLVE, "a") == await world.usage(Budget.ADD_CONTACT, "a") == 0

    async def test_unknown_to_all_there_is_no_path(self, world: World) -> None:
        await world.book("a", "boris").keep({"user_id:43": "1:2"})
        campaign = await world.campaign([BY_ID, BY_ID_TOO], reaches=EVERY)
        assert set((await world.recipients(campaign)).values()) == {("unreachable", "no_path")}
        await world.check(campaign)
        assert (await world.runs.review(OWNER, campaign, None, world.now)).ended

    async def test_an_account_that_was_not_chosen_is_no_path(self, world: World) -> None:
        await world.book("a").keep({"user_id:42": "1:2"})
        await world.book("b").keep({"user_id:43": "1:2"})
        campaign = await world.campaign([BY_ID, BY_ID_TOO], accounts=["b"], reaches=EVERY, chosen=["b"])
        assert await world.waiting(campaign) == [(1, "invite", "user_id", "b", True)]
        assert (await world.recipients(campaign))[0] == ("unreachable", "no_path")
        await world.check(campaign)

    async def test_a_resting_account_is_waited_for_and_may_try_again(self, world: World) -> None:
        campaign = await self.campaign(world)
        assert await world.act(campaign, INVITED, "b") == 1
        for _ in range(2):
            assert await world.act(campaign, FLOOD, "a") == 0
            await world.runs.review(OWNER, campaign, None, world.now)
            assert (0, "invite", "user_id", "a", True) in await world.waiting(campaign)
            world.now += MINUTE
        assert await world.act(campaign, INVITED, "a") == 0
        await world.check(campaign)

    async def test_its_third_failure_is_the_last(self, world: World) -> None:
        campaign = await self.campaign(world)
        await world.act(campaign, INVITED, "b")
        for _ in range(3):
            await world.act(campaign, FLOOD, "a")
            world.now += MINUTE
        assert (await world.recipients(campaign))[0] == ("failed", "accounts_exhausted")

    async def test_the_campaign_waits_for_that_account_and_wakes_no_other(self, world: World) -> None:
        campaign = await self.campaign(world)
        await world.act(campaign, INVITED, "b")
        await world.accounts.refused(ref("a"), PEER_FLOOD, world.now)
        review = await world.runs.review(OWNER, campaign, None, world.now)
        assert (review.snapshot.state, review.snapshot.why, review.wake) == ("waiting", Why.ACCOUNT_LIMITED, [])
        assert review.snapshot.until == (await world.account("a"))["until"]

    @pytest.mark.parametrize("how", ["banned", "inactive", "removed"])
    async def test_with_the_account_gone_they_are_settled(self, world: World, how: str) -> None:
        campaign = await self.campaign(world)
        if how == "banned":
            await world.accounts.refused(ref("a"), BANNED, world.now)
        elif how == "inactive":
            await world.lists(known("a", ExternalStatus.INACTIVE))
        else:
            await world.unlist("a")
        for _ in range(2):
            await world.runs.review(OWNER, campaign, None, world.now)
            assert await world.recipients(campaign) == {0: ("unreachable", "account_gone"), 1: (None, None)}
            assert await world.counters(campaign) == {("", "unreachable", "account_gone", True): 1}
            await world.check(campaign)
        assert await world.act(campaign, INVITED, "b") == 1

    async def test_they_stay_its_own_over_a_refused_invite(self, world: World) -> None:
        campaign = await self.campaign(world, fallback=True)
        await world.act(campaign, INVITED, "b")
        await world.act(campaign, PRIVACY, "a")
        assert (0, "message", "user_id", "a", True) in await world.waiting(campaign)
        assert await world.act(campaign, MESSAGED, "a", Action.MESSAGE) == 0
        await world.check(campaign)


class TestPostponed:
    async def test_it_is_no_try_and_rests_that_accounts_phone_look_ups_for_a_day(self, world: World) -> None:
        world.limits = make_limits(contacts=5)
        campaign = await world.campaign([BY_PHONE, BY_PHONE_TOO, ANNA], accounts=["a", "b"], reaches=EVERY)
        turn = await world.turn(campaign, "a")
        await world.settle(turn, POSTPONED, "a")
        assert await world.queue(campaign) == [(1, "invite", []), (2, "invite", []), (0, "invite", [])]
        assert await world.usage() == 0, "nobody was invited"
        assert await world.act(campaign, INVITED, "a") == 2
        world.now += GAP
        free = world.now.replace(minute=0, second=0) + 25 * HOUR
        assert await world.begin(campaign, "a") == Rest(free, Why.BUDGET_SPENT)
        assert await world.act(campaign, INVITED, "b") == 1
        await world.check(campaign)
        world.now = free - GAP
        assert await world.act(campaign, INVITED, "a") == 0
        await world.check(campaign)

    async def test_in_a_cancelled_campaign_nobody_goes_back(self, world: World) -> None:
        campaign = await world.campaign([BY_PHONE], reaches=EVERY)
        turn = await world.turn(campaign)
        await world.do("UPDATE campaign SET wanted = 'cancelled', control_no = 2")
        await world.settle(turn, POSTPONED)
        assert await world.recipients(campaign) == {0: ("cancelled", "campaign_cancelled")}
        await world.check(campaign)


class TestAccountsThatAreNoLongerListed:
    async def test_are_switched_off_and_on_again(self, world: World) -> None:
        campaign = await world.campaign(4, accounts=["a", "b"])
        other = await world.campaign(1, owner="boris")
        await world.unlist("a")
        assert (await world.account("a"))["external_status"] == "inactive"
        assert (await world.account("b"))["external_status"] == "active"
        assert await world.begin(campaign, "a") == Rest(None, Why.ACCOUNT_INACTIVE)
        theirs = await world.runs.review("boris", other, None, world.now)
        assert ([line.account_id for line in theirs.snapshot.accounts], theirs.gone) == (["a"], [])
        await world.lists(known("a"))
        assert await world.act(campaign, INVITED, "a") == 0

    async def test_also_the_last_one(self, world: World) -> None:
        campaign = await world.campaign(4)
        await world.unlist("a")
        assert await world.begin(campaign) == Rest(None, Why.ACCOUNT_INACTIVE)

    async def test_a_block_is_healed_when_it_is_listed_again(self, world: World) -> None:
        await world.campaign(1, accounts=["a", "b"])
        await world.accounts.refused(ref("a"), BANNED, world.now)
        await world.unlist("a")
        assert (await world.account("a"))["state"] == "blocked"
        await world.lists(known("a"))
        assert (await world.account("a"))["state"] == "active"

    async def test_lists_that_differ_at_once_do_not_lock_each_other_out(self, world: World) -> None:
        names = ["a", "b", "c", "d"]
        await world.campaign(1, accounts=names)
        every = [known(name) for name in names]
        await asyncio.gather(
            *(world.accounts.know(OWNER, PLATFORM, [each], world.now) for _ in range(5) for each in every)
        )
        await world.lists()
        assert {(await world.account(name))["external_status"] for name in names} == {"active"}


class TestTheDestination:
    async def test_it_is_joined_only_where_the_campaign_allows(self, world: World) -> None:
        for allowed in (False, True):
            campaign = await world.campaign(1, join_destination=allowed)
            await world.do("UPDATE campaign_account SET checked = false")
            found = await world.runs.destination_to_check(OWNER, campaign, "a")
            assert found == ToCheck("@club", may_join=allowed)

    async def test_warnings_are_kept_shown_and_taken_back(self, world: World) -> None:
        campaign = await world.campaign(1)
        for warnings in ((Reason.SLOW_MODE, Reason.NEARLY_FULL), ()):
            check = DestinationCheck(Right.INVITE, warnings=warnings)
            await world.runs.rights(OWNER, campaign, "a", check, world.now)
            [line] = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot.accounts
            assert line.warnings == [each.value for each in warnings]

    @pytest.mark.parametrize(
        ("reason", "why"),
        [
            (Reason.JOIN_NEEDED, Why.DESTINATION_PRIVATE),
            (Reason.JOIN_REQUESTED, Why.DESTINATION_PRIVATE),
            (Reason.CHANNEL_PAST_INVITES, Why.DESTINATION_FULL),
        ],
    )
    async def test_why_nobody_can_be_invited_there(self, world: World, reason: Reason, why: Why) -> None:
        campaign = await world.campaign(1)
        await world.runs.rights(OWNER, campaign, "a", DestinationCheck(Right.NONE, reason), world.now)
        snapshot = (await world.runs.review(OWNER, campaign, None, world.now)).snapshot
        assert (snapshot.state, snapshot.why) == ("waiting", why)
