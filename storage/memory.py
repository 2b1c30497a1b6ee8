"""Values for a time, in memory only: bounded, and gone at their end whether or not anybody asks again."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Generic, TypeVar

MOST = 5_000
"""Entries kept at most; the ones written longest ago go first."""

T = TypeVar("T")


class Memory(Generic[T]):
    """Values by name, each for a time. Used within a running event loop."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, name: Hashable) -> T | None:
        """The value, while its time lasts."""
        until, value = self._values.get(name, (0.0, None))
        return value if until > time.monotonic() else None

    def keep(self, name: Hashable, value: T, length: timedelta) -> T:
        """Keep the value for `length`, in place of an older one."""
        entry = (time.monotonic() + length.total_seconds(), value)
        self._values[name] = entry
        self._values.move_to_end(name)
        while len(self._values) > MOST:
            self._values.popitem(last=False)
        asyncio.get_running_loop().call_later(length.total_seconds(), self._end, name, entry[0])
        return value

    def forget(self, name: Hashable) -> None:
        """Drop the value before its time."""
        self._values.pop(name, None)

    def _end(self, name: Hashable, until: float) -> None:
        # One written later under the name has its own end.
        if self._values.get(name, (0.0, None))[0] == until:
            self.forget(name)


class Together(Generic[T]):
    """Questions under one name that overlap are asked once: all get its answer, or its error."""

    def __init__(self) -> None:
        self._asking: dict[Hashable, asyncio.Future[T]] = {}

    async def ask(self, name: Hashable, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to the question, or to the one under that name that is being asked already."""
        if name not in self._asking:
            asking = asyncio.ensure_future(question())
            self._asking[name] = asking
            asking.add_done_callback(lambda answered: self._answered(name, answered))
        return await asyncio.shield(self._asking[name])  # who stops waiting does not stop it for the others

    def _answered(self, name: Hashable, answered: "asyncio.Future[T]") -> None:
        del self._asking[name]
        if not answered.cancelled():
            answered.exception()  # taken note of, though nobody may wait for it any more
