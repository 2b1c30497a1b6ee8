"""Every request of a client waits for its application's turn; pings, on which the lease rests, do not."""

import asyncio
from datetime import timedelta

import pytest

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.client import PATIENCE
from devstack.telegram_dc.server import TelegramDC
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome
from tests.adapters import telegram_town as town
from tests.adapters.book import MemoryBook
from tests.adapters.contract import KEY
from tests.adapters.telegram_town import ANNA, credentials, sign_in

SILENCE = timedelta(seconds=6)


class CountingPace:
    """The `Throttle` port. `over`: no turn comes in time. `gate`: turns wait for it."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, str, timedelta | None]] = []
        self.over = False
        self.gate: asyncio.Event | None = None

    async def sign_in(self, platform: str, application: str) -> None:
        self.turns.append((platform, application, None))

    async def request(self, platform: str, application: str, patience: timedelta) -> None:
        self.turns.append((platform, application, patience))
        if self.gate is not None:
            await self.gate.wait()
        if self.over:
            raise Unavailable("the application's share")

    @property
    def requests(self) -> int:
        return sum(patience is not None for _, _, patience in self.turns)


@pytest.fixture
def pace() -> CountingPace:
    return CountingPace()


@pytest.fixture
def adapter(pace: CountingPace) -> TelegramAdapter:
    return TelegramAdapter(pace=pace, disconnect_after=SILENCE)


def asked(dc: TelegramDC) -> int:
    return sum("Ping" not in each.method for each in dc.journal.requests())


async def test_one_turn_for_each_request_and_none_for_pings(
    dc: TelegramDC, adapter: TelegramAdapter, pace: CountingPace
) -> None:
    session = await sign_in(dc, adapter=adapter)
    assert [patience for _, _, patience in pace.turns] == [None, SILENCE / 3, PATIENCE]
    await session.keep_alive(SILENCE)
    assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
    assert await session.invite(ANNA, "club") == Outcome(Kind.INVITED)
    assert await session.is_member(ANNA, "club")
    await session.keep_alive(SILENCE)
    await session.close()
    assert pace.requests == asked(dc) > 5
    assert {(platform, application) for platform, application, _ in pace.turns} == {("telegram", "5")}


async def test_without_a_turn_nothing_is_asked(dc: TelegramDC, adapter: TelegramAdapter, pace: CountingPace) -> None:
    session = await sign_in(dc, adapter=adapter)
    before = asked(dc)
    pace.over = True
    for call in (session.send(ANNA, "text", KEY), session.invite(ANNA, "club"), session.find(ANNA)):
        with pytest.raises(Unavailable):
            await call
    assert asked(dc) == before
    pace.over = False
    assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
    await session.close()


async def test_without_a_turn_nobody_signs_in(dc: TelegramDC, adapter: TelegramAdapter, pace: CountingPace) -> None:
    before = len(asyncio.all_tasks())
    pace.over = True
    with pytest.raises(Unavailable):
        await adapter.connect("owner", credentials(dc, "owner"), None, MemoryBook())
    assert asked(dc) == 0
    assert len(asyncio.all_tasks()) == before
    pace.over = False
    await (await sign_in(dc, adapter=adapter)).close()
    assert not dc.destroyed_sessions


async def test_what_is_closed_while_it_waits_is_not_sent(
    dc: TelegramDC, adapter: TelegramAdapter, pace: CountingPace
) -> None:
    """The lease was lost meanwhile: the account may be another's by now."""
    session = await sign_in(dc, adapter=adapter)
    before = asked(dc)
    pace.gate = asyncio.Event()
    sending = asyncio.ensure_future(session.send(ANNA, "text", KEY))
    await town.until(lambda: pace.requests == before + 1)
    await session.close()
    pace.gate.set()
    with pytest.raises(Unavailable):
        await sending
    assert asked(dc) == before
