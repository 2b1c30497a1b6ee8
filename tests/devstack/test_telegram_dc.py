"""The loopback data centre, proved with a real TelegramClient over TCP."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient, errors, functions, types
from telethon.network import connection as transports
from telethon.sessions import StringSession

from devstack.telegram_dc import journal, scenario
from devstack.telegram_dc.journal import ContactAdded, ContactRemoved, Joined, Message, SessionDestroyed
from devstack.telegram_dc.scenario import Account, Chat, Fault, Latency, Person, Scenario
from devstack.telegram_dc.server import TelegramDC

API_ID = 4242
PATIENCE = 5.0
ROOT = Path(__file__).resolve().parents[2]

GROUP, CHANNEL, CLOSED = 500, 501, 502
ALICE, BOB, SILENT, PREMIUM, BUSY, GONE, ROBOT, KICKED, MEMBER, WALL, PAID, FRIEND = range(101, 113)

Connect = Callable[..., Awaitable[TelegramClient]]


class FakeClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def city() -> Scenario:
    return Scenario(
        accounts=[
            Account("anna", 1, "+10000000001", API_ID, "hash", username="anna_sells"),
            Account("boris", 2, "+10000000002", API_ID, "hash"),
            Account("clara", 3, "+10000000003", API_ID, "hash"),
        ],
        people=[
            Person(ALICE, "alice", "+4915112345"),
            Person(BOB, "bobby", invite="refuses", message="refuses_privacy"),
            Person(SILENT, "silent", invite="refuses_silently"),
            Person(PREMIUM, "premium", invite="needs_premium", message="premium_only"),
            Person(BUSY, "busybee", invite="too_many_channels"),
            Person(GONE, "goner", deleted=True),
            Person(ROBOT, "robot_bot", bot=True),
            Person(KICKED, "kicked", kicked_from=["the_channel", str(GROUP)], invite="accepts"),
            Person(MEMBER, "member"),
            Person(WALL, "thewall", invite="blocked", message="blocked"),
            Person(PAID, "payme", invite="not_mutual", message="paid"),
            Person(FRIEND, "friend", knows=["anna"]),
        ],
        chats=[
            Chat(
                id=GROUP,
                title="Group",
                kind="supergroup",
                username="the_group",
                creator="anna",
                admins={"boris": ["change_info"]},
                members=[MEMBER],
            ),
            Chat(
                id=CHANNEL,
                title="Channel",
                kind="channel",
                username="the_channel",
                admins={"anna": ["invite_users"]},
            ),
            Chat(id=CLOSED, title="Closed", kind="supergroup", creator="anna", private=True),
        ],
        seed=7,
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def dc(tmp_path: Path, clock: FakeClock) -> AsyncIterator[TelegramDC]:
    async with TelegramDC(city(), tmp_path / "journal.jsonl", clock=clock) as running:
        yield running


@pytest.fixture
async def connect(dc: TelegramDC) -> AsyncIterator[Connect]:
    clients: list[TelegramClient] = []

    async def connected(account: str = "anna", **options: Any) -> TelegramClient:
        client = make_client(dc.session_string(account), **options)
        clients.append(client)
        await asyncio.wait_for(client.connect(), PATIENCE)
        return client

    yield connected
    for client in clients:
        await retire(client)


def make_client(session: str, api_id: int = API_ID, **options: Any) -> TelegramClient:
    return TelegramClient(
        StringSession(session),
        api_id,
        "hash",
        auto_reconnect=False,
        receive_updates=False,
        flood_sleep_threshold=0,
        request_retries=0,
        connection_retries=0,
        raise_last_call_error=True,
        **options,
    )


async def retire(client: TelegramClient) -> None:
    """Let go of it, and of the error with which it may have been cut off."""
    with suppress(Exception):
        await client.disconnect()
    with suppress(Exception):
        await asyncio.wait_for(client.disconnected, PATIENCE)


async def call(client: TelegramClient, request: Any) -> Any:
    return await asyncio.wait_for(client(request), PATIENCE)


async def call_bare(client: TelegramClient, request: Any) -> Any:
    """Without the two seconds for which Telethon sleeps after a ServerError."""
    return await asyncio.wait_for(client._sender.send(request), PATIENCE)


async def resolve(client: TelegramClient, username: str) -> Any:
    found = await call(client, functions.contacts.ResolveUsernameRequest(username))
    if found.chats:
        return types.InputPeerChannel(found.chats[0].id, found.chats[0].access_hash)
    return types.InputPeerUser(found.users[0].id, found.users[0].access_hash)


class Town:
    """A running data centre and the clients of its accounts."""

    def __init__(self, dc: TelegramDC) -> None:
        self.dc = dc
        self.world = dc.world
        self.clients: dict[str, TelegramClient] = {}

    async def client(self, account: str) -> TelegramClient:
        """This account's client; always the same."""
        if account not in self.clients:
            self.clients[account] = client = make_client(self.dc.session_string(account))
            await asyncio.wait_for(client.connect(), PATIENCE)
        return self.clients[account]

    async def ask(self, account: str, request: Any) -> Any:
        return await call_bare(await self.client(account), request)

    async def find(self, account: str, username: str) -> Any:
        return await resolve(await self.client(account), username)

    def channel(self, account: str, chat: int) -> Any:
        return types.InputPeerChannel(chat, self.world.access_hash(account, "channel", chat))

    def user(self, account: str, user: int) -> Any:
        return types.InputPeerUser(user, self.world.access_hash(account, "user", user))

    def effects(self) -> list[journal.Effect]:
        return self.dc.journal.effects()


@asynccontextmanager
async def running(scenario: Scenario, **options: Any) -> AsyncIterator[Town]:
    async with TelegramDC(scenario, **options) as dc:
        town = Town(dc)
        try:
            yield town
        finally:
            for client in town.clients.values():
                await retire(client)


async def invite(client: TelegramClient, *usernames: str, chat: str = "the_group") -> Any:
    people = [await resolve(client, username) for username in usernames]
    request = functions.channels.InviteToChannelRequest(await resolve(client, chat), people)
    return await call(client, request)


async def participant(client: TelegramClient, peer: Any, chat: str = "the_group") -> Any:
    request = functions.channels.GetParticipantRequest(await resolve(client, chat), peer)
    return (await call(client, request)).participant


async def send(client: TelegramClient, username: str, text: str = "hello", random_id: int = 77) -> Any:
    peer = await resolve(client, username)
    return await call_bare(client, functions.messages.SendMessageRequest(peer, text, random_id=random_id))


def health() -> Any:
    return functions.users.GetUsersRequest([types.InputUserSelf()])


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


async def gone(client: TelegramClient) -> None:
    with suppress(OSError, EOFError):
        await asyncio.wait_for(client.disconnected, PATIENCE)
    assert not client.is_connected()


class TestConnecting:
    @pytest.mark.parametrize(
        "transport",
        [
            transports.ConnectionTcpFull,
            transports.ConnectionTcpAbridged,
            transports.ConnectionTcpIntermediate,
        ],
    )
    async def test_an_unmodified_client_signs_in(self, connect: Connect, transport: Any) -> None:
        client = await connect("anna", connection=transport)
        me = (await call(client, health()))[0]
        assert (me.id, me.is_self, me.username, me.phone) == (1, True, "anna_sells", "+10000000001")

    async def test_many_requests_in_one_container(self, connect: Connect) -> None:
        client = await connect()
        answers = await call(client, [health() for _ in range(250)])
        assert [answer[0].id for answer in answers] == [1] * 250

    async def test_large_requests_and_answers_are_compressed(self, connect: Connect) -> None:
        client = await connect()
        people = await call(client, functions.users.GetUsersRequest([types.InputUserSelf()] * 500))
        assert len(people) == 500
        assert await send(client, "alice", "x" * 4000)

    async def test_a_foreign_api_id_is_refused(self, connect: Connect) -> None:
        with pytest.raises(errors.ApiIdInvalidError):
            await connect("anna", api_id=API_ID + 1)

    async def test_an_unknown_key_is_not_found(self, dc: TelegramDC) -> None:
        stranger = Scenario([Account("nobody", 9, "+9", API_ID, "hash")], seed=99)
        client = make_client(stranger.session_string("nobody", dc.host, dc.port))
        with pytest.raises(errors.AuthKeyNotFound):
            await asyncio.wait_for(client.connect(), PATIENCE)
        await retire(client)

    async def test_an_unknown_method_is_refused_and_noted(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        with pytest.raises(errors.BadRequestError, match="API_METHOD_UNKNOWN"):
            await call(client, functions.messages.GetAllDraftsRequest())
        last = dc.journal.requests()[-1]
        assert (last.method, last.outcome) == ("messages.GetAllDrafts", "API_METHOD_UNKNOWN")


class TestPeers:
    async def test_people_and_chats_are_resolved(self, connect: Connect) -> None:
        client = await connect()
        assert (await resolve(client, "Alice")).user_id == ALICE
        assert (await resolve(client, "the_group")).channel_id == GROUP

    async def test_nobody_has_the_username(self, connect: Connect) -> None:
        client = await connect()
        with pytest.raises(errors.UsernameNotOccupiedError):
            await resolve(client, "nobody_here")
        with pytest.raises(errors.UsernameInvalidError):
            await resolve(client, "1x")

    async def test_an_access_hash_belongs_to_one_account(self, connect: Connect) -> None:
        anna, boris = await connect("anna"), await connect("boris")
        alice, group = await resolve(anna, "alice"), await resolve(anna, "the_group")
        assert alice != await resolve(boris, "alice")
        with pytest.raises(errors.PeerIdInvalidError):
            await call(boris, functions.messages.SendMessageRequest(alice, "hello"))
        with pytest.raises(errors.UserIdInvalidError):
            await call(boris, functions.contacts.AddContactRequest(alice, "A", "", ""))
        with pytest.raises(errors.ChannelInvalidError):
            await call(boris, functions.channels.GetChannelsRequest([group]))

    async def test_a_private_chat_is_closed_to_others(self, dc: TelegramDC, connect: Connect) -> None:
        for account, allowed in (("anna", True), ("boris", False)):
            client = await connect(account)
            peer = types.InputChannel(CLOSED, dc.world.access_hash(account, "channel", CLOSED))
            if allowed:
                chats = (await call(client, functions.channels.GetChannelsRequest([peer]))).chats
                assert chats[0].title == "Closed"
            else:
                with pytest.raises(errors.ChannelPrivateError):
                    await call(client, functions.channels.GetChannelsRequest([peer]))

    async def test_rights_of_creator_admin_and_others(self, connect: Connect) -> None:
        anna, boris, clara = await connect("anna"), await connect("boris"), await connect("clara")
        myself = types.InputPeerSelf()
        assert isinstance(await participant(anna, myself), types.ChannelParticipantCreator)
        admin = await participant(boris, myself)
        assert (admin.admin_rights.change_info, admin.admin_rights.invite_users) == (True, False)
        assert (await participant(anna, myself, "the_channel")).admin_rights.invite_users
        with pytest.raises(errors.UserNotParticipantError):
            await participant(clara, myself)
        for client in (boris, clara):
            with pytest.raises(errors.ChatAdminRequiredError):
                await invite(client, "alice")

    async def test_participants(self, connect: Connect) -> None:
        anna, boris = await connect("anna"), await connect("boris")
        member = await participant(anna, await resolve(anna, "member"))
        assert isinstance(member, types.ChannelParticipant)
        kicked = await participant(anna, await resolve(anna, "kicked"))
        assert isinstance(kicked, types.ChannelParticipantBanned)
        with pytest.raises(errors.ChatAdminRequiredError):
            await participant(boris, await resolve(boris, "member"), "the_channel")
        request = functions.channels.GetFullChannelRequest(await resolve(anna, "the_group"))
        assert (await call(anna, request)).full_chat.participants_count == 3


class TestInvitations:
    async def test_an_invited_person_is_a_member(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        assert (await invite(client, "alice")).missing_invitees == []
        assert dc.journal.effects() == [Joined(dc.world.now(), GROUP, ALICE, "anna")]
        assert (await participant(client, await resolve(client, "alice"))).user_id == ALICE
        assert ALICE in dc.world.chats[GROUP].members

    @pytest.mark.parametrize(
        ("username", "error"),
        [
            ("bobby", errors.UserPrivacyRestrictedError),
            ("busybee", errors.UserChannelsTooMuchError),
            ("goner", errors.InputUserDeactivatedError),
            ("kicked", errors.UserKickedError),
            ("robot_bot", errors.UserBotError),
            ("thewall", errors.UserBlockedError),
            ("payme", errors.UserNotMutualContactError),
        ],
    )
    async def test_a_refusal_is_an_error(
        self, dc: TelegramDC, connect: Connect, username: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await invite(await connect(), username, chat="the_channel")
        assert dc.journal.effects() == []

    async def test_a_refusal_is_hidden_in_a_success(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        silent = (await invite(client, "silent")).missing_invitees
        premium = (await invite(client, "premium")).missing_invitees
        assert [item.user_id for item in silent] == [SILENT]
        assert (premium[0].premium_would_allow_invite, premium[0].premium_required_for_pm) == (True, True)
        assert dc.journal.effects() == []

    async def test_of_several_the_willing_join(self, dc: TelegramDC, connect: Connect) -> None:
        answer = await invite(await connect(), "alice", "bobby", "silent", "member")
        assert [item.user_id for item in answer.missing_invitees] == [BOB, SILENT]
        assert [effect.user for effect in dc.journal.of(Joined)] == [ALICE]

    async def test_a_member_is_invited_without_effect(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        assert (await invite(client, "member")).missing_invitees == []
        await invite(client, "alice")
        await invite(client, "alice")
        assert len(dc.journal.effects()) == 1

    async def test_a_full_chat_takes_nobody(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        dc.world.chats[CHANNEL].members.update(range(1000, 1200))
        with pytest.raises(errors.UsersTooMuchError):
            await invite(client, "alice", chat="the_channel")
        dc.world.chats[GROUP].chat.full = True
        with pytest.raises(errors.UsersTooMuchError):
            await invite(client, "alice")


class TestMessages:
    async def test_a_random_id_sends_once(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        await send(client, "alice", "hello", random_id=123)
        with pytest.raises(errors.RandomIdDuplicateError):
            await send(client, "alice", "hello", random_id=123)
        await send(client, "alice", "hello", random_id=124)
        sent = dc.journal.of(Message)
        assert [(m.to_user, m.by, m.random_id, m.text) for m in sent] == [
            (ALICE, "anna", 123, "hello"),
            (ALICE, "anna", 124, "hello"),
        ]

    @pytest.mark.parametrize(
        ("username", "text", "name"),
        [
            ("bobby", "hello", "USER_PRIVACY_RESTRICTED"),
            ("thewall", "hello", "USER_IS_BLOCKED"),
            ("goner", "hello", "INPUT_USER_DEACTIVATED"),
            ("premium", "hello", "PRIVACY_PREMIUM_REQUIRED"),
            ("payme", "hello", "ALLOW_PAYMENT_REQUIRED_10"),
            ("alice", "  ", "MESSAGE_EMPTY"),
            ("alice", "x" * 4097, "MESSAGE_TOO_LONG"),
        ],
    )
    async def test_refusals(self, dc: TelegramDC, connect: Connect, username: str, text: str, name: str) -> None:
        client = await connect()
        with pytest.raises(errors.RPCError):
            await send(client, username, text)
        assert dc.journal.requests()[-1].outcome == name
        assert dc.journal.effects() == []

    async def test_contacts(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        bob = await resolve(client, "bobby")
        await call(client, functions.contacts.AddContactRequest(bob, "Bob", "", ""))
        numbers = [
            types.InputPhoneContact(5, "+49 151 12345", "A", ""),
            types.InputPhoneContact(6, "+1", "B", ""),
        ]
        imported = (await call(client, functions.contacts.ImportContactsRequest(numbers))).imported
        assert [(item.user_id, item.client_id) for item in imported] == [(ALICE, 5)]
        listed = await call(client, functions.contacts.GetContactsRequest(0))
        assert [contact.user_id for contact in listed.contacts] == [ALICE, BOB]
        await call(client, functions.contacts.DeleteContactsRequest([bob]))
        at = dc.world.now()
        assert dc.journal.effects() == [
            ContactAdded(at, BOB, "anna"),
            ContactAdded(at, ALICE, "anna"),
            ContactRemoved(at, BOB, "anna"),
        ]


class TestFaults:
    async def test_a_flood_wait_counts_down(self, dc: TelegramDC, connect: Connect, clock: FakeClock) -> None:
        client, other = await connect("anna"), await connect("boris")
        dc.add_fault(Fault("anna", "messages.SendMessage", after=1, kind="flood_wait", seconds=30))
        await send(client, "alice", random_id=1)
        for left in (30, 18, 6):
            with pytest.raises(errors.FloodWaitError) as caught:
                await send(client, "alice", random_id=2)
            assert caught.value.seconds == left
            clock.advance(12)
        await invite(client, "alice")
        await send(other, "alice", random_id=2)
        await send(client, "alice", random_id=2)
        sent = [(m.by, m.random_id) for m in dc.journal.of(Message)]
        assert sent == [("anna", 1), ("boris", 2), ("anna", 2)]

    async def test_a_peer_flood_keeps_from_strangers(self, dc: TelegramDC, connect: Connect, clock: FakeClock) -> None:
        client = await connect()
        dc.add_fault(Fault("anna", "channels.InviteToChannel", kind="peer_flood", seconds=3600))
        for attempt in (invite(client, "alice"), invite(client, "alice"), send(client, "alice")):
            with pytest.raises(errors.PeerFloodError):
                await attempt
        await send(client, "friend")
        clock.advance(3600)
        await invite(client, "alice")
        assert [type(effect) for effect in dc.journal.effects()] == [Message, Joined]

    @pytest.mark.parametrize(
        ("kind", "error"),
        [
            ("ban", errors.UserDeactivatedBanError),
            ("deactivate", errors.UserDeactivatedError),
            ("session_revoked", errors.AuthKeyUnregisteredError),
        ],
    )
    async def test_an_account_is_gone_for_good(
        self, dc: TelegramDC, connect: Connect, kind: scenario.FaultKind, error: type[Exception]
    ) -> None:
        dc.add_fault(Fault("anna", "channels.InviteToChannel", after=1, kind=kind))
        client = await connect()
        await invite(client, "alice")
        with pytest.raises(error):
            await invite(client, "friend")
        with pytest.raises(error):
            await call(client, health())
        await client.disconnect()
        again = await connect("anna")
        with pytest.raises(error):
            await call(again, health())
        assert len(dc.journal.effects()) == 1

    async def test_a_frozen_account_reads_only(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        dc.add_fault(Fault("anna", "messages.SendMessage", kind="frozen"))
        for attempt in (send(client, "alice"), send(client, "alice"), invite(client, "alice")):
            with pytest.raises(errors.FrozenMethodInvalidError):
                await attempt
        assert (await call(client, health()))[0].id == 1

    async def test_faults_count_per_account(self, dc: TelegramDC, connect: Connect) -> None:
        dc.add_fault(Fault(None, "*", after=1, times=2, kind="rpc_error", error="CHAT_RESTRICTED", code=400))
        outcomes: dict[str, list[str]] = {}
        for account in ("anna", "boris"):
            client = await connect(account)
            for _ in range(5):
                with suppress(errors.ChatRestrictedError):
                    await call(client, functions.contacts.GetContactsRequest(0))
            await call(client, health())
        for request in dc.journal.requests():
            if request.method == "contacts.GetContacts":
                outcomes.setdefault(request.account, []).append(request.outcome)
        struck = ["ok", "CHAT_RESTRICTED", "CHAT_RESTRICTED", "ok", "ok"]
        assert outcomes == {"anna": struck, "boris": struck}

    async def test_a_server_error(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        dc.add_fault(Fault("anna", "contacts.GetContacts", kind="server_error"))
        with pytest.raises(errors.RpcCallFailError):
            await call_bare(client, functions.contacts.GetContactsRequest(0))

    @pytest.mark.parametrize(("kind", "executed"), [("drop_before", False), ("drop_after", True)])
    async def test_the_connection_drops(
        self, dc: TelegramDC, connect: Connect, kind: scenario.FaultKind, executed: bool
    ) -> None:
        client = await connect()
        dc.add_fault(Fault("anna", "messages.SendMessage", kind=kind))
        with pytest.raises((OSError, EOFError)):
            await send(client, "alice", random_id=9)
        await gone(client)
        assert len(dc.journal.of(Message)) == executed
        line = dc.journal.requests()[-1]
        assert (line.outcome, line.answered) == ("ok" if executed else "drop_before", False)
        again = await connect("anna")
        if executed:
            with pytest.raises(errors.RandomIdDuplicateError):
                await send(again, "alice", random_id=9)
        else:
            await send(again, "alice", random_id=9)
        assert len(dc.journal.of(Message)) == 1

    async def test_silence_and_delay(self, dc: TelegramDC, connect: Connect) -> None:
        client = await connect()
        dc.add_fault(Fault("anna", "messages.SendMessage", kind="silence"))
        dc.add_fault(Fault("anna", "channels.InviteToChannel", kind="delay", seconds=0.2))
        never = asyncio.create_task(send(client, "alice"))
        await until(lambda: dc.journal.requests()[-1].outcome == "silence")
        begun = time.monotonic()
        late = asyncio.create_task(invite(client, "alice"))
        await until(lambda: dc.journal.of(Joined))
        assert not late.done()
        await late
        assert time.monotonic() - begun >= 0.2
        assert not never.done()
        assert dc.journal.of(Message) == []
        never.cancel()

    async def test_latency_holds_answers_back(self) -> None:
        slow = city()
        slow.latency = Latency(0.02, 0.03)
        async with TelegramDC(slow) as dc:
            client = make_client(dc.session_string("anna"))
            await client.connect()
            begun = time.monotonic()
            await call(client, health())
            assert time.monotonic() - begun >= 0.02
            await client.disconnect()

    async def test_connections_are_dropped(self, dc: TelegramDC, connect: Connect) -> None:
        anna, boris = await connect("anna"), await connect("boris")
        dc.drop_connections("anna")
        await gone(anna)
        assert (await call(boris, health()))[0].id == 2


class TestOneConnectionPerKey:
    async def test_two_at_once_destroy_the_session(self, dc: TelegramDC, connect: Connect) -> None:
        first = await connect("anna")
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await connect("anna")
        assert dc.destroyed_sessions == {"anna"}
        assert dc.journal.effects() == [SessionDestroyed(dc.world.now(), "anna")]
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await call(first, health())
        await first.disconnect()
        with pytest.raises(errors.AuthKeyNotFound):
            await connect("anna")
        assert (await call(await connect("boris"), health()))[0].id == 2

    async def test_one_after_the_other_is_well(self, dc: TelegramDC, connect: Connect) -> None:
        for _ in range(25):
            client = await connect("anna")
            await client.disconnect()
        assert dc.destroyed_sessions == set()

    async def test_silent_clients_are_disconnected(self, dc: TelegramDC, connect: Connect) -> None:
        silent, steady = await connect("anna"), await connect("boris")
        begun = time.monotonic()
        for client in (silent, steady):
            await call_bare(client, functions.PingDelayDisconnectRequest(1, 1))
        await call_bare(steady, functions.PingDelayDisconnectRequest(2, 60))
        await call_bare(silent, functions.PingRequest(3))
        await gone(silent)
        assert 0.9 <= time.monotonic() - begun < 3
        assert (await call(steady, health()))[0].id == 2
        await connect("anna")
        assert dc.destroyed_sessions == set()


class TestJournal:
    async def test_it_reads_back_as_it_was_written(self, dc: TelegramDC, connect: Connect, tmp_path: Path) -> None:
        client = await connect()
        await invite(client, "alice")
        await send(client, "alice", 'zeile "eins"\nпривет')
        written = journal.read(tmp_path / "journal.jsonl")
        assert written == dc.journal
        assert [type(effect) for effect in written.effects()] == [Joined, Message]
        assert written.requests()[0].method == "help.GetConfig"

    async def test_a_restarted_data_centre_remembers(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        for lives in (1, 2):
            async with TelegramDC(city(), path) as dc:
                client = make_client(dc.session_string("anna"))
                await client.connect()
                await invite(client, "alice")
                if lives == 1:
                    await send(client, "alice")
                else:
                    with pytest.raises(errors.RandomIdDuplicateError):
                        await send(client, "alice")
                await client.disconnect()
            with path.open("a") as torn:
                torn.write('{"kind": "joi')
        assert len(journal.read(path).effects()) == 2


class TestScenario:
    def test_it_reads_back_as_it_was_written(self, tmp_path: Path) -> None:
        full = city()
        full.faults.append(Fault("anna", "*", kind="flood_wait", seconds=60))
        full.latency = Latency(0.1, 0.2)
        scenario.dump(full, tmp_path / "city.json")
        assert scenario.load(tmp_path / "city.json") == full

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"people": [{"username": "alice"}]}, r"people\[0\]: field 'user_id' is missing"),
            ({"people": [{"user_id": 1, "invite": "maybe"}]}, "'maybe' is none of accepts"),
            ({"towns": []}, "unknown field 'towns'"),
            ({"faults": [{"account": "nobody", "method": "*"}]}, "there is no account 'nobody'"),
            ({"people": [{"user_id": 1}, {"user_id": 1}]}, "used 2 times"),
            ({"seed": "seven"}, "int is expected"),
        ],
    )
    def test_it_says_what_is_wrong(self, tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
        (tmp_path / "bad.json").write_text(json.dumps(change))
        with pytest.raises(scenario.ScenarioError, match=complaint):
            scenario.load(tmp_path / "bad.json")


class TestCommandLine:
    async def test_it_runs_until_sigterm(self, tmp_path: Path) -> None:
        scenario.dump(city(), tmp_path / "city.json")
        process = await start(tmp_path, "--scenario", "city.json", "--journal", "journal.jsonl", "--port-file", "port")
        await until((tmp_path / "port").exists)
        port = int((tmp_path / "port").read_text())
        client = make_client(city().session_string("anna", "127.0.0.1", port))
        await client.connect()
        await invite(client, "alice")
        assert [e.user for e in journal.read(tmp_path / "journal.jsonl").of(Joined)] == [ALICE]
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0
        assert said.decode() == f"telegram_dc: listening on 127.0.0.1:{port}\n"
        await gone(client)

    async def test_a_bad_scenario_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "bad.json").write_text('{"seed": }')
        process = await start(tmp_path, "--scenario", "bad.json")
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 2
        assert said.decode().startswith("telegram_dc: bad.json: ")
        assert said.count(b"\n") == 1


async def start(folder: Path, *args: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "devstack.telegram_dc",
        *args,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
