"""What all servers of the devstack have in common: launch, poll until healthy, stop."""

import re
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from devstack import ports
from devstack.errors import ServerFailed
from devstack.processes import PATIENCE, Child
from devstack.signals import held

START_DEADLINE = timedelta(seconds=60)
POLL = timedelta(milliseconds=20)
PORT_TRIES = 5
_PORT_TAKEN = re.compile(r"address already in use|could not bind|already in use|EADDRINUSE", re.IGNORECASE)


class Server(ABC):
    """One server process. `launch` returns at once, `poll` says when it is up, `start` does both.

    A subclass says how to spawn it, when it answers, and what to do once when it does first.
    """

    polite: ClassVar[tuple[signal.Signals, ...]] = (signal.SIGTERM,)
    """The signals that end it in good order, milder ones first."""
    patience: ClassVar[timedelta] = PATIENCE
    """How long each of them is given."""

    def __init__(self, name: str, log: Path, wanted_ports: Sequence[int | None]) -> None:
        """`wanted_ports`: the ports it had before or must have; None or a taken one: any free port."""
        self.name = name
        self.log = log
        self.ports = [0] * len(wanted_ports)
        self.child: Child | None = None
        self._wanted = list(wanted_ports)
        self._tries = 0
        self._launched_at = 0.0
        self._prepared = False

    @abstractmethod
    def spawn(self) -> Child:
        """Start the process on `self.ports`."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it does its work; quick, no exception while it is still coming up."""

    @property
    def probed_ports(self) -> Sequence[int]:
        """The ports that it listens on before it answers; all by default."""
        return self.ports

    def prepare(self) -> None:  # noqa: B027  (most need nothing)
        """Do what is needed once it answers; nothing by default."""

    @property
    def pid(self) -> int:
        """Process id; only while it is launched."""
        return self.running.pid

    @property
    def running(self) -> Child:
        """The process; RuntimeError when it was never launched."""
        if self.child is None:
            raise RuntimeError(f"{self.name} was not launched")
        return self.child

    @property
    def seconds(self) -> float:
        """Seconds since it was launched."""
        return time.monotonic() - self._launched_at

    def launch(self) -> None:
        """Start the process, do not wait."""
        self._tries = 0
        self._prepared = False
        self._launched_at = time.monotonic()
        self._spawn_on_free_ports()

    def poll(self) -> bool:
        """Whether it is healthy and prepared; call it again until it is. ServerFailed when it will not be."""
        if self._prepared:
            return True
        if not self.running.alive():
            self._after_death()
            return False
        if self.seconds > START_DEADLINE.total_seconds():
            raise self._failed(f"was not ready within {START_DEADLINE.total_seconds():.0f} s")
        if not all(ports.listens(self.running.pid, port) for port in self.probed_ports) or not self.answers():
            return False
        self.prepare()
        self._prepared = True
        return True

    def start(self) -> None:
        """Launch it and wait until it is healthy; what was started is stopped on any failure."""
        start_all([self])

    def ask_to_stop(self) -> None:
        """Ask it to end, and do not wait for it."""
        if self.child is not None:
            self.child.ask(self.polite[0])

    def stop(self) -> None:
        """Ask it to end, wait, then insist. Does nothing when it does not run."""
        if self.child is not None:
            self.child.stop(*self.polite, patience=self.patience)

    def kill(self) -> None:
        """SIGKILL."""
        if self.child is not None:
            self.child.kill()

    def _spawn_on_free_ports(self) -> None:
        fresh = ports.free_ports(len(self._wanted))
        keep = self._wanted if self._tries == 0 else [None] * len(fresh)
        self.ports = [old if old and ports.is_free(old) else new for old, new in zip(keep, fresh, strict=True)]
        self._wanted = list(self.ports)
        self.child = self.spawn()

    def _after_death(self) -> None:
        self._tries += 1
        if self._tries >= PORT_TRIES or not _PORT_TAKEN.search(self.running.said()):
            raise self._failed(f"ended with status {self.running.status()} while starting")
        self._spawn_on_free_ports()

    def _failed(self, what: str) -> ServerFailed:
        return ServerFailed(self.name, what, self.log, self.running.last_lines())


def start_all(servers: Sequence[Server], on_ready: Callable[[Server], None] = lambda _: None) -> None:
    """Start servers side by side; calls `on_ready` as each gets healthy. All are stopped if one fails.

    Everything happens in the calling thread (the main one): children die with the thread that forked
    them.
    """
    try:
        for server in servers:
            server.launch()
        waiting = list(servers)
        while waiting:
            for server in [one for one in waiting if one.poll()]:
                waiting.remove(server)
                on_ready(server)
            if waiting:
                time.sleep(POLL.total_seconds())
    except BaseException:
        stop_all(servers)
        raise


def stop_all(servers: Sequence[Server]) -> None:
    """Stop servers side by side, and wait for all of them; Ctrl-C acts afterwards."""
    with held():
        for server in servers:
            server.ask_to_stop()
        for server in servers:
            server.stop()
