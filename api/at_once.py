"""How much of one owner's is worked on at once, so that nobody takes all connections to the database.

An upload or a report of a million people holds one for minutes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from weakref import WeakValueDictionary

from domain.errors import TooMany

PATIENCE = timedelta(seconds=10)
"""How long a request waits for its place."""


class AtOnce:
    """So many requests of one owner are worked on in this process; further ones wait. `most`: per owner."""

    def __init__(self, most: int, patience: timedelta = PATIENCE) -> None:
        self._most = most
        self._patience = patience
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Held while a request is worked on. Raises `TooMany`."""
        # It lives as long as somebody holds or awaits it.
        places = self._places.setdefault(owner, asyncio.Semaphore(self._most))
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await places.acquire()
        except TimeoutError:
            words = f"{self._most} of your requests are being worked on already: wait for one to end."
            raise TooMany(words, self._patience) from None
        try:
            yield
        finally:
            places.release()
