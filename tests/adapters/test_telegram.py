"""The Telegram adapter over TCP: signing in, rights, and what it makes of Telegram's answers."""

import asyncio
import base64
import logging
import time
from datetime import timedelta

import pytest
from telethon.client import telegrambaseclient

from adapters.telegram.adapter import TelegramAdapter
from devstack.telegram_dc.journal import Message
from devstack.telegram_dc.server import TelegramDC
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import DestinationCheck, Right, Session
from domain.recipient import Person
from tests.adapters import telegram_town as town
from tests.adapters.book import MemoryBook
from tests.adapters.contract import KEY, AdapterContract, Bench
from tests.adapters.telegram_town import ANNA, HASTY, NOBODY, PATIENT, credentials, sign_in, strike, until


class TestContract(AdapterContract):
    @pytest.fixture
    def bench(self, dc: TelegramDC) -> Bench:
        return Bench(
            adapter=PATIENT,
            credentials=credentials(dc, "owner"),
            destination="club",
            unknown_destination="nowhere",
            person=ANNA,
            nobody=NOBODY,
            joined=lambda: town.joined(dc),
            delivered=lambda: town.delivered(dc),
            contacts=lambda: town.contacts(dc),
            lookups=lambda: town.lookups(dc),
        )


class TestSigningIn:
    @pytest.mark.parametrize(
        "changed",
        [
            {"session": ""},
            {"session": "nonsense"},
            {"session": "1" + "A" * 352},
            {"session": "1" + base64.urlsafe_b64encode(bytes(263)).decode()},
            {"session": "1й"},
            {"api_id": "five"},
            {"api_id": "0"},
            {"api_id": str(2**40)},
            {"api_hash": ""},
        ],
    )
    async def test_malformed_credentials_are_refused_without_a_request(
        self, dc: TelegramDC, changed: dict[str, str]
    ) -> None:
        refused = await PATIENT.connect("owner", {**credentials(dc, "owner"), **changed}, None, MemoryBook())
        assert refused == Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS)
        assert not dc.journal.requests()

    async def test_a_session_that_leads_into_our_own_network_is_refused(self, dc: TelegramDC) -> None:
        strict = TelegramAdapter(public_only=True)
        refused = await strict.connect("owner", credentials(dc, "owner"), None, MemoryBook())
        assert refused == Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS)
        assert not dc.journal.requests()

    @pytest.mark.parametrize("missing", ["session", "api_id", "api_hash"])
    async def test_missing_credentials_are_refused(self, dc: TelegramDC, missing: str) -> None:
        given = {key: value for key, value in credentials(dc, "owner").items() if key != missing}
        assert await PATIENT.connect("owner", given, None, MemoryBook()) == Outcome(
            Kind.BLOCKED, Reason.BAD_CREDENTIALS
        )

    async def test_the_wrong_application_is_refused(self, dc: TelegramDC) -> None:
        refused = await PATIENT.connect("owner", {**credentials(dc, "owner"), "api_id": "6"}, None, MemoryBook())
        assert refused == Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("ban", Reason.BANNED),
            ("deactivate", Reason.BANNED),
            ("session_revoked", Reason.SIGNED_OUT),
        ],
    )
    async def test_an_account_that_is_gone_is_blocked(self, dc: TelegramDC, fault: str, reason: Reason) -> None:
        strike(dc, "users.GetUsers", fault)
        assert await PATIENT.connect("owner", credentials(dc, "owner"), None, MemoryBook()) == Outcome(
            Kind.BLOCKED, reason
        )

    async def test_an_unknown_key_is_blocked(self, dc: TelegramDC) -> None:
        foreign = TelegramDC(town.town())
        foreign.port = dc.port
        foreign._scenario.seed = 1
        given = {**credentials(dc, "owner"), "session": foreign.session_string("owner")}
        assert await PATIENT.connect("owner", given, None, MemoryBook()) == Outcome(Kind.BLOCKED, Reason.SIGNED_OUT)

    async def test_a_flood_wait_is_told(self, dc: TelegramDC) -> None:
        strike(dc, "users.GetUsers", "flood_wait", seconds=77)
        refused = await PATIENT.connect("owner", credentials(dc, "owner"), None, MemoryBook())
        assert isinstance(refused, Outcome)
        assert (refused.kind, refused.retry_after) == (Kind.RATE_LIMITED, timedelta(seconds=77))

    async def test_nobody_listening_is_unavailable(self, dc: TelegramDC) -> None:
        given = credentials(dc, "owner")
        await dc.__aexit__(None, None, None)
        with pytest.raises(Unavailable):
            await PATIENT.connect("owner", given, None, MemoryBook())

    @pytest.mark.parametrize("method", ["help.GetConfig", "users.GetUsers"])
    async def test_silence_is_unavailable_after_the_deadline(self, dc: TelegramDC, method: str) -> None:
        before, begun = len(asyncio.all_tasks()), time.monotonic()
        strike(dc, method, "silence")
        with pytest.raises(Unavailable):
            await HASTY.connect("owner", credentials(dc, "owner"), None, MemoryBook())
        assert 0.3 <= time.monotonic() - begun < 2
        assert len(asyncio.all_tasks()) == before

    @pytest.mark.parametrize("method", ["help.GetConfig", "users.GetUsers"])
    async def test_a_cancelled_sign_in_leaves_nothing(self, dc: TelegramDC, method: str) -> None:
        before = len(asyncio.all_tasks())
        strike(dc, method, "silence")
        connecting = asyncio.ensure_future(PATIENT.connect("owner", credentials(dc, "owner"), None, MemoryBook()))
        await until(lambda: town.asked(dc, method) == 1)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert len(asyncio.all_tasks()) == before
        await (await sign_in(dc)).close()
        assert not dc.destroyed_sessions

    async def test_a_right_that_ended_while_it_connected_leaves_the_key_unused(self, dc: TelegramDC) -> None:
        before = len(asyncio.all_tasks())
        with pytest.raises(Unavailable):
            await PATIENT.connect("owner", credentials(dc, "owner"), None, MemoryBook(), lambda: False)
        assert not dc.journal.requests()
        assert len(asyncio.all_tasks()) == before

    async def test_over_ipv6(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """For a session of the wrong family Telethon goes to an address of its own: here a closed port."""
        monkeypatch.setattr(telegrambaseclient, "DEFAULT_IPV4_IP", "127.0.0.1")
        monkeypatch.setattr(telegrambaseclient, "DEFAULT_PORT", 9)
        try:
            async with TelegramDC(town.town(), host="::1") as dc:
                session = await sign_in(dc)
                assert await session.invite(ANNA, "club") == Outcome(Kind.INVITED)
                await session.close()
        except OSError:
            pytest.skip("no IPv6 here")

    async def test_costs_two_requests(self, dc: TelegramDC, session: Session) -> None:
        asked = [each.method for each in dc.journal.requests()]
        assert asked == ["PingDelayDisconnect", "help.GetConfig", "users.GetUsers"]

    async def test_two_clients_with_one_key_destroy_the_session(self, dc: TelegramDC, session: Session) -> None:
        second = await PATIENT.connect("owner", credentials(dc, "owner"), None, MemoryBook())
        assert second == Outcome(Kind.BLOCKED, Reason.SESSION_DESTROYED)
        assert dc.destroyed_sessions == {"owner"}

    async def test_two_accounts_work_beside_each_other(self, dc: TelegramDC, session: Session) -> None:
        other = await sign_in(dc, "admin")
        kinds = await asyncio.gather(
            session.invite(ANNA, "club"), other.invite(ANNA, "news"), session.send(ANNA, "text", KEY)
        )
        assert [each.kind for each in kinds] == [Kind.INVITED, Kind.INVITED, Kind.MESSAGED]
        await other.close()

    async def test_a_key_is_free_once_its_session_is_closed(self, dc: TelegramDC) -> None:
        for _ in range(20):
            session = await sign_in(dc)
            await session.close()
        assert not dc.destroyed_sessions

    async def test_nothing_is_left_after_a_close(self, dc: TelegramDC) -> None:
        before = len(asyncio.all_tasks())
        session = await sign_in(dc)
        await session.invite(ANNA, "club")
        await session.close()
        assert len(asyncio.all_tasks()) == before

    async def test_secrets_are_nowhere_to_be_read(self, dc: TelegramDC, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        given = credentials(dc, "owner")
        session = await sign_in(dc)
        strike(dc, "contacts.ResolveUsername", "drop_before")
        with pytest.raises(Unavailable) as broken:
            await session.invite(ANNA, "club")
        await PATIENT.connect("owner", {**given, "api_id": given["api_id"] + "x"}, None, MemoryBook())
        said = caplog.text + repr(session) + repr(broken.value) + str(broken.value.__cause__)
        assert given["session"][10:50] not in said
        assert given["api_hash"] not in said


class TestRights:
    @pytest.mark.parametrize("account", ["owner", "admin"])
    async def test_who_may_invite(self, dc: TelegramDC, account: str) -> None:
        session = await sign_in(dc, account)
        assert await session.check_destination("club") == DestinationCheck(
            Right.INVITE, Reason.NONE, "The club", "supergroup", members=5
        )
        await session.close()

    @pytest.mark.parametrize("account", ["weak_admin", "member", "outsider"])
    @pytest.mark.parametrize(("destination", "kind"), [("club", "supergroup"), ("news", "channel")])
    async def test_who_may_not(self, dc: TelegramDC, account: str, destination: str, kind: str) -> None:
        session = await sign_in(dc, account)
        check = await session.check_destination(destination)
        assert (check.right, check.reason) == (Right.NONE, Reason.NO_RIGHT_TO_INVITE)
        assert check.kind == kind
        assert (await session.invite(ANNA, destination)).kind is Kind.NOT_ADMIN
        assert not town.joined(dc)
        await session.close()

    @pytest.mark.parametrize("name", ["nowhere", "anna", "acc_owner"])
    async def test_what_is_no_group_is_unknown(self, dc: TelegramDC, session: Session, name: str) -> None:
        unknown = Reason.DESTINATION_UNKNOWN
        assert await session.check_destination(name) == DestinationCheck(Right.NONE, unknown)
        assert await session.invite(ANNA, name) == Outcome(Kind.DESTINATION, unknown)

    async def test_a_banned_account_sees_that_it_is(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "contacts.ResolveUsername", "ban")
        assert await session.check_destination("club") == Outcome(Kind.BLOCKED, Reason.BANNED)

    async def test_a_flood_wait_says_nothing_of_rights(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "channels.GetParticipant", "flood_wait", seconds=5)
        refused = await session.check_destination("club")
        assert refused == Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(seconds=5))


@pytest.mark.parametrize("preview", [True, False])
async def test_links_have_a_preview_where_the_setting_says_so(dc: TelegramDC, preview: bool) -> None:
    session = await sign_in(dc, adapter=TelegramAdapter(link_preview=preview))
    assert await session.send(ANNA, "https://t.me/club", KEY) == Outcome(Kind.MESSAGED)
    await session.close()
    assert [each.preview for each in dc.journal.of(Message)] == [preview]


class TestAnswers:
    @pytest.mark.parametrize(
        ("name", "outcome"),
        [
            ("refuses", Outcome(Kind.REFUSED, Reason.PRIVACY)),
            ("silently", Outcome(Kind.REFUSED, Reason.PRIVACY)),
            ("premium", Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM)),
            ("joiner", Outcome(Kind.REFUSED, Reason.TOO_MANY_CHANNELS)),
            ("blocker", Outcome(Kind.REFUSED, Reason.BLOCKED_US)),
            ("stranger", Outcome(Kind.REFUSED, Reason.NOT_MUTUAL_CONTACT)),
            ("kicked", Outcome(Kind.REFUSED, Reason.WAS_REMOVED)),
            ("deleted", Outcome(Kind.UNREACHABLE, Reason.DELETED)),
            ("robot", Outcome(Kind.UNREACHABLE, Reason.BOT)),
            ("club", Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)),
            ("nobody_at_all", Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)),
            ("inside", Outcome(Kind.ALREADY_MEMBER)),
            ("ANNA", Outcome(Kind.INVITED)),
        ],
    )
    async def test_to_invites(self, dc: TelegramDC, session: Session, name: str, outcome: Outcome) -> None:
        person = Person(0, username=name)
        assert await session.invite(person, "club") == outcome
        is_in = outcome.kind in (Kind.INVITED, Kind.ALREADY_MEMBER)
        assert await session.is_member(person, "club") == is_in

    @pytest.mark.parametrize(
        ("name", "outcome"),
        [
            ("refuses", Outcome(Kind.REFUSED, Reason.PRIVACY)),
            ("premium", Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM)),
            ("paid", Outcome(Kind.REFUSED, Reason.NEEDS_PAYMENT)),
            ("blocker", Outcome(Kind.REFUSED, Reason.BLOCKED_US)),
            ("deleted", Outcome(Kind.UNREACHABLE, Reason.DELETED)),
            ("robot", Outcome(Kind.UNREACHABLE, Reason.BOT)),
            ("nobody_at_all", Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)),
            ("anna", Outcome(Kind.MESSAGED)),
        ],
    )
    async def test_to_messages(self, session: Session, name: str, outcome: Outcome) -> None:
        assert await session.send(Person(0, username=name), "text", KEY) == outcome

    async def test_of_a_full_group(self, session: Session) -> None:
        full = Outcome(Kind.DESTINATION, Reason.DESTINATION_FULL)
        assert await session.invite(ANNA, "full_house") == full

    async def test_of_a_group_that_became_private(self, dc: TelegramDC, session: Session) -> None:
        private = Reason.DESTINATION_PRIVATE
        strike(dc, "channels.GetParticipant", "rpc_error", times=None, error="CHANNEL_PRIVATE")
        assert await session.invite(ANNA, "club") == Outcome(Kind.DESTINATION, private)
        check = await session.check_destination("club")
        assert (check.right, check.reason) == (Right.NONE, private)

    async def test_a_text_arrives_as_it_is(self, dc: TelegramDC, session: Session) -> None:
        text = "**Not bold**, _not italic_: t.me/club 👋\n<b>й</b>"
        await session.send(ANNA, text, 2**63 - 1)
        (message,) = dc.journal.of(Message)
        assert (message.text, message.random_id) == (text, 2**63 - 1)

    async def test_whoever_is_found_is_not_looked_up_again(self, dc: TelegramDC, session: Session) -> None:
        await session.invite(ANNA, "club")
        await session.is_member(ANNA, "club")
        await session.send(ANNA, "text", KEY)
        assert town.asked(dc, "contacts.ResolveUsername") == 2

    async def test_telethon_asks_for_nothing_by_itself(self, dc: TelegramDC, session: Session) -> None:
        begun = len(dc.journal.requests())
        await session.send(ANNA, "text", KEY)
        await session.invite(ANNA, "club")
        assert [each.method for each in dc.journal.requests()[begun:]] == [
            "contacts.ResolveUsername",
            "messages.SendMessage",
            "contacts.ResolveUsername",
            "channels.GetParticipant",
            "channels.InviteToChannel",
        ]


def test_a_deadline_is_given_by_default() -> None:
    assert TelegramAdapter()._deadline == timedelta(seconds=20)
