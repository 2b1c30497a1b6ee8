"""The Telegram adapter and who is in a group or channel now: nobody is looked up, and few requests are made."""

from collections.abc import AsyncIterator

import pytest

from devstack.telegram_dc.scenario import Chat
from devstack.telegram_dc.scenario import Person as Inhabitant
from devstack.telegram_dc.server import TelegramDC
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import Session
from domain.recipient import Person
from tests.adapters import telegram_town as town
from tests.adapters.telegram_town import asked, sign_in, strike

FAMILY = "+FamilyHash10"
ONE, PAGE, GROUP = "channels.GetParticipant", "channels.GetParticipants", "messages.GetFullChat"
PEOPLE = [Person(number, username=f"guest_{number}") for number in range(6)]
IDS = [1000 + person.position for person in PEOPLE]


@pytest.fixture
async def session(dc: TelegramDC) -> AsyncIterator[Session]:
    """The owner's, who has looked everybody up."""
    for person, user_id in zip(PEOPLE, IDS, strict=True):
        dc.world.add_person(Inhabitant(user_id, person.username))
    session = await sign_in(dc)
    for person in PEOPLE:
        await session.find(person)
    yield session
    await session.close()


@pytest.mark.parametrize("destination", ["club", "news", FAMILY])
async def test_who_came_stayed_and_left(dc: TelegramDC, session: Session, destination: str) -> None:
    chat = {"club": 500, "news": 501, FAMILY: 512}[destination]
    for person in PEOPLE[:4]:
        await session.invite(person, destination)
    dc.world.leave(chat, IDS[1])
    before = town.lookups(dc)
    told = await session.members(PEOPLE, destination)
    assert told == {0: True, 1: False, 2: True, 3: True, 4: False, 5: False}
    assert town.lookups(dc) == before


async def test_who_waits_to_be_let_in_is_seen_once_an_admin_has_let_them_in(dc: TelegramDC, session: Session) -> None:
    dc.world.join_by_link("RequestHash1", IDS[0])
    assert await session.members(PEOPLE[:1], "+RequestHash1") == {0: False}
    dc.world.approve(520, IDS[0], by="owner")
    assert await session.members(PEOPLE[:1], "+RequestHash1") == {0: True}


class TestRequests:
    async def requests(self, dc: TelegramDC, session: Session, people: list[Person], where: str) -> dict[str, int]:
        await session.check_destination(where)
        before = {method: asked(dc, method) for method in (ONE, PAGE, GROUP)}
        await session.members(people, where)
        return {method: n for method in before if (n := asked(dc, method) - before[method])}

    async def test_one_person_costs_one(self, dc: TelegramDC, session: Session) -> None:
        assert await self.requests(dc, session, PEOPLE[:1], "club") == {ONE: 1}

    async def test_many_in_a_short_list_cost_one_page(self, dc: TelegramDC, session: Session) -> None:
        assert await self.requests(dc, session, PEOPLE, "club") == {PAGE: 1}

    async def test_a_basic_group_tells_all_at_once(self, dc: TelegramDC, session: Session) -> None:
        assert await self.requests(dc, session, PEOPLE, FAMILY) == {GROUP: 1}

    async def test_a_list_is_read_to_its_end_where_that_is_cheaper(self, dc: TelegramDC, session: Session) -> None:
        crowd = [dc.world.add_person(Inhabitant(5000 + number, None)).user_id for number in range(450)]
        dc.world.add_chat(Chat(700, "Crowded", "supergroup", "crowded", "owner", members=[*crowd, IDS[0]]))
        assert await self.requests(dc, session, PEOPLE, "crowded") == {PAGE: 3}
        assert await session.members(PEOPLE, "crowded") == {0: True, 1: False, 2: False, 3: False, 4: False, 5: False}

    async def test_a_list_that_is_not_whole_proves_no_absence(self, dc: TelegramDC, session: Session) -> None:
        dc.world.add_chat(Chat(701, "Huge", "supergroup", "huge", "owner", members=IDS[:4], unlisted_members=90_000))
        assert await self.requests(dc, session, PEOPLE, "huge") == {PAGE: 1, ONE: 2}
        assert await session.members(PEOPLE[3:], "huge") == {3: True, 4: False, 5: False}


class TestWhatIsNotTold:
    async def test_of_whom_the_account_does_not_know(self, dc: TelegramDC, session: Session) -> None:
        stranger = await sign_in(dc, "admin")
        before = town.lookups(dc)
        assert await stranger.members(PEOPLE[:1], "club") == {}
        await session.invite(PEOPLE[0], "club")
        assert await stranger.members(PEOPLE, "club") == {0: True}, "the list names who is there"
        assert town.lookups(dc) == before + 2, "the destination's name, by each of the two"
        await stranger.close()

    @pytest.mark.parametrize(("account", "where"), [("member", "news"), ("owner", "nowhere"), ("outsider", FAMILY)])
    async def test_where_the_account_sees_nobody(self, dc: TelegramDC, account: str, where: str) -> None:
        session = await sign_in(dc, account)
        await session.find(town.ANNA)
        assert await session.members([town.ANNA], where) == {}
        assert await session.members([town.ANNA, town.NOBODY], where) == {}
        await session.close()

    async def test_a_hidden_list_is_asked_person_by_person(self, dc: TelegramDC, session: Session) -> None:
        await session.invite(PEOPLE[0], "club")
        strike(dc, PAGE, "rpc_error", error="CHAT_ADMIN_REQUIRED", code=400)
        assert await session.members(PEOPLE[:2], "club") == {0: True, 1: False}

    @pytest.mark.parametrize("method", [ONE, PAGE])
    async def test_but_a_wait_is_the_accounts_matter(self, dc: TelegramDC, session: Session, method: str) -> None:
        await session.check_destination("club")
        strike(dc, method, "flood_wait", seconds=40)
        told = await session.members(PEOPLE[: 1 if method == ONE else 2], "club")
        assert isinstance(told, Outcome)
        assert (told.kind, told.reason) == (Kind.RATE_LIMITED, Reason.FLOOD_WAIT)

    async def test_and_an_error_of_the_server_is_nobodys(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, ONE, "server_error")
        with pytest.raises(Unavailable):
            await session.members(PEOPLE[:1], "club")
