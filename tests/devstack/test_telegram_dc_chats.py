"""Basic groups, forums, and who may add whom, proved with a real TelegramClient over TCP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from telethon import errors, functions, types

from devstack.telegram_dc import journal, scenario
from devstack.telegram_dc.journal import Joined, JoinRequested, Left
from devstack.telegram_dc.scenario import Account, Chat, Person, Scenario
from tests.devstack.test_telegram_dc import API_ID, Town, running

BASIC, SMALL, OPEN, FORUM, NEWS, ASKING, SECRET = range(700, 707)
ALICE, BOB, SHY, RICH, PICKY, WALL, GONE, ROBOT, KICKED, BUSY, MEMBER, NEAR = range(101, 113)


def village() -> Scenario:
    return Scenario(
        accounts=[
            Account("anna", 1, "+10000000001", API_ID, "hash"),
            Account("boris", 2, "+10000000002", API_ID, "hash"),
            Account("clara", 3, "+10000000003", API_ID, "hash", premium=True),
        ],
        people=[
            Person(ALICE, "alice"),
            Person(BOB, "bobby", invite="refuses"),
            Person(SHY, "shyer", invite="refuses_silently", needs_premium_for_pm=True),
            Person(RICH, "richy", needs_premium_to_invite=True),
            Person(PICKY, "picky", needs_premium_to_invite=True, needs_premium_for_pm=True),
            Person(WALL, "thewall", invite="blocked"),
            Person(GONE, "goner", deleted=True),
            Person(ROBOT, "robot_bot", bot=True),
            Person(KICKED, "kicked", kicked_from=[str(BASIC), "the_news"]),
            Person(BUSY, "busybee", invite="too_many_channels"),
            Person(MEMBER, "member"),
            Person(NEAR, "nearby", invite="not_mutual", knows=["anna"]),
        ],
        chats=[
            Chat(BASIC, "Basic", "basic", creator="anna", admins={"clara": ["invite_users"]}, members=[MEMBER, 2]),
            Chat(SMALL, "Small", "basic", creator="anna", members=[2], members_may_invite=True, participants_limit=3),
            Chat(OPEN, "Open", "supergroup", "the_open", creator="anna", members=[2], members_may_invite=True),
            Chat(FORUM, "Forum", "supergroup", "the_forum", creator="anna", forum=True, slow_mode=30),
            Chat(NEWS, "News", "channel", "the_news", creator="anna", members=[2], members_may_invite=True),
            Chat(
                ASKING,
                "Asking",
                "supergroup",
                "the_asking",
                creator="anna",
                members=[2],
                members_may_invite=True,
                join_request=True,
                join_to_send=True,
            ),
            Chat(SECRET, "Secret", "supergroup", creator="anna", private=True, noforwards=True),
        ],
        seed=11,
    )


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with running(village()) as town:
        yield town


async def add(town: Town, account: str, user: int, chat: int = BASIC) -> Any:
    request = functions.messages.AddChatUserRequest(chat, town.user(account, user), fwd_limit=0)
    return await town.ask(account, request)


async def invite(town: Town, account: str, chat: int, *users: int) -> Any:
    people = [town.user(account, user) for user in users]
    return await town.ask(account, functions.channels.InviteToChannelRequest(town.channel(account, chat), people))


async def channel(town: Town, account: str, chat: int) -> Any:
    request = functions.channels.GetChannelsRequest([town.channel(account, chat)])
    return (await town.ask(account, request)).chats[0]


async def full(town: Town, account: str, chat: int) -> Any:
    request = functions.channels.GetFullChannelRequest(town.channel(account, chat))
    return (await town.ask(account, request)).full_chat


def joined(town: Town) -> list[tuple[int, int, str]]:
    return [(e.chat, e.user, e.by) for e in town.dc.journal.of(Joined)]


def flags(answer: Any) -> list[tuple[int, bool, bool]]:
    return [
        (who.user_id, bool(who.premium_would_allow_invite), bool(who.premium_required_for_pm))
        for who in answer.missing_invitees
    ]


class TestBasicGroups:
    async def test_somebody_is_added(self, town: Town) -> None:
        answer = await add(town, "anna", ALICE)
        assert isinstance(answer, types.messages.InvitedUsers)
        assert (answer.missing_invitees, answer.updates.chats[0].id) == ([], BASIC)
        assert joined(town) == [(BASIC, ALICE, "anna")]
        with pytest.raises(errors.UserAlreadyParticipantError):
            await add(town, "clara", ALICE)

    async def test_it_is_looked_at(self, town: Town) -> None:
        anna, boris, clara = [
            (await town.ask(account, functions.messages.GetChatsRequest([BASIC]))).chats[0]
            for account in ("anna", "boris", "clara")
        ]
        assert [type(chat) for chat in (anna, boris, clara)] == [types.Chat] * 3
        assert (anna.creator, boris.creator, anna.participants_count) == (True, False, 4)
        assert (anna.admin_rights.invite_users, boris.admin_rights) == (True, None)
        assert clara.admin_rights.invite_users
        assert anna.default_banned_rights.invite_users
        whole = (await town.ask("boris", functions.messages.GetFullChatRequest(BASIC))).full_chat
        kinds = {who.user_id: type(who) for who in whole.participants.participants}
        plain = types.ChatParticipant
        assert kinds == {1: types.ChatParticipantCreator, 2: plain, 3: types.ChatParticipantAdmin, MEMBER: plain}

    async def test_others_do_not_see_it(self, town: Town) -> None:
        chats = (await town.ask("clara", functions.messages.GetChatsRequest([SMALL]))).chats
        assert isinstance(chats[0], types.ChatForbidden)
        for request in (
            functions.messages.GetFullChatRequest(SMALL),
            functions.messages.GetFullChatRequest(OPEN),
            functions.messages.GetChatsRequest([12345]),
            functions.messages.AddChatUserRequest(SMALL, town.user("clara", ALICE), 0),
        ):
            with pytest.raises(errors.ChatIdInvalidError):
                await town.ask("clara", request)
        with pytest.raises(errors.ChannelInvalidError):
            await channel(town, "anna", BASIC)

    @pytest.mark.parametrize(
        ("user", "error"),
        [
            (BOB, "USER_PRIVACY_RESTRICTED"),
            (WALL, "USER_IS_BLOCKED"),
            (GONE, "INPUT_USER_DEACTIVATED"),
            (KICKED, "CHAT_MEMBER_ADD_FAILED"),
            (NEAR, "USER_NOT_MUTUAL_CONTACT"),
        ],
    )
    async def test_a_refusal_is_an_error(self, town: Town, user: int, error: str) -> None:
        with pytest.raises(errors.RPCError):
            await add(town, "anna", user)
        assert town.dc.journal.requests()[-1].outcome == error
        assert town.effects() == []

    async def test_a_refusal_is_hidden_in_a_success(self, town: Town) -> None:
        assert flags(await add(town, "anna", SHY)) == [(SHY, False, True)]
        assert flags(await add(town, "anna", RICH)) == [(RICH, True, False)]
        assert town.effects() == []

    async def test_bots_and_those_in_many_channels_come_in(self, town: Town) -> None:
        for user in (ROBOT, BUSY):
            await add(town, "anna", user)
        assert [user for _, user, _ in joined(town)] == [ROBOT, BUSY]

    async def test_a_mutual_contact_comes_in(self, town: Town) -> None:
        request = functions.contacts.AddContactRequest(town.user("anna", NEAR), "N", "", "")
        await town.ask("anna", request)
        assert (await add(town, "anna", NEAR)).missing_invitees == []

    async def test_members_add_people_where_they_may(self, town: Town) -> None:
        with pytest.raises(errors.ChatAdminRequiredError):
            await add(town, "boris", ALICE)
        await add(town, "boris", ALICE, SMALL)
        with pytest.raises(errors.UsersTooMuchError):
            await add(town, "boris", MEMBER, SMALL)
        assert joined(town) == [(SMALL, ALICE, "boris")]


class TestSupergroupsAndChannels:
    async def test_members_add_people_where_they_may(self, town: Town) -> None:
        await invite(town, "boris", OPEN, ALICE)
        assert not (await channel(town, "boris", OPEN)).default_banned_rights.invite_users
        assert (await channel(town, "boris", FORUM)).default_banned_rights.invite_users
        with pytest.raises(errors.ChatWriteForbiddenError):
            await invite(town, "clara", OPEN, MEMBER)
        with pytest.raises(errors.ChatAdminRequiredError):
            await invite(town, "boris", NEWS, ALICE)
        assert joined(town) == [(OPEN, ALICE, "boris")]

    async def test_what_they_say_of_themselves(self, town: Town) -> None:
        forum, asking, secret = [await channel(town, "anna", chat) for chat in (FORUM, ASKING, SECRET)]
        assert (forum.forum, forum.megagroup, forum.slowmode_enabled) == (True, True, True)
        assert (asking.forum, asking.join_request, asking.join_to_send) == (False, True, True)
        assert (secret.noforwards, secret.username, asking.noforwards) == (True, None, False)
        assert (await full(town, "anna", FORUM)).slowmode_seconds == 30
        assert (await full(town, "anna", OPEN)).slowmode_seconds is None

    async def test_a_member_asks_for_others_to_be_let_in(self, town: Town) -> None:
        for _ in range(2):
            with pytest.raises(errors.InviteRequestSentError):
                await invite(town, "boris", ASKING, ALICE)
        assert town.effects() == [JoinRequested(town.effects()[0].at, ASKING, ALICE, "boris")]
        assert (await full(town, "anna", ASKING)).requests_pending == 1
        assert (await full(town, "boris", ASKING)).requests_pending is None
        await invite(town, "anna", ASKING, ALICE)
        assert joined(town) == [(ASKING, ALICE, "anna")]
        assert (await full(town, "anna", ASKING)).requests_pending is None

    async def test_it_fills_up_in_the_middle(self, town: Town) -> None:
        state = town.world.chats[OPEN]
        state.chat.participants_limit, state.chat.unlisted_members = 200_000, 199_996
        assert (await full(town, "anna", OPEN)).participants_count == 199_998
        answer = await invite(town, "anna", OPEN, SHY, ALICE, MEMBER, BUSY, RICH, NEAR, KICKED)
        missing = [(SHY, False, True), (BUSY, False, False), (RICH, True, False), (NEAR, False, False)]
        assert flags(answer) == [*missing, (KICKED, False, False)]
        assert [user for _, user, _ in joined(town)] == [ALICE, MEMBER]
        with pytest.raises(errors.UsersTooMuchError):
            await invite(town, "anna", OPEN, BUSY, RICH)

    async def test_a_channel_takes_200(self, town: Town) -> None:
        town.world.chats[NEWS].chat.unlisted_members = 197
        await invite(town, "anna", NEWS, ALICE)
        with pytest.raises(errors.UsersTooMuchError):
            await invite(town, "anna", NEWS, MEMBER)
        request = functions.channels.JoinChannelRequest(town.channel("clara", NEWS))
        assert isinstance(await town.ask("clara", request), types.messages.ChatInviteJoinResultOk)
        assert joined(town) == [(NEWS, ALICE, "anna"), (NEWS, 3, "clara")]

    async def test_premium_opens_doors(self, town: Town) -> None:
        plain = await invite(town, "anna", OPEN, RICH, PICKY, SHY)
        assert flags(plain) == [(RICH, True, False), (PICKY, True, True), (SHY, False, True)]
        await town.ask("clara", functions.channels.JoinChannelRequest(town.channel("clara", OPEN)))
        answer = await invite(town, "clara", OPEN, RICH, PICKY, SHY)
        assert flags(answer) == [(SHY, False, False)]
        assert [user for _, user, _ in joined(town)] == [3, RICH, PICKY]


class TestComingAndGoing:
    async def test_an_account_joins_and_leaves(self, town: Town) -> None:
        peer = town.channel("clara", OPEN)
        leave = functions.channels.LeaveChannelRequest(peer)
        with pytest.raises(errors.UserNotParticipantError):
            await town.ask("clara", leave)
        await town.ask("clara", functions.channels.JoinChannelRequest(peer))
        with pytest.raises(errors.UserAlreadyParticipantError):
            await town.ask("clara", functions.channels.JoinChannelRequest(peer))
        await town.ask("clara", leave)
        assert [type(effect) for effect in town.effects()] == [Joined, Left]
        assert 3 not in town.world.chats[OPEN].members
        with pytest.raises(errors.UserCreatorError):
            await town.ask("anna", functions.channels.LeaveChannelRequest(town.channel("anna", OPEN)))

    async def test_the_door_of_a_public_chat(self, town: Town) -> None:
        for _ in range(2):
            with pytest.raises(errors.InviteRequestSentError):
                await town.ask("clara", functions.channels.JoinChannelRequest(town.channel("clara", ASKING)))
        with pytest.raises(errors.ChannelPrivateError):
            await town.ask("clara", functions.channels.JoinChannelRequest(town.channel("clara", SECRET)))
        town.world.accounts["clara"].account = replace(town.world.accounts["clara"].account, channels_limit=0)
        with pytest.raises(errors.ChannelsTooMuchError):
            await town.ask("clara", functions.channels.JoinChannelRequest(town.channel("clara", OPEN)))
        assert [type(effect) for effect in town.effects()] == [JoinRequested]

    async def test_who_left_comes_back_by_a_mutual_contact_only(self, town: Town) -> None:
        town.world.people[NEAR].invite = "accepts"
        for user in (ALICE, NEAR):
            await invite(town, "anna", OPEN, user)
            town.world.leave(OPEN, user)
            with pytest.raises(errors.UserNotMutualContactError):
                await invite(town, "anna", OPEN, user)
        await town.ask("anna", functions.contacts.AddContactRequest(town.user("anna", NEAR), "N", "", ""))
        assert (await invite(town, "anna", OPEN, NEAR)).missing_invitees == []
        assert [type(effect).__name__ for effect in town.effects()][:4] == ["Joined", "Left"] * 2
        town.world.leave(OPEN, WALL)
        assert len(town.dc.journal.of(Left)) == 2

    async def test_a_restarted_data_centre_knows_who_left(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        async with running(village(), journal_path=path) as town:
            await invite(town, "anna", OPEN, ALICE, MEMBER)
            town.world.leave(OPEN, ALICE)
            assert journal.read(path) == town.dc.journal
        async with running(village(), journal_path=path) as town:
            assert town.world.chats[OPEN].members == {1, 2, MEMBER}
            with pytest.raises(errors.UserNotMutualContactError):
                await invite(town, "anna", OPEN, ALICE)


@pytest.mark.parametrize(
    ("chat", "complaint"),
    [
        (Chat(1, "B", "basic", "named"), "a basic group has no username"),
        (Chat(1, "C", "channel", forum=True), "only a supergroup can be a forum"),
        (Chat(1, "C", "channel", posts=[scenario.Post(1, "a"), scenario.Post(1, "b")]), "post 1 is used 2 times"),
        (Chat(1, "C", "channel", links=[scenario.InviteLink("h")], invite_hash="h"), "invite link 'h' is used 2"),
        (Chat(1, "C", "channel", links=[scenario.InviteLink("h", creator="who")]), "there is no account 'who'"),
    ],
)
def test_a_chat_that_cannot_be(chat: Chat, complaint: str) -> None:
    with pytest.raises(scenario.ScenarioError, match=complaint):
        scenario.check(Scenario(chats=[chat]))


def test_the_new_fields_read_back(tmp_path: Path) -> None:
    whole = village()
    whole.random_id_memory = 60
    whole.chats[0].posts = [scenario.Post(5, "five")]
    whole.chats[0].links = [scenario.InviteLink("abc", usage_limit=3, expire_date=1_900_000_000)]
    scenario.dump(whole, tmp_path / "village.json")
    assert scenario.load(tmp_path / "village.json") == whole


class TestParticipants:
    async def listed(self, town: Town, account: str, chat: int, offset: int = 0, limit: int = 200) -> Any:
        request = functions.channels.GetParticipantsRequest(
            town.channel(account, chat), types.ChannelParticipantsRecent(), offset, limit, hash=0
        )
        return await town.ask(account, request)

    async def test_are_listed_page_by_page(self, town: Town) -> None:
        await invite(town, "anna", OPEN, ALICE, MEMBER)
        whole = await self.listed(town, "boris", OPEN)
        assert [each.user_id for each in whole.participants] == [1, 2, ALICE, MEMBER]
        assert isinstance(whole.participants[0], types.ChannelParticipantCreator)
        assert {each.id for each in whole.users} == {1, 2, ALICE, MEMBER}
        second = await self.listed(town, "boris", OPEN, offset=1, limit=2)
        assert (second.count, [each.user_id for each in second.participants]) == (4, [2, ALICE])

    async def test_of_a_channel_for_its_admins_only(self, town: Town) -> None:
        assert (await self.listed(town, "anna", NEWS)).count == 2
        with pytest.raises(errors.ChatAdminRequiredError):
            await self.listed(town, "boris", NEWS)
