"""Invite links, join requests and importers, proved with a real TelegramClient over TCP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon import errors, functions, types

from devstack.telegram_dc import journal
from devstack.telegram_dc.journal import Joined, JoinRequested, LinkExported, LinkRevoked, RequestDismissed
from devstack.telegram_dc.scenario import Account, Chat, InviteLink, Person, Scenario
from tests.devstack.test_telegram_dc import API_ID, FakeClock, Town, running

CLUB, NEWS, BASIC = 800, 801, 802
ALICE, BOB, CAROL, DAVE = range(101, 105)
PAST, FUTURE = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2029, 2031))


def clubs() -> Scenario:
    return Scenario(
        accounts=[Account(name, number, f"+{number}", API_ID, "hash") for number, name in enumerate("abc", 1)],
        people=[Person(user, f"person_{user}") for user in (ALICE, BOB, CAROL, DAVE)],
        chats=[
            Chat(
                CLUB,
                "Club",
                "supergroup",
                creator="a",
                private=True,
                invite_hash="club-main",
                links=[
                    InviteLink("club_twice", title="two", usage_limit=2),
                    InviteLink("club_past", expire_date=PAST),
                    InviteLink("club_soon", expire_date=FUTURE),
                    InviteLink("club_gone", revoked=True),
                    InviteLink("club_ask", request_needed=True),
                ],
            ),
            Chat(NEWS, "News", "channel", "the_news", creator="a", invite_hash="newsmain", unlisted_members=500),
            Chat(BASIC, "Basic", "basic", creator="a", invite_hash="basicmain", participants_limit=2),
        ],
        seed=5,
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def town(clock: FakeClock) -> AsyncIterator[Town]:
    async with running(clubs(), clock=clock) as town:
        yield town


async def check(town: Town, account: str, link: str) -> Any:
    return await town.ask(account, functions.messages.CheckChatInviteRequest(link))


async def enter(town: Town, account: str, link: str) -> Any:
    return await town.ask(account, functions.messages.ImportChatInviteRequest(link))


async def export(town: Town, account: str = "a", **options: Any) -> Any:
    request = functions.messages.ExportChatInviteRequest(town.channel(account, CLUB), **options)
    return await town.ask(account, request)


async def importers(town: Town, link: str | None = None, **options: Any) -> Any:
    options = {"offset_date": None, "offset_user": types.InputUserEmpty(), "limit": 10, **options}
    request = functions.messages.GetChatInviteImportersRequest(town.channel("a", CLUB), link=link, **options)
    return await town.ask("a", request)


class TestChecking:
    async def test_others_see_a_description(self, town: Town) -> None:
        club, news, basic = [await check(town, "b", link) for link in ("club-main", "newsmain", "basicmain")]
        assert [type(invite) for invite in (club, news, basic)] == [types.ChatInvite] * 3
        assert (club.title, club.participants_count, news.participants_count) == ("Club", 1, 501)
        kinds = [(chat.channel, chat.megagroup, chat.broadcast, chat.public) for chat in (club, news, basic)]
        assert kinds == [(True, True, False, False), (True, False, True, True), (False, False, False, False)]
        assert not club.request_needed
        assert (await check(town, "b", "club_ask")).request_needed

    async def test_members_see_the_chat(self, town: Town) -> None:
        club, basic = await check(town, "a", "club-main"), await check(town, "a", "basicmain")
        assert isinstance(club, types.ChatInviteAlready)
        assert (club.chat.id, club.chat.creator) == (CLUB, True)
        assert club.chat.access_hash == town.channel("a", CLUB).access_hash
        assert (type(basic.chat), basic.chat.id) == (types.Chat, BASIC)

    @pytest.mark.parametrize(
        ("link", "error"),
        [
            ("", errors.InviteHashEmptyError),
            ("nobody-knows", errors.InviteHashInvalidError),
            ("club_past", errors.InviteHashExpiredError),
            ("club_gone", errors.InviteHashExpiredError),
        ],
    )
    async def test_a_link_that_leads_nowhere(self, town: Town, link: str, error: type[Exception]) -> None:
        for way in (check, enter):
            with pytest.raises(error):
                await way(town, "b", link)
        assert town.effects() == []

    async def test_who_was_removed_stays_out(self, town: Town) -> None:
        town.world.people[2].kicked_from.append(str(CLUB))
        for way in (check, enter):
            with pytest.raises(errors.ChannelPrivateError):
                await way(town, "b", "club-main")


class TestJoining:
    async def test_an_account_comes_in(self, town: Town) -> None:
        peer = town.channel("b", CLUB)
        with pytest.raises(errors.ChannelPrivateError):
            await town.ask("b", functions.channels.GetChannelsRequest([peer]))
        answer = await enter(town, "b", "club-main")
        assert isinstance(answer, types.messages.ChatInviteJoinResultOk)
        assert (answer.updates.chats[0].id, answer.updates.chats[0].access_hash) == (CLUB, peer.access_hash)
        assert town.effects() == [Joined(town.world.now(), CLUB, 2, "b", "club-main")]
        assert isinstance(await check(town, "b", "club-main"), types.ChatInviteAlready)
        with pytest.raises(errors.UserAlreadyParticipantError):
            await enter(town, "b", "club-main")

    async def test_a_basic_group_is_full(self, town: Town) -> None:
        answer = await enter(town, "b", "basicmain")
        assert isinstance(answer.updates.chats[0], types.Chat)
        with pytest.raises(errors.UsersTooMuchError):
            await enter(town, "c", "basicmain")

    async def test_an_account_is_in_too_many_channels(self, town: Town) -> None:
        scenario = clubs()
        scenario.accounts[1] = Account("b", 2, "+2", API_ID, "hash", channels_limit=1)
        async with running(scenario) as other:
            await enter(other, "b", "club-main")
            with pytest.raises(errors.ChannelsTooMuchError):
                await enter(other, "b", "newsmain")
            await enter(other, "b", "basicmain")

    async def test_a_link_is_used_up_or_expires(self, town: Town, clock: FakeClock) -> None:
        town.world.join_by_link("club_twice", ALICE)
        await enter(town, "b", "club_twice")
        with pytest.raises(errors.InviteHashExpiredError):
            await enter(town, "c", "club_twice")
        assert isinstance(await check(town, "b", "club_twice"), types.ChatInviteAlready)
        await check(town, "c", "club_soon")
        clock.at = datetime.fromtimestamp(FUTURE, UTC)
        with pytest.raises(errors.InviteHashExpiredError):
            await enter(town, "c", "club_soon")

    async def test_some_have_to_wait(self, town: Town) -> None:
        for _ in range(2):
            with pytest.raises(errors.InviteRequestSentError):
                await enter(town, "b", "club_ask")
        with pytest.raises(errors.InviteRequestSentError):
            await enter(town, "c", "club_ask")
        town.world.join_by_link("club_ask", ALICE)
        waiting = await importers(town, requested=True)
        assert [(who.user_id, who.requested) for who in waiting.importers] == [(ALICE, True), (3, True), (2, True)]
        hide = functions.messages.HideChatJoinRequestRequest
        await town.ask("a", hide(town.channel("a", CLUB), town.user("a", 2), approved=True))
        await town.ask("a", hide(town.channel("a", CLUB), town.user("a", 3)))
        town.world.approve(CLUB, ALICE)
        with pytest.raises(errors.HideRequesterMissingError):
            await town.ask("a", hide(town.channel("a", CLUB), town.user("a", BOB), approved=True))
        at = town.world.now()
        assert town.effects()[-3:] == [
            Joined(at, CLUB, 2, "a", "club_ask"),
            RequestDismissed(at, CLUB, 3, "a"),
            Joined(at, CLUB, ALICE, "", "club_ask"),
        ]
        assert len(town.dc.journal.of(JoinRequested)) == 3
        came = (await importers(town, "https://t.me/+club_ask")).importers
        assert [(who.user_id, who.approved_by) for who in came] == [(ALICE, None), (2, 1)]


class TestManaging:
    async def test_links_are_made(self, town: Town, clock: FakeClock) -> None:
        ends = clock.at + timedelta(days=1)
        made = await export(town, title="spring", usage_limit=1, expire_date=ends)
        asking = await export(town, request_needed=True)
        assert made.link.startswith("https://t.me/+")
        assert (made.title, made.usage_limit, made.expire_date, made.admin_id) == ("spring", 1, ends, 1)
        assert (made.link != asking.link, asking.request_needed) == (True, True)
        link = made.link.removeprefix("https://t.me/+")
        assert town.effects()[0] == LinkExported(clock.at, CLUB, "a", link, "spring", 1, int(ends.timestamp()))
        await enter(town, "b", link)
        with pytest.raises(errors.InviteHashExpiredError):
            await enter(town, "c", link)
        with pytest.raises(errors.InviteRequestSentError):
            await enter(town, "c", asking.link.removeprefix("https://t.me/+"))

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"expire_date": datetime.fromtimestamp(PAST, UTC)}, errors.ExpireDateInvalidError),
            ({"usage_limit": 0}, errors.UsageLimitInvalidError),
            ({"usage_limit": 100_000}, errors.UsageLimitInvalidError),
            ({"usage_limit": 5, "request_needed": True}, errors.UsageLimitInvalidError),
        ],
    )
    async def test_a_link_that_cannot_be(self, town: Town, options: Any, error: type[Exception]) -> None:
        with pytest.raises(error):
            await export(town, **options)
        assert town.effects() == []

    async def test_only_who_may_invite_manages(self, town: Town) -> None:
        with pytest.raises(errors.ChannelPrivateError):
            await export(town, "b")
        await enter(town, "b", "club-main")
        with pytest.raises(errors.ChatAdminRequiredError):
            await export(town, "b")
        with pytest.raises(errors.PeerIdInvalidError):
            await town.ask("a", functions.messages.ExportChatInviteRequest(town.user("a", ALICE)))
        with pytest.raises(errors.PeerIdInvalidError):
            await town.ask("b", functions.messages.ExportChatInviteRequest(types.InputPeerChat(BASIC)))
        made = await town.ask("a", functions.messages.ExportChatInviteRequest(types.InputPeerChat(BASIC)))
        assert made.link

    async def test_a_link_is_revoked(self, town: Town) -> None:
        address = "https://t.me/+club-main"
        edit = functions.messages.EditExportedChatInviteRequest(town.channel("a", CLUB), address, revoked=True)
        for _ in range(2):
            assert (await town.ask("a", edit)).invite.revoked
        assert town.effects() == [LinkRevoked(town.world.now(), CLUB, "a", "club-main")]
        with pytest.raises(errors.InviteHashExpiredError):
            await check(town, "b", "club-main")

    async def test_importers_come_in_pages(self, town: Town, clock: FakeClock) -> None:
        for user in (ALICE, BOB, CAROL, DAVE):
            link = "club_soon" if user == DAVE else "club-main"
            town.world.join_by_link(link, user)
            town.world.join_by_link(link, user)
            clock.advance(30 if user != ALICE else 0)
        first = await importers(town, "https://t.me/+club-main", limit=2)
        assert (first.count, [who.user_id for who in first.importers]) == (3, [CAROL, BOB])
        assert [user.id for user in first.users] == [CAROL, BOB]
        last = first.importers[-1]
        behind = {"offset_date": last.date, "offset_user": town.user("a", last.user_id)}
        rest = await importers(town, "https://t.me/+club-main", **behind)
        assert [who.user_id for who in rest.importers] == [ALICE]
        assert [who.user_id for who in (await importers(town)).importers] == [DAVE, CAROL, BOB, ALICE]
        with pytest.raises(errors.InviteHashExpiredError):
            await importers(town, "https://t.me/+newsmain")
        usage = (await export_list(town))[0].usage
        assert usage == 3

    async def test_a_restarted_data_centre_knows_its_links(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        async with running(clubs(), journal_path=path) as town:
            link = (await export(town, usage_limit=2)).link.removeprefix("https://t.me/+")
            await enter(town, "b", link)
            town.world.join_by_link("club_ask", ALICE)
            assert journal.read(path) == town.dc.journal
        async with running(clubs(), journal_path=path) as town:
            assert [who.user_id for who in (await importers(town, requested=True)).importers] == [ALICE]
            await enter(town, "c", link)
            town.world.leave(CLUB, 2)
            with pytest.raises(errors.InviteHashExpiredError):
                await enter(town, "b", link)
            await enter(town, "b", "club-main")


async def export_list(town: Town) -> list[Any]:
    """The permanent link, as the full description shows it."""
    request = functions.channels.GetFullChannelRequest(town.channel("a", CLUB))
    return [(await town.ask("a", request)).full_chat.exported_invite]
