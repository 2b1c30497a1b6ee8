"""What the Telegram adapter says when things break, compared with what really happened."""

import asyncio
import logging
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.telegram.adapter import TelegramAdapter
from devstack.telegram_dc.scenario import Latency
from devstack.telegram_dc.scenario import Person as Inhabitant
from devstack.telegram_dc.server import TelegramDC
from domain.errors import InDoubt, Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import Session
from domain.recipient import Person
from tests.adapters import telegram_town as town
from tests.adapters.contract import KEY
from tests.adapters.telegram_town import ANNA, HASTY, sign_in, strike, until

INVITE = "channels.InviteToChannel"
MESSAGE = "messages.SendMessage"
RESOLVE = "contacts.ResolveUsername"
PARTICIPANT = "channels.GetParticipant"


class TestTheAccountIsTold:
    async def test_to_wait(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, INVITE, "flood_wait", seconds=600)
        for _ in range(2):
            told = await session.invite(ANNA, "club")
            assert (told.kind, told.reason) == (Kind.RATE_LIMITED, Reason.FLOOD_WAIT)
            assert told.retry_after is not None
            assert timedelta(seconds=590) < told.retry_after <= timedelta(seconds=600)
        # It is Telegram that says so each time: the library must not keep a timer that a restart forgets.
        assert town.asked(dc, INVITE) == 2
        assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)

    async def test_to_wait_with_lookups(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, RESOLVE, "flood_wait", seconds=5)
        told = await session.send(ANNA, "text", KEY)
        assert (told.kind, told.retry_after) == (Kind.RATE_LIMITED, timedelta(seconds=5))

    async def test_that_it_is_limited(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, MESSAGE, "peer_flood")
        assert await session.send(ANNA, "text", KEY) == Outcome(Kind.LIMITED, Reason.PEER_FLOOD)
        assert await session.invite(ANNA, "club") == Outcome(Kind.LIMITED, Reason.PEER_FLOOD)
        assert session.connected

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("ban", Reason.BANNED),
            ("deactivate", Reason.BANNED),
            ("session_revoked", Reason.SIGNED_OUT),
            ("frozen", Reason.FROZEN),
        ],
    )
    @pytest.mark.parametrize("method", [INVITE, MESSAGE])
    async def test_that_it_is_blocked(
        self, dc: TelegramDC, session: Session, method: str, fault: str, reason: Reason
    ) -> None:
        strike(dc, method, fault)
        call = session.invite(ANNA, "club") if method == INVITE else session.send(ANNA, "text", KEY)
        assert await call == Outcome(Kind.BLOCKED, reason)
        assert (town.joined(dc), town.delivered(dc)) == (0, 0)

    async def test_that_it_is_blocked_when_membership_is_asked(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, PARTICIPANT, "ban")
        assert await session.is_member(ANNA, "club") == Outcome(Kind.BLOCKED, Reason.BANNED)


class TestABrokenConnection:
    async def test_before_an_invite_is_carried_out(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, INVITE, "drop_before")
        with pytest.raises(InDoubt):
            await session.invite(ANNA, "club")
        assert not session.connected
        again = await sign_in(dc)
        assert not await again.is_member(ANNA, "club")
        assert await again.invite(ANNA, "club") == Outcome(Kind.INVITED)
        assert town.joined(dc) == 1
        await again.close()

    async def test_after_an_invite_is_carried_out(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, INVITE, "drop_after")
        with pytest.raises(InDoubt):
            await session.invite(ANNA, "club")
        again = await sign_in(dc)
        assert await again.is_member(ANNA, "club")
        assert await again.invite(ANNA, "club") == Outcome(Kind.ALREADY_MEMBER)
        assert town.joined(dc) == 1
        await again.close()

    @pytest.mark.parametrize(("fault", "before"), [("drop_before", 0), ("drop_after", 1)])
    async def test_during_a_message(self, dc: TelegramDC, session: Session, fault: str, before: int) -> None:
        strike(dc, MESSAGE, fault)
        with pytest.raises(InDoubt):
            await session.send(ANNA, "text", KEY)
        assert town.delivered(dc) == before
        again = await sign_in(dc)
        assert await again.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
        assert town.delivered(dc) == 1
        await again.close()

    @pytest.mark.parametrize("method", [RESOLVE, PARTICIPANT])
    @pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
    async def test_during_what_goes_before_an_invite(
        self, dc: TelegramDC, session: Session, method: str, fault: str
    ) -> None:
        strike(dc, method, fault)
        with pytest.raises(Unavailable):
            await session.invite(ANNA, "club")
        assert town.joined(dc) == 0

    async def test_between_requests(self, dc: TelegramDC, session: Session) -> None:
        dc.drop_connections("owner")
        await until(lambda: not session.connected)
        with pytest.raises(Unavailable):
            await session.send(ANNA, "text", KEY)
        with pytest.raises(Unavailable):
            await session.keep_alive(timedelta(seconds=6))

    async def test_is_noticed_at_once_by_who_waits(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, MESSAGE, "silence")
        sending = asyncio.ensure_future(session.send(ANNA, "text", KEY))
        await until(lambda: town.asked(dc, MESSAGE) == 1)
        dc.drop_connections("owner")
        with pytest.raises(InDoubt):
            await asyncio.wait_for(sending, 2)

    async def test_is_noticed_by_a_closing_of_our_own(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, MESSAGE, "silence")
        sending = asyncio.ensure_future(session.send(ANNA, "text", KEY))
        await until(lambda: town.asked(dc, MESSAGE) == 1)
        await session.close()
        with pytest.raises(InDoubt):
            await asyncio.wait_for(sending, 2)

    async def test_in_the_middle_of_many_requests(self) -> None:
        """Whatever is said, it is true; and nothing is sent later by a client that was dropped."""
        scenario = town.town()
        crowd = [Inhabitant(1000 + number, f"crowd_{number}") for number in range(60)]
        scenario = replace(scenario, people=scenario.people + crowd, latency=Latency(0.0, 0.02))
        async with TelegramDC(scenario) as dc:
            for _ in range(5):
                await self._many(dc, crowd)

    async def _many(self, dc: TelegramDC, crowd: list[Inhabitant]) -> None:
        session, before = await sign_in(dc), town.asked(dc, MESSAGE)
        people = [Person(0, username=each.username) for each in crowd]
        delivered = {each.user_id: town.delivered(dc, each.user_id) for each in crowd}
        key = 1000 * (before + 1)
        sending = [
            asyncio.ensure_future(session.send(person, "text", key + number)) for number, person in enumerate(people)
        ]
        await until(lambda: town.asked(dc, MESSAGE) > before + 10)
        dc.drop_connections("owner")
        said = await asyncio.wait_for(asyncio.gather(*sending, return_exceptions=True), 5)
        await session.close()
        await (await sign_in(dc)).close()
        for each, word in zip(crowd, said, strict=True):
            arrived = town.delivered(dc, each.user_id) - delivered[each.user_id]
            assert isinstance(word, (Outcome, Unavailable, InDoubt))
            if isinstance(word, Outcome):
                assert (word.kind, arrived) == (Kind.MESSAGED, 1)
            if isinstance(word, Unavailable):
                assert arrived == 0


class TestSilence:
    @pytest.mark.parametrize("method", [INVITE, MESSAGE])
    async def test_leaves_an_action_in_doubt_after_the_deadline(self, dc: TelegramDC, method: str) -> None:
        session = await sign_in(dc, adapter=HASTY)
        strike(dc, method, "silence")
        begun = time.monotonic()
        with pytest.raises(InDoubt):
            await (session.invite(ANNA, "club") if method == INVITE else session.send(ANNA, "text", KEY))
        assert 0.3 <= time.monotonic() - begun < 2
        # What Telethon still holds of it must not go out after that word: the connection is given up.
        assert not session.connected
        assert not dc.destroyed_sessions

    async def test_leaves_no_doubt_about_a_question(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, adapter=HASTY)
        strike(dc, RESOLVE, "silence")
        with pytest.raises(Unavailable):
            await session.check_destination("club")
        await session.close()

    async def test_a_late_answer_comes_too_late(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, adapter=HASTY)
        strike(dc, MESSAGE, "delay", seconds=1)
        with pytest.raises(InDoubt):
            await session.send(ANNA, "text", KEY)
        again = await sign_in(dc)
        assert await again.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
        assert town.delivered(dc) == 1
        await again.close()

    async def test_an_answer_within_the_deadline_is_waited_for(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, MESSAGE, "delay", seconds=0.3)
        assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)


class TestTheServerHasTrouble:
    @pytest.mark.parametrize("error", ["RPC_CALL_FAIL", "SOMETHING_NEW"])
    async def test_with_an_action(self, dc: TelegramDC, session: Session, error: str) -> None:
        strike(dc, MESSAGE, "server_error", error=error)
        strike(dc, INVITE, "server_error", error=error)
        begun = time.monotonic()
        with pytest.raises(InDoubt):
            await session.send(ANNA, "text", KEY)
        with pytest.raises(InDoubt):
            await session.invite(ANNA, "club")
        # Telethon itself would have slept for two seconds each time, and asked again.
        assert time.monotonic() - begun < 1
        assert (town.asked(dc, MESSAGE), town.asked(dc, INVITE)) == (1, 1)
        assert session.connected
        assert not await session.is_member(ANNA, "club")

    async def test_with_a_question(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, PARTICIPANT, "server_error")
        with pytest.raises(Unavailable):
            await session.is_member(ANNA, "club")

    async def test_that_nobody_knows(self, dc: TelegramDC, session: Session) -> None:
        """Known words are told; what is none of Telegram's might be a person's."""
        strike(dc, INVITE, "rpc_error", error="USER_ANNA")
        strike(dc, RESOLVE, "rpc_error", error="USER_ANNA", after=2)
        with pytest.raises(InDoubt, match="USER_X"):
            await session.invite(ANNA, "club")
        with pytest.raises(Unavailable, match="USER_X"):
            await session.send(Person(0, username="inside"), "text", KEY)


class TestKeepingAlive:
    async def test_a_client_that_never_pings_is_dropped_too(self, dc: TelegramDC) -> None:
        """Stopped while it signs in, it must not be found connected by the account's next holder."""
        session = await sign_in(dc, adapter=TelegramAdapter(disconnect_after=timedelta(seconds=1)))
        await until(lambda: not session.connected, within=3)

    async def test_telegram_ends_a_connection_that_is_not_kept(self, dc: TelegramDC, session: Session) -> None:
        await session.keep_alive(timedelta(seconds=1))
        assert session.connected
        await until(lambda: not session.connected)
        with pytest.raises(Unavailable):
            await session.invite(ANNA, "club")
        assert town.joined(dc) == 0

    async def test_a_late_pong_ends_it_quietly(self, caplog: pytest.LogCaptureFixture) -> None:
        scenario = replace(town.town(), latency=Latency(0.2, 0.2))
        async with TelegramDC(scenario) as dc:
            session = await sign_in(dc)
            caplog.clear()
            with pytest.raises(Unavailable), caplog.at_level(logging.WARNING):
                await session.keep_alive(timedelta(seconds=0.2))
            assert not session.connected
            assert not caplog.records
