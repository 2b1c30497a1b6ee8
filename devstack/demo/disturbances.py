"""What befalls the campaign on its way: a pause by its owner, and the sudden death of a worker."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from devstack.demo.connections import busiest
from devstack.demo.picture import Picture
from devstack.programs import Worker
from devstack.stack import Stack
from devstack.telegram_dc.journal import Journal

PAUSE_AT, KILL_AT = 20, 45
"""The percentages of settled people at which these happen."""
SETTLING = timedelta(seconds=2)
"""How long actions in flight may take to end after a pause; answers come within milliseconds here."""
PAUSE_LASTS = timedelta(seconds=4)


class Disturbances:
    """Each happens once. `command`: tells the campaign, answers its state; `show_for`: lets time pass."""

    def __init__(
        self,
        stack: Stack,
        picture: Picture,
        journal: Callable[[], Journal],
        command: Callable[[str], str],
        show_for: Callable[[timedelta], None],
    ) -> None:
        self.quiet: tuple[int, int] | None = None
        """The number of effects when the pause had settled, and when it ended."""
        self.killed: Worker | None = None
        self._stack = stack
        self._picture = picture
        self._journal = journal
        self._command = command
        self._show_for = show_for
        self._lost: _Lost | None = None

    def look(self, percent: float) -> None:
        """Do what is due when so many per cent of the people are settled."""
        if self.quiet is None and percent >= PAUSE_AT:
            self._pause()
        elif self.killed is None and percent >= KILL_AT:
            self._kill()
        if self._lost is not None and self._lost.is_found(self._journal()):
            self._picture.event(self._lost.told())
            self._lost = None

    def _pause(self) -> None:
        """Pause, twice (the second changes nothing), see that nothing is done, go on."""
        state = [self._command("pause") for _ in range(2)][-1]
        self._picture.event(f"paused through the API; the campaign says {state}")
        self._show_for(SETTLING)
        before = len(self._journal().effects())
        self._show_for(PAUSE_LASTS)
        after = len(self._journal().effects())
        self.quiet = before, after
        seconds = f"{PAUSE_LASTS.total_seconds():.0f} s"
        self._picture.event(f"{after - before} actions in {seconds} of pause ({before} before it); resumed")
        self._command("resume")

    def _kill(self) -> None:
        """SIGKILL the worker that holds most accounts; later, while none holds any."""
        centre = self._stack.data_centre
        worker, held = busiest(self._stack.workers, centre.port if centre else 0)
        if held:
            before = _connections(self._journal())
            worker.kill()
            self.killed = worker
            self._lost = _Lost(held, before)
            self._picture.event(f"{worker.name} killed (SIGKILL) while it held {_accounts(held)}")


@dataclass
class _Lost:
    """The accounts of a worker that was killed: taken over once they come with a connection of their own."""

    held: int
    before: dict[str, int]
    since: float = field(default_factory=time.monotonic)
    found: list[str] = field(default_factory=list)

    def is_found(self, journal: Journal) -> bool:
        """Whether as many accounts as were lost have signed in again."""
        now = _connections(journal)
        self.found = sorted(name for name, number in now.items() if number != self.before.get(name))
        return len(self.found) >= self.held

    def told(self) -> str:
        """It in words."""
        seconds = time.monotonic() - self.since
        return f"the other worker has taken over {', '.join(self.found)} after {seconds:.0f} s"


def _connections(journal: Journal) -> dict[str, int]:
    """The connection that each account used last."""
    return {request.account: request.connection for request in journal.requests()}


def _accounts(number: int) -> str:
    return "1 account" if number == 1 else f"{number} accounts"
