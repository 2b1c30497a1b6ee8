"""Contacts, prices, forwards, forgetting and freezing, proved with a real TelegramClient over TCP."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import errors, functions, types

from devstack.telegram_dc import journal
from devstack.telegram_dc.journal import ContactAdded, Forwarded, Message
from devstack.telegram_dc.scenario import Account, Chat, Fault, Person, Post, Scenario
from tests.devstack.test_telegram_dc import API_ID, FakeClock, Town, make_client, retire, running

NEWS, SEALED, SECRET = 900, 901, 902
ALICE, BOB, PREMIUM, PAID, HIDDEN, FRIEND, GONE = range(101, 108)


def people() -> Scenario:
    return Scenario(
        accounts=[
            Account("anna", 1, "+10000000001", API_ID, "hash", import_limit=2, import_period=3600),
            Account("boris", 2, "+10000000002", API_ID, "hash", premium=True),
            Account("frozen", 3, "+10000000003", API_ID, "hash", frozen=True),
        ],
        people=[
            Person(ALICE, "alice", "+4915100001"),
            Person(BOB, "bobby", message="refuses_privacy"),
            Person(PREMIUM, "premium", needs_premium_for_pm=True),
            Person(PAID, "payme", message="paid", paid_stars=25),
            Person(HIDDEN, "hidden", "+4915100005", phone_hidden=True, knows=["boris"]),
            Person(FRIEND, "friend", "+4915100006", message="premium_only", knows=["anna"]),
            Person(GONE, "goner", "+4915100007", deleted=True),
        ],
        chats=[
            Chat(NEWS, "News", "channel", "the_news", creator="boris", posts=[Post(7, "seven"), Post(9, "nine")]),
            Chat(SEALED, "Sealed", "channel", "the_sealed", noforwards=True, posts=[Post(1, "one")]),
            Chat(SECRET, "Secret", "supergroup", creator="boris", private=True, posts=[Post(1, "one")]),
        ],
        seed=3,
        random_id_memory=600,
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def town(clock: FakeClock) -> AsyncIterator[Town]:
    async with running(people(), clock=clock) as town:
        yield town


async def send(town: Town, account: str, user: int, random_id: int = 1, **options: Any) -> Any:
    request = functions.messages.SendMessageRequest(town.user(account, user), "hello", random_id=random_id, **options)
    return await town.ask(account, request)


async def forward(
    town: Town, posts: list[int], ids: list[int], *, user: int = ALICE, chat: int = NEWS, account: str = "anna"
) -> Any:
    source, target = town.channel(account, chat), town.user(account, user)
    request = functions.messages.ForwardMessagesRequest(source, posts, target, random_id=ids)
    return await town.ask(account, request)


async def add_numbers(town: Town, account: str, *phones: str) -> Any:
    contacts = [types.InputPhoneContact(number, phone, "N", "") for number, phone in enumerate(phones, 10)]
    return await town.ask(account, functions.contacts.ImportContactsRequest(contacts))


async def wanted(town: Town, account: str, *users: int) -> list[Any]:
    peers = [town.user(account, user) for user in users]
    answers: list[Any] = await town.ask(account, functions.users.GetRequirementsToContactRequest(peers))
    return answers


class TestContacts:
    async def test_numbers_are_found_or_not(self, town: Town) -> None:
        numbers = ("+1 999", "+49 151 00005", "+49 151 00001", "+4915100007")
        answer = await add_numbers(town, "boris", *numbers)
        assert [(who.client_id, who.user_id) for who in answer.imported] == [(11, HIDDEN), (12, ALICE)]
        assert (answer.retry_contacts, [user.id for user in answer.users]) == ([], [HIDDEN, ALICE])
        assert (await add_numbers(town, "anna", "+4915100005", "+1999")).imported == []
        at = town.world.now()
        assert town.effects() == [ContactAdded(at, HIDDEN, "boris"), ContactAdded(at, ALICE, "boris")]

    async def test_some_are_to_be_tried_again(self, town: Town, clock: FakeClock) -> None:
        numbers = ("+1999", "+4915100001", "+4915100006", "+1998")
        answer = await add_numbers(town, "anna", *numbers)
        assert [who.client_id for who in answer.imported] == [11]
        assert answer.retry_contacts == [12, 13]
        clock.advance(3599)
        assert (await add_numbers(town, "anna", "+4915100006")).retry_contacts == [10]
        clock.advance(1)
        answer = await add_numbers(town, "anna", "+4915100006")
        assert ([who.user_id for who in answer.imported], answer.retry_contacts) == ([FRIEND], [])

    async def test_one_person_has_a_name_and_a_number(self, town: Town) -> None:
        by_phone = (await add_numbers(town, "anna", "+4915100001")).users[0]
        by_name = await town.find("anna", "alice")
        assert (by_phone.id, by_phone.access_hash) == (by_name.user_id, by_name.access_hash)
        assert (by_phone.username, by_phone.contact) == ("alice", True)

    async def test_who_cannot_be_reached_is_empty(self, town: Town) -> None:
        mine, foreign, nobody = town.user("anna", ALICE), town.user("boris", ALICE), town.user("anna", 999)
        found = await town.ask("anna", functions.users.GetUsersRequest([mine, foreign, nobody]))
        assert [(type(user), user.id) for user in found] == [
            (types.User, ALICE),
            (types.UserEmpty, ALICE),
            (types.UserEmpty, 999),
        ]


class TestRequirements:
    async def test_what_it_takes_to_write(self, town: Town) -> None:
        everybody = (ALICE, PREMIUM, PAID, FRIEND, BOB, GONE)
        answers = await wanted(town, "anna", *everybody)
        empty, premium = types.RequirementToContactEmpty, types.RequirementToContactPremium
        paid = types.RequirementToContactPaidMessages
        assert [type(answer) for answer in answers] == [empty, premium, paid, empty, empty, empty]
        assert answers[2].stars_amount == 25
        assert [type(answer) for answer in await wanted(town, "boris", PREMIUM, FRIEND)] == [empty, empty]

    async def test_many_are_asked_at_once(self, town: Town) -> None:
        assert len(await wanted(town, "anna", *[ALICE, PAID] * 100)) == 200
        with pytest.raises(errors.UserIdInvalidError):
            await wanted(town, "anna", ALICE, 999)

    async def test_and_so_it_is(self, town: Town) -> None:
        for user, error in ((PREMIUM, "PRIVACY_PREMIUM_REQUIRED"), (PAID, "ALLOW_PAYMENT_REQUIRED_25")):
            with pytest.raises(errors.RPCError):
                await send(town, "anna", user)
            assert town.dc.journal.requests()[-1].outcome == error
        await send(town, "anna", PAID, allow_paid_stars=25)
        await send(town, "anna", FRIEND, random_id=2)
        await send(town, "boris", PREMIUM)
        assert [(m.by, m.to_user) for m in town.dc.journal.of(Message)] == [
            ("anna", PAID),
            ("anna", FRIEND),
            ("boris", PREMIUM),
        ]


class TestForwards:
    async def test_posts_arrive(self, town: Town) -> None:
        answer = await forward(town, [9, 7], [51, 52])
        ids = {u.random_id: u.id for u in answer.updates if isinstance(u, types.UpdateMessageID)}
        told = [u.message for u in answer.updates if isinstance(u, types.UpdateNewMessage)]
        assert list(ids) == [51, 52]
        assert [(m.id, m.message, m.fwd_from.channel_post) for m in told] == [
            (ids[51], "nine", 9),
            (ids[52], "seven", 7),
        ]
        at = town.world.now()
        assert town.effects() == [
            Forwarded(at, ALICE, "anna", 51, NEWS, 9),
            Forwarded(at, ALICE, "anna", 52, NEWS, 7),
        ]

    @pytest.mark.parametrize(
        ("posts", "ids", "chat", "user", "error"),
        [
            ([], [], NEWS, ALICE, "MESSAGE_IDS_EMPTY"),
            ([7], [1, 2], NEWS, ALICE, "RANDOM_ID_INVALID"),
            ([7, 8], [1, 2], NEWS, ALICE, "MESSAGE_ID_INVALID"),
            ([7, 9], [1, 1], NEWS, ALICE, "RANDOM_ID_DUPLICATE"),
            ([1], [1], SEALED, ALICE, "CHAT_FORWARDS_RESTRICTED"),
            ([1], [1], SECRET, ALICE, "CHANNEL_PRIVATE"),
            ([7], [1], 999, ALICE, "CHANNEL_INVALID"),
            ([7], [1], NEWS, 999, "PEER_ID_INVALID"),
            ([7], [1], NEWS, BOB, "USER_PRIVACY_RESTRICTED"),
            ([7], [1], NEWS, PREMIUM, "PRIVACY_PREMIUM_REQUIRED"),
            ([7], [1], NEWS, GONE, "INPUT_USER_DEACTIVATED"),
        ],
    )
    async def test_refusals(
        self, town: Town, posts: list[int], ids: list[int], chat: int, user: int, error: str
    ) -> None:
        with pytest.raises(errors.RPCError):
            await forward(town, posts, ids, chat=chat, user=user)
        assert town.dc.journal.requests()[-1].outcome == error
        assert town.effects() == []

    async def test_random_ids_count_for_messages_and_forwards(self, town: Town, tmp_path: Path) -> None:
        await forward(town, [7], [1])
        with pytest.raises(errors.RandomIdDuplicateError):
            await forward(town, [7, 9], [2, 1])
        with pytest.raises(errors.RandomIdDuplicateError):
            await send(town, "anna", ALICE, random_id=1)
        await send(town, "anna", ALICE, random_id=2)
        with pytest.raises(errors.RandomIdDuplicateError):
            await forward(town, [9], [2])
        assert [type(effect) for effect in town.effects()] == [Forwarded, Message]

    async def test_posts_are_looked_at(self, town: Town) -> None:
        wanted_posts = [types.InputMessageID(7), types.InputMessageID(8)]
        request = functions.channels.GetMessagesRequest(town.channel("anna", NEWS), wanted_posts)
        found = (await town.ask("anna", request)).messages
        assert [(type(m).__name__, m.id) for m in found] == [("Message", 7), ("MessageEmpty", 8)]
        assert found[0].message == "seven"

    async def test_members_forward_from_a_private_chat(self, town: Town) -> None:
        answer = await forward(town, [1], [1], chat=SECRET, account="boris")
        assert answer.chats[0].id == SECRET

    async def test_a_restarted_data_centre_remembers(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        async with running(people(), journal_path=path) as town:
            await forward(town, [7], [1])
            assert journal.read(path) == town.dc.journal
        async with running(people(), journal_path=path) as town:
            with pytest.raises(errors.RandomIdDuplicateError):
                await forward(town, [7], [1])


class TestForgetting:
    async def test_a_random_id_is_forgotten(self, town: Town, clock: FakeClock) -> None:
        await send(town, "anna", ALICE)
        clock.advance(599)
        with pytest.raises(errors.RandomIdDuplicateError):
            await send(town, "anna", ALICE)
        clock.advance(1)
        await send(town, "anna", ALICE)
        with pytest.raises(errors.RandomIdDuplicateError):
            await send(town, "anna", ALICE)
        assert [m.random_id for m in town.dc.journal.of(Message)] == [1, 1]

    async def test_or_never(self, clock: FakeClock) -> None:
        scenario = people()
        scenario.random_id_memory = None
        async with running(scenario, clock=clock) as town:
            await send(town, "anna", ALICE)
            clock.advance(86400 * 365)
            with pytest.raises(errors.RandomIdDuplicateError):
                await send(town, "anna", ALICE)


class TestAccounts:
    async def test_a_frozen_account_reads_only(self, town: Town) -> None:
        news, alice = town.channel("frozen", NEWS), town.user("frozen", ALICE)
        for request in (
            functions.messages.SendMessageRequest(alice, "hello"),
            functions.messages.ForwardMessagesRequest(news, [7], alice),
            functions.messages.ImportChatInviteRequest("some"),
            functions.messages.AddChatUserRequest(1, alice, 0),
            functions.messages.ExportChatInviteRequest(news),
            functions.channels.JoinChannelRequest(news),
            functions.channels.InviteToChannelRequest(news, [alice]),
            functions.contacts.ImportContactsRequest([]),
        ):
            with pytest.raises(errors.FrozenMethodInvalidError):
                await town.ask("frozen", request)
        assert (await town.find("frozen", "alice")).user_id == ALICE
        assert (await town.ask("frozen", functions.channels.GetChannelsRequest([news]))).chats
        said = {account: await freeze_of(town, account) for account in ("frozen", "anna")}
        assert set(said["frozen"]) == {"freeze_since_date", "freeze_until_date", "freeze_appeal_url"}
        assert said["anna"] == {}
        assert town.effects() == []

    async def test_resolving_too_many_names_is_flood(self, town: Town, clock: FakeClock) -> None:
        town.dc.add_fault(
            Fault("anna", "contacts.ResolveUsername", after=2, kind="flood_wait", seconds=50_000, times=None)
        )
        for username in ("alice", "bobby"):
            await town.find("anna", username)
        for left in (50_000, 49_000):
            with pytest.raises(errors.FloodWaitError) as caught:
                await town.find("anna", "payme")
            assert caught.value.seconds == left
            clock.advance(1000)
        await send(town, "anna", ALICE)
        assert (await town.find("boris", "payme")).user_id == PAID

    async def test_premium_shows(self, town: Town) -> None:
        both = [town.user("anna", user) for user in (1, 2)]
        found = await town.ask("anna", functions.users.GetUsersRequest(both))
        assert [user.premium for user in found] == [False, True]


async def freeze_of(town: Town, account: str) -> dict[str, Any]:
    config = (await town.ask(account, functions.help.GetAppConfigRequest(0))).config
    return {item.key: item.value.value for item in config.value}


async def test_many_clients_at_once() -> None:
    accounts = [Account(f"a{n}", n, f"+{n}", API_ID, "hash") for n in range(1, 201)]
    scenario = Scenario(accounts, people=[Person(5000, "somebody")])
    async with running(scenario) as town:
        clients = [make_client(town.dc.session_string(account.name)) for account in accounts]
        begun = time.monotonic()
        await asyncio.gather(*(client.connect() for client in clients))
        assert time.monotonic() - begun < 5
        requests = [
            client(functions.messages.SendMessageRequest(town.user(account.name, 5000), "hello", random_id=1))
            for client, account in zip(clients, accounts, strict=True)
        ]
        await asyncio.gather(*requests)
        assert len({message.by for message in town.dc.journal.of(Message)}) == 200
        await asyncio.gather(*(retire(client) for client in clients))
