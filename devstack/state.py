"""Where a devstack keeps its files: a kept folder for `up`, a passing one for the demo and the tests."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from devstack.errors import AlreadyRunning, DevstackError
from devstack.postgres_files import remove_segment, server_uid
from devstack.signals import held

CHECKOUT = Path(__file__).parents[1]
KEPT_FOLDER = ".devstack"
_PREFIX = "invite-devstack"
_GENERATION = "generation"
_YOUNG = timedelta(minutes=1)


@dataclass(frozen=True)
class State:
    """The folders of one devstack."""

    folder: Path
    """Private (0700, or 0711 where nobody must pass): secrets, databases, logs."""
    postgres_home: Path
    """PostgreSQL's, which its user can reach."""
    kept: bool
    """Whether it outlives the run."""

    @property
    def logs(self) -> Path:
        """A log file per process."""
        return self.folder / "logs"


@contextmanager
def temporary_state() -> Iterator[State]:
    """Give a fresh state that is removed at the end; those left by killed runs are removed first."""
    _sweep()
    with held():
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.geteuid()}-", dir=_reachable_base()))
        lock = _locked(folder / "lock")
    try:
        yield _made(folder, folder / "postgres", kept=False)
    finally:
        with held():
            _remove(folder)
            if lock is not None:
                os.close(lock)


@contextmanager
def kept_state(checkout: Path = CHECKOUT, *, fresh: bool = False) -> Iterator[State]:
    """Give the checkout's kept state, emptied first when `fresh`. AlreadyRunning when another run has it.

    As root PostgreSQL's part is in a system folder for temporary files, where nobody can reach it. When
    one of the two parts is gone (a reboot, a tidy-up) the other is emptied too: they belong together.
    """
    top = checkout / KEPT_FOLDER
    top.mkdir(mode=0o700, exist_ok=True)
    if top.stat().st_uid != os.geteuid():
        raise DevstackError(f"{top} belongs to another user; remove it, or use another checkout")
    lock = _locked(top / "up.lock")
    if lock is None:
        raise AlreadyRunning(f"another `./run up` is running in {checkout}")
    try:
        folder = top / "state"
        home = folder / "postgres" if server_uid() is None else _kept_home(checkout)
        if fresh or _generation(folder) != _generation(home):
            _remove(folder)
            _remove(home)
        yield _marked(_made(folder, home, kept=True))
    finally:
        os.close(lock)


def _made(folder: Path, home: Path, *, kept: bool) -> State:
    passed_through = 0o711 if server_uid() is not None else 0o700
    for path in (folder, home):
        path.mkdir(exist_ok=True)
        path.chmod(passed_through)
    state = State(folder, home, kept)
    state.logs.mkdir(mode=0o700, exist_ok=True)
    return state


def _marked(state: State) -> State:
    if _generation(state.folder) is None:
        generation = secrets.token_hex(8)
        for folder in (state.folder, state.postgres_home):
            (folder / _GENERATION).write_text(generation)
    return state


def _generation(folder: Path) -> str | None:
    try:
        return (folder / _GENERATION).read_text()
    except FileNotFoundError:
        return None


def _reachable_base(*, lasting: bool = False) -> Path:
    """A folder in which PostgreSQL's user can run programs; `lasting`: one that outlives a reboot."""
    usual = [Path(tempfile.gettempdir())]
    if server_uid() is None:
        return usual[0]
    others = [Path("/var/tmp"), Path("/tmp")]
    for base in [*others, *usual] if lasting else [*usual, *others]:
        if base.is_dir() and _all_may_pass(base) and not os.statvfs(base).f_flag & os.ST_NOEXEC:
            return base
    raise DevstackError("as root PostgreSQL runs as nobody, who can run nothing in /tmp; set TMPDIR to a folder for it")


def _all_may_pass(folder: Path) -> bool:
    return all(one.stat().st_mode & stat.S_IXOTH for one in (folder, *folder.parents))


def _kept_home(checkout: Path) -> Path:
    name = hashlib.sha256(os.fsencode(checkout.resolve())).hexdigest()[:12]
    home = _reachable_base(lasting=True) / f"{_PREFIX}-kept-{name}"
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o711)
    found = home.lstat()
    # The name can be guessed, and the folder above is everybody's.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise DevstackError(f"{home} was made by somebody else; remove it")
    return home


def _locked(path: Path) -> int | None:
    """Take the lock; None when another process has it. It is released with our last breath."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep() -> None:
    """Remove what runs that were killed have left: only ours, not locked, and not just being made."""
    for folder in _reachable_base().glob(f"{_PREFIX}-{os.geteuid()}-*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            young = time.time() - found.st_mtime < _YOUNG.total_seconds()
            if young or not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            if (lock := _locked(folder / "lock")) is not None:
                _remove(folder)
                os.close(lock)


def _remove(folder: Path) -> None:
    for data in (folder / "data", folder / "postgres" / "data"):
        remove_segment(data)
    shutil.rmtree(folder, ignore_errors=True)
