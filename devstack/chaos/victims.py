"""A server that is killed, stopped or restarted, and comes back: looked after by steps that do not wait."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from pathlib import Path

from devstack.chaos.plan import Blow
from devstack.errors import DevstackError, ServerFailed
from devstack.server import Server

COMING_BACK = timedelta(minutes=2)
"""So long it may take to come up again, with what it depends on away now and then."""
_AGAIN = 0.5
"""Seconds between two tries to start a server."""
_ENDS_WITHIN = 40.0
"""Seconds in which a server must end that was asked to."""


class Condition(Enum):
    """How the server is."""

    UP = "up"
    ENDING = "ending"
    DOWN = "down"
    FROZEN = "frozen"
    STARTING = "starting"


class Victim:
    """One server. `say` is told what happens to it; `died`: how often it ended without having been struck."""

    def __init__(self, server: Server, say: Callable[[str], None]) -> None:
        self.server = server
        self.condition = Condition.UP
        self.died = 0
        self.absences: list[tuple[float, float]] = []
        """When it was away, in monotonic time."""
        self._say = say
        self._until = 0.0
        self._down_since = 0.0
        self._ports = list(server.ports)

    @property
    def is_up(self) -> bool:
        """Whether it can be struck."""
        return self.condition is Condition.UP

    def strike(self, blow: Blow, lasts: float) -> None:
        """Do it; it recovers by `look`, after so many seconds."""
        self._until = time.monotonic() + lasts
        self._down_since = time.monotonic()
        match blow:
            case Blow.KILL:
                self.server.kill()
                self.condition = Condition.DOWN
            case Blow.STOP:
                freeze(self.server.pid)
                self.condition = Condition.FROZEN
            case Blow.RESTART:
                self.server.ask_to_stop()
                self.condition = Condition.ENDING
            case _:
                raise ValueError(blow)

    def look(self) -> None:
        """Take the next step, if it is time for one. DevstackError when it does not come back."""
        now = time.monotonic()
        match self.condition:
            case Condition.UP:
                self._must_live()
            case Condition.ENDING:
                self._ending(now)
            case Condition.DOWN if now >= self._until:
                self._launch()
            case Condition.FROZEN if now >= self._until:
                self.go_on()
            case Condition.STARTING:
                self._starting(now)

    def go_on(self) -> None:
        """Let a stopped one continue, before its time too."""
        if self.condition is Condition.FROZEN:
            thaw(self.server.pid)
            self._is_up("goes on")

    def _must_live(self) -> None:
        if not self.server.running.alive():
            self.died += 1
            self._say(f"{self.server.name} ended by itself with status {self.server.running.status()}; started again")
            self._down_since = time.monotonic()
            self.condition = Condition.DOWN

    def _ending(self, now: float) -> None:
        if now > self._down_since + _ENDS_WITHIN:
            raise DevstackError(f"{self.server.name} was asked to end, and did not within {_ENDS_WITHIN:.0f} s")
        if not self.server.running.alive():
            self.condition = Condition.DOWN

    def _launch(self) -> None:
        self.server.launch()
        if self.server.ports[:1] != self._ports[:1]:
            raise DevstackError(f"{self.server.name} lost its port {self._ports[0]}")
        self.condition = Condition.STARTING

    def _starting(self, now: float) -> None:
        try:
            if self.server.poll():
                self._is_up("is back")
        except ServerFailed as failure:  # what it needs may be away: a supervisor would start it again
            if now > self._down_since + COMING_BACK.total_seconds():
                raise
            self._say(f"{self.server.name} could not start: {str(failure).splitlines()[-1].strip()[:150]}")
            self.server.kill()
            self._until = now + _AGAIN
            self.condition = Condition.DOWN

    def _is_up(self, how: str) -> None:
        self.condition = Condition.UP
        self.absences.append((self._down_since, time.monotonic()))
        self._say(f"{self.server.name} {how} after {time.monotonic() - self._down_since:.1f} s")


def freeze(pid: int) -> None:
    """SIGSTOP a process, then all that it has started: it starts no more then."""
    _send(pid, signal.SIGSTOP)
    for child in descendants(pid):
        _send(child, signal.SIGSTOP)


def thaw(pid: int) -> None:
    """SIGCONT, the process itself last."""
    for child in descendants(pid):
        _send(child, signal.SIGCONT)
    _send(pid, signal.SIGCONT)


def descendants(pid: int) -> list[int]:
    """The process ids of its living children, theirs, and so on; none where there is no /proc."""
    parents = {int(folder.name): _parent(folder) for folder in Path("/proc").glob("[0-9]*")}
    found = [pid]
    for one in found:  # grows on the way
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended
        return 0


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
