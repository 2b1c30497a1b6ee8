"""Ctrl-C and its relatives: turned into one exception, and held back where they would tear things."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TIDYING = timedelta(minutes=1)


class Ended(KeyboardInterrupt):
    """We were asked to end, by `number` (a signal); the exit status to leave with is 128 + number."""

    def __init__(self, number: int) -> None:
        """Remember which signal it was."""
        super().__init__(number)
        self.status = 128 + number


def end_on_signals() -> None:
    """Raise `Ended` in the main thread for an ending signal; more of them within a minute change nothing.

    SIGINT also where we were started with it ignored, as a shell does for `./run up &`: whoever sends
    it then means it. SIGHUP stays ignored under nohup.
    """
    ending_until = -math.inf

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal ending_until
        if time.monotonic() > ending_until:  # else we are at it, and a second one would cut the tidying short
            ending_until = time.monotonic() + TIDYING.total_seconds()
            raise Ended(number)

    for number in ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


@contextmanager
def held() -> Iterator[None]:
    """Hold ending signals back while the block runs, then let them act.

    For the instants in which a started process is not yet recorded, and for stopping: a second Ctrl-C
    must not leave half of the servers running. Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        if before[number] != signal.SIG_IGN:
            signal.signal(number, lambda which, _frame: came.append(which))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        for late in came:
            signal.raise_signal(late)
