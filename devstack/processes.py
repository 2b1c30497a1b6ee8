"""Child processes that cannot outlive us: a session, a log file and a death signal each."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from devstack.signals import held

PATIENCE = timedelta(seconds=10)
LOG_TAIL_LINES = 15
_LOG_TAIL_BYTES = 16 * 1024
_PR_SET_PDEATHSIG = 1


def plain_environment() -> dict[str, str]:
    """Return the environment for servers: no proxies, no PG*, VAULT_* or TEMPORAL_* of the user's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Command:
    """What to run and as whom; `env` is the whole environment, nothing is inherited."""

    argv: Sequence[str | os.PathLike[str]]
    env: Mapping[str, str] = field(default_factory=plain_environment)
    cwd: Path = Path("/")
    uid: int | None = None
    """Run as this user, in its namesake group and no other; None: as ourselves."""
    death_signal: signal.Signals = signal.SIGKILL
    """What the child gets when we die without stopping it."""


class Child:
    """One running child process. Start it from the main thread: the death signal follows the thread."""

    def __init__(self, name: str, command: Command, log: Path) -> None:
        """Start it, with output appended to `log`. OSError when it cannot be executed."""
        self.name = name
        self.log = log
        self._asked: set[signal.Signals] = set()
        # Held: between the fork and the assignment a Ctrl-C would lose the handle.
        with held(), log.open("ab") as output:
            self._log_start = output.tell()
            self._popen = subprocess.Popen(
                command.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=command.cwd,
                env=dict(command.env),
                user=command.uid,
                group=command.uid,
                extra_groups=None if command.uid is None else [],
                start_new_session=True,
                preexec_fn=_tie_to_us(command.death_signal),
            )

    @property
    def pid(self) -> int:
        """The process id, also of its session and process group."""
        return self._popen.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def wait(self, patience: timedelta) -> bool:
        """Wait for its end; False when it still runs after `patience`."""
        try:
            self._popen.wait(patience.total_seconds())
        except subprocess.TimeoutExpired:
            return False
        return True

    def status(self) -> int | None:
        """Exit status, negative for the signal that ended it; None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._popen.send_signal(number)

    def suspend(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.send(signal.SIGCONT)

    def ask(self, polite: signal.Signals) -> None:
        """Ask it to end, once: for many programs a second request means at once."""
        if polite not in self._asked:
            self._asked.add(polite)
            self.send(polite)
            self.resume()  # a frozen process would never see it

    def stop(self, *polite: signal.Signals, patience: timedelta = PATIENCE) -> None:
        """End it: each polite signal in turn with `patience` after it, then SIGKILL for all its group."""
        for number in polite:
            self.ask(number)
            if self.wait(patience):
                break
        self.kill()

    def kill(self) -> None:
        """SIGKILL its whole process group, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses for zombies
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def said(self) -> str:
        """What it has written since it was started, the last 16 KiB."""
        with self.log.open("rb") as log:
            log.seek(max(self._log_start, os.fstat(log.fileno()).st_size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace")

    def last_lines(self) -> str:
        """The last lines of what it wrote."""
        return "\n".join(self.said().splitlines()[-LOG_TAIL_LINES:])


def _tie_to_us(number: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec so that it ends with us; None where there is no such thing.

    It runs after the change of user, which would clear the death signal.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    us = os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0)
        if os.getppid() != us:  # we died before it was set
            os._exit(1)

    return tie


def until(condition: Callable[[], bool], patience: timedelta, pause: timedelta = timedelta(milliseconds=10)) -> bool:
    """Poll until the condition holds; False when it does not within `patience`."""
    ends = time.monotonic() + patience.total_seconds()
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(pause.total_seconds())
    return True
