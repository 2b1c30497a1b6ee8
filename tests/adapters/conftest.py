"""A loopback Telegram and a session on it, for the tests of its adapter."""

from collections.abc import AsyncIterator

import pytest

from devstack.telegram_dc.server import TelegramDC
from domain.ports import Session
from tests.adapters import telegram_town as town


@pytest.fixture
async def dc() -> AsyncIterator[TelegramDC]:
    async with TelegramDC(town.town()) as dc:
        yield dc


@pytest.fixture
async def session(dc: TelegramDC) -> AsyncIterator[Session]:
    session = await town.sign_in(dc)
    yield session
    await session.close()
