"""Who listens to what: read once for all who do, at most once a pause, and not at all when nobody is left."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from domain.errors import TooMany

Heard = TypeVar("Heard")
_AGAIN_IN = timedelta(seconds=5)
"""When an owner with too many streams open may try another one."""


@dataclass
class Listeners(Generic[Heard]):
    """This process's. `every`: seconds between two readings. `most`: streams that one owner may have open here."""

    every: float
    most: int
    monotonic: Callable[[], float]
    _open: Counter[str] = field(default_factory=Counter, init=False)
    _shared: dict[Hashable, "_Shared[Heard]"] = field(default_factory=dict, init=False)
    _closing: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @contextmanager
    def listen(
        self, owner: str, subject: Hashable, read: Callable[[], Awaitable[Heard]]
    ) -> Iterator[Callable[[float], AsyncIterator[Heard]]]:
        """One listener more to this owner's `subject`; what is answered hears it for so many seconds.

        Whoever listens to the same hears what the first one's `read` reads. Raises `TooMany`.
        """
        if self._open[owner] >= self.most:
            raise TooMany(f"{self.most} streams are open already: close one first.", _AGAIN_IN)
        key = (owner, subject)
        shared = self._shared.setdefault(key, _Shared(read, self.every, self.monotonic))
        self._open[owner] += 1
        shared.listeners += 1
        try:
            yield lambda seconds: self._hear(shared, seconds)
        finally:
            shared.listeners -= 1
            if not shared.listeners:
                del self._shared[key]
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    @property
    def idle(self) -> bool:
        """Whether nobody listens, and nothing is kept for anybody."""
        return not self._open and not self._shared

    def close(self) -> None:
        """End every stream: the process is about to stop."""
        self._closing.set()

    async def _hear(self, shared: "_Shared[Heard]", seconds: float) -> AsyncIterator[Heard]:
        end = self.monotonic() + seconds
        while True:
            yield await shared.latest()
            left = end - self.monotonic()
            if left <= 0 or await self._closes_within(min(self.every, left)):
                return

    async def _closes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False


@dataclass
class _Shared(Generic[Heard]):
    read: Callable[[], Awaitable[Heard]]
    every: float
    monotonic: Callable[[], float]
    listeners: int = 0
    _last: tuple[float, Heard] | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def latest(self) -> Heard:
        async with self._reading:  # who comes meanwhile gets what the first one reads
            if self._last is None or self.monotonic() - self._last[0] >= self.every:
                self._last = (self.monotonic(), await self.read())
            return self._last[1]
