"""An event loop whose clock is moved by waiting: seconds of asyncio code in milliseconds, to the last digit alike."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

Lateness = Callable[[], float]


class _Skips(selectors.SelectSelector):
    """Never waits: it moves the loop's clock instead."""

    moment = 0.0
    late: Lateness = staticmethod(lambda: 0.0)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        if timeout > 0:
            self.moment += timeout + self.late()
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`late`: how much later than asked the loop wakes up, as a busy process does."""

    def __init__(self, late: Lateness | None = None) -> None:
        self._skips = _Skips()
        if late is not None:
            self._skips.late = late
        super().__init__(self._skips)

    def time(self) -> float:
        return self._skips.moment


def run(main: Coroutine[Any, Any, T], late: Lateness | None = None) -> T:
    """Its result, in virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(late)) as runner:
        return runner.run(main)
