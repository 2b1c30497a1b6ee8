"""The Telegram adapter and destinations: private ones, basic groups, who may add whom, what an owner is told."""

import pytest

from devstack.telegram_dc.journal import JoinRequested
from devstack.telegram_dc.scenario import Chat
from devstack.telegram_dc.server import TelegramDC
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import DestinationCheck, Right, Session
from domain.recipient import Person
from tests.adapters import telegram_town as town
from tests.adapters.book import MemoryBook
from tests.adapters.telegram_town import ANNA, asked, sign_in, strike

CELLAR, ATTIC, FAMILY, VILLAGE = "+CellarHash10", "+AtticHash_10", "+FamilyHash10", "+VillageHash1"
JOIN_NEEDED = Outcome(Kind.NOT_ADMIN, Reason.JOIN_NEEDED)
INSIDE = Person(0, username="inside")


async def check(dc: TelegramDC, account: str, destination: str) -> DestinationCheck | Outcome:
    """What the account sees there."""
    session = await sign_in(dc, account)
    try:
        return await session.check_destination(destination)
    finally:
        await session.close()


class TestRights:
    @pytest.mark.parametrize(
        ("account", "destination", "right", "reason", "kind"),
        [
            ("owner", CELLAR, Right.INVITE, Reason.NONE, "supergroup"),
            ("admin", CELLAR, Right.INVITE, Reason.NONE, "supergroup"),
            ("weak_admin", CELLAR, Right.NONE, Reason.NO_RIGHT_TO_INVITE, "supergroup"),
            ("outsider", CELLAR, Right.NONE, Reason.JOIN_NEEDED, "supergroup"),
            ("owner", ATTIC, Right.INVITE, Reason.NONE, "channel"),
            ("outsider", ATTIC, Right.NONE, Reason.JOIN_NEEDED, "channel"),
            ("owner", FAMILY, Right.INVITE, Reason.NONE, "group"),
            ("admin", FAMILY, Right.INVITE, Reason.NONE, "group"),
            ("weak_admin", FAMILY, Right.NONE, Reason.NO_RIGHT_TO_INVITE, "group"),
            ("member", FAMILY, Right.NONE, Reason.NO_RIGHT_TO_INVITE, "group"),
            ("outsider", FAMILY, Right.NONE, Reason.JOIN_NEEDED, "group"),
            ("member", VILLAGE, Right.INVITE, Reason.NONE, "group"),
            ("member", "open_door", Right.INVITE, Reason.NONE, "supergroup"),
            ("outsider", "open_door", Right.NONE, Reason.JOIN_NEEDED, "supergroup"),
            ("owner", "the_forum", Right.INVITE, Reason.NONE, "forum"),
            ("owner", "+NoSuchHash10", Right.NONE, Reason.DESTINATION_UNKNOWN, ""),
        ],
    )
    async def test_are_seen(
        self, dc: TelegramDC, account: str, destination: str, right: Right, reason: Reason, kind: str
    ) -> None:
        seen = await check(dc, account, destination)
        assert isinstance(seen, DestinationCheck)
        assert (seen.right, seen.reason, seen.kind) == (right, reason, kind)
        assert (Reason.JOIN_NEEDED in seen.warnings) is (reason is Reason.JOIN_NEEDED)
        session = await sign_in(dc, account)
        invited = await session.invite(ANNA, destination)
        assert (invited == Outcome(Kind.INVITED)) is (right is Right.INVITE)
        assert town.joined(dc) == (right is Right.INVITE)
        await session.close()

    async def test_a_closed_door_shows_what_is_behind_it(self, dc: TelegramDC) -> None:
        seen = await check(dc, "outsider", CELLAR)
        why = Reason.JOIN_NEEDED
        assert seen == DestinationCheck(Right.NONE, why, "The cellar", "supergroup", 4, (why,))

    async def test_a_closed_door_is_not_worth_opening_past_the_last_invite(self, dc: TelegramDC) -> None:
        dc.world.chats[511].chat.unlisted_members = 400
        seen = await check(dc, "outsider", ATTIC)
        assert isinstance(seen, DestinationCheck)
        assert seen.reason is Reason.CHANNEL_PAST_INVITES

    async def test_an_account_that_was_removed_sees_that_it_is_private(self, dc: TelegramDC) -> None:
        dc.world.people[5].kicked_from.append("510")
        seen = await check(dc, "outsider", CELLAR)
        assert seen == DestinationCheck(Right.NONE, Reason.DESTINATION_PRIVATE)


class TestWarnings:
    @pytest.mark.parametrize(
        ("destination", "right", "reason", "warnings"),
        [
            (
                "big_news",
                Right.NONE,
                Reason.CHANNEL_PAST_INVITES,
                (Reason.CHANNEL_PAST_INVITES, Reason.LINK_ONLY),
            ),
            ("soon_big", Right.INVITE, Reason.NONE, (Reason.NEARLY_FULL,)),
            ("news", Right.INVITE, Reason.NONE, ()),
            ("open_door", Right.INVITE, Reason.NONE, (Reason.SLOW_MODE,)),
        ],
    )
    async def test_are_given(
        self, dc: TelegramDC, destination: str, right: Right, reason: Reason, warnings: tuple[Reason, ...]
    ) -> None:
        seen = await check(dc, "owner", destination)
        assert isinstance(seen, DestinationCheck)
        assert (seen.right, seen.reason, seen.warnings) == (right, reason, warnings)

    @pytest.mark.parametrize(
        ("kind", "members", "right", "reason", "warnings"),
        [
            ("supergroup", 189_998, Right.INVITE, Reason.NONE, ()),
            ("supergroup", 190_000, Right.INVITE, Reason.NONE, (Reason.NEARLY_FULL,)),
            ("supergroup", 200_000, Right.NONE, Reason.DESTINATION_FULL, ()),
        ],
    )
    async def test_of_size(
        self, dc: TelegramDC, kind: str, members: int, right: Right, reason: Reason, warnings: tuple[Reason, ...]
    ) -> None:
        dc.world.add_chat(Chat(900, "Big", "supergroup", "bigger", "owner", unlisted_members=members - 1))
        seen = await check(dc, "owner", "bigger")
        assert isinstance(seen, DestinationCheck)
        assert (seen.right, seen.reason, seen.warnings, seen.members) == (right, reason, warnings, members)

    async def test_of_a_basic_groups_size(self, dc: TelegramDC) -> None:
        dc.world.chats[518].members |= set(range(5000, 5188))
        seen = await check(dc, "owner", "+CrowdHash_10")
        assert isinstance(seen, DestinationCheck)
        assert (seen.right, seen.members, seen.warnings) == (Right.INVITE, 190, (Reason.NEARLY_FULL,))

    async def test_that_telegram_does_not_count_hides_no_right(self, dc: TelegramDC) -> None:
        strike(dc, "channels.GetFullChannel", "flood_wait", seconds=5)
        seen = await check(dc, "owner", "club")
        assert seen == DestinationCheck(Right.INVITE, Reason.NONE, "The club", "supergroup")


class TestJoining:
    @pytest.mark.parametrize("destination", [CELLAR, ATTIC, FAMILY, "open_door"])
    async def test_opens_the_door(self, dc: TelegramDC, destination: str) -> None:
        session = await sign_in(dc, "outsider")
        for _ in range(2):
            assert await session.join(destination) is None
        seen = await session.check_destination(destination)
        assert isinstance(seen, DestinationCheck)
        assert seen.reason is not Reason.JOIN_NEEDED
        assert town.joined(dc, 5) == 1
        await session.close()

    async def test_lets_a_member_add_where_members_may(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, "outsider")
        assert await session.invite(ANNA, VILLAGE) == JOIN_NEEDED
        assert await session.join(VILLAGE) is None
        assert await session.invite(ANNA, VILLAGE) == Outcome(Kind.INVITED)
        await session.close()

    async def test_may_have_to_wait_for_an_admin(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, "outsider")
        waits = Outcome(Kind.NOT_ADMIN, Reason.JOIN_REQUESTED)
        assert await session.join("+RequestHash1") == waits
        assert await session.join("+RequestHash1") == waits
        assert len(dc.journal.of(JoinRequested)) == 1
        dc.world.approve(520, 5)
        assert await session.join("+RequestHash1") is None
        await session.close()

    @pytest.mark.parametrize(
        ("error", "code", "outcome"),
        [
            ("CHANNELS_TOO_MUCH", 400, Outcome(Kind.NOT_ADMIN, Reason.TOO_MANY_CHANNELS)),
            ("INVITE_HASH_EXPIRED", 406, Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN)),
            ("USERS_TOO_MUCH", 400, Outcome(Kind.DESTINATION, Reason.DESTINATION_FULL)),
            ("PEER_FLOOD", 400, Outcome(Kind.LIMITED, Reason.PEER_FLOOD)),
        ],
    )
    async def test_may_be_refused(self, dc: TelegramDC, error: str, code: int, outcome: Outcome) -> None:
        session = await sign_in(dc, "outsider")
        strike(dc, "messages.ImportChatInvite", "rpc_error", error=error, code=code)
        assert await session.join(CELLAR) == outcome
        await session.close()

    @pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
    async def test_is_never_in_doubt(self, dc: TelegramDC, fault: str) -> None:
        session = await sign_in(dc, "outsider")
        strike(dc, "messages.ImportChatInvite", fault)
        with pytest.raises(Unavailable):
            await session.join(CELLAR)
        again = await sign_in(dc, "outsider")
        assert await again.join(CELLAR) is None
        assert town.joined(dc, 5) == 1
        await again.close()

    async def test_what_is_not_there(self, session: Session) -> None:
        unknown = Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN)
        assert await session.join("nowhere") == unknown
        assert await session.join("+NoSuchHash10") == unknown


class TestBasicGroups:
    async def test_a_member_is_recognised_before_an_invite_is_spent(self, dc: TelegramDC, session: Session) -> None:
        assert await session.invite(INSIDE, FAMILY) == Outcome(Kind.ALREADY_MEMBER)
        assert await session.is_member(INSIDE, FAMILY) is True
        assert await session.is_member(ANNA, FAMILY) is False
        assert asked(dc, "messages.AddChatUser") == 0

    async def test_who_came_meanwhile_is_a_member(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "messages.AddChatUser", "rpc_error", error="USER_ALREADY_PARTICIPANT")
        assert await session.invite(ANNA, FAMILY) == Outcome(Kind.ALREADY_MEMBER)

    @pytest.mark.parametrize(
        ("name", "outcome"),
        [
            ("refuses", Outcome(Kind.REFUSED, Reason.PRIVACY)),
            ("silently", Outcome(Kind.REFUSED, Reason.PRIVACY)),
            ("premium", Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM)),
            ("blocker", Outcome(Kind.REFUSED, Reason.BLOCKED_US)),
            ("stranger", Outcome(Kind.REFUSED, Reason.NOT_MUTUAL_CONTACT)),
            ("joiner", Outcome(Kind.INVITED)),
            ("anna", Outcome(Kind.INVITED)),
        ],
    )
    async def test_answers_to_invites(self, session: Session, name: str, outcome: Outcome) -> None:
        assert await session.invite(Person(0, username=name), FAMILY) == outcome

    async def test_a_full_one(self, dc: TelegramDC, session: Session) -> None:
        dc.world.chats[512].chat.full = True
        assert await session.invite(ANNA, FAMILY) == Outcome(Kind.DESTINATION, Reason.DESTINATION_FULL)

    async def test_whoever_was_removed_is_not_asked_for_for_ever(self, dc: TelegramDC, session: Session) -> None:
        dc.world.people[100].kicked_from.append("512")
        assert (await session.invite(ANNA, FAMILY)).kind is Kind.FAILED

    async def test_the_look_is_not_repeated_for_its_address(self, dc: TelegramDC, session: Session) -> None:
        await session.invite(ANNA, FAMILY)
        await session.invite(INSIDE, FAMILY)
        assert asked(dc, "messages.CheckChatInvite") == 1


class TestANameIsLookedUpOncePerAccount:
    RESOLVE = "contacts.ResolveUsername"

    async def seen(self, dc: TelegramDC, book: MemoryBook, destination: str = "club") -> object:
        """What a session of its own sees there."""
        session = await sign_in(dc, book=book)
        try:
            return await session.check_destination(destination)
        finally:
            await session.close()

    @pytest.mark.parametrize("name", ["club", "news", "the_forum"])
    async def test_later_sessions_know_it_from_the_book(self, dc: TelegramDC, name: str) -> None:
        book = MemoryBook()
        first = await self.seen(dc, book, name)
        assert await self.seen(dc, book, name) == first == await self.seen(dc, book, name)
        assert asked(dc, self.RESOLVE) == 1

    async def test_a_name_that_another_group_has_now_is_looked_up_anew(self, dc: TelegramDC) -> None:
        book = MemoryBook()
        await self.seen(dc, book)
        dc.world.chats[500].chat.username = "old_club"
        dc.world.add_chat(Chat(600, "The new club", "supergroup", "club", "owner"))
        found = await self.seen(dc, book)
        assert isinstance(found, DestinationCheck)
        assert found.title == "The new club"
        assert asked(dc, self.RESOLVE) == 2

    @pytest.mark.parametrize("kept", ["500:1", "77:12", "", "no numbers"])
    async def test_what_telegram_does_not_take_is_looked_up_anew(self, dc: TelegramDC, kept: str) -> None:
        book = MemoryBook()
        await book.keep({"destination:club": kept})
        found = await self.seen(dc, book)
        assert isinstance(found, DestinationCheck)
        assert (found.title, found.right) == ("The club", Right.INVITE)
        assert await self.seen(dc, book) == found
        assert asked(dc, self.RESOLVE) == 1

    async def test_a_wait_is_told_and_nothing_is_looked_up_in_its_stead(self, dc: TelegramDC) -> None:
        book = MemoryBook()
        await self.seen(dc, book)
        strike(dc, "channels.GetChannels", "flood_wait", seconds=40)
        found = await self.seen(dc, book)
        assert isinstance(found, Outcome)
        assert found.kind is Kind.RATE_LIMITED
        assert asked(dc, self.RESOLVE) == 1
