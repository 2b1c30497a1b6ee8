"""Temporary folders of workbooks: each is locked as long as it is used, so that what a killed process left is known."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from weakref import finalize

_PREFIX = "invite-report-"


class Folder:
    """An empty folder for one workbook's rows, gone with its last reference at the latest.

    The lock on it ends with the process, however that ends.
    """

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix=_PREFIX)
        lock = os.open(self.name, os.O_RDONLY)
        self._remove = finalize(self, _removed, self.name, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """It, with all that is in it."""
        self._remove()


def sweep() -> int:
    """Remove what killed processes have left; how many folders that were."""
    left = 0
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # it has gone, or is no folder
            continue
        if _is_left(folder):
            _removed(str(path), folder)
            left += 1
        else:
            os.close(folder)
    return left


def _is_left(folder: int) -> bool:
    """Whether nobody uses it. An empty one may have been made just now, and not be locked yet; it costs nothing."""
    if os.fstat(folder).st_uid != os.geteuid() or not os.listdir(folder):
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _removed(path: str, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)
