"""The limits file, read again when it changes. A broken file never takes effect: the last good one stays."""

from pathlib import Path

import structlog

from domain.errors import LimitsError
from domain.limits import Limits
from domain.limits_file import parse

_log = structlog.get_logger("error")


class LimitsFile:
    """The `LimitsSource` of a worker. Raises `LimitsError` when the file is wrong from the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._limits = self._read()

    def __call__(self) -> Limits:
        """The limits in force now."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._limits = self._read()
            except LimitsError as error:
                _log.error("the changed limits file is wrong: the last good one stays in force", problem=str(error))
        return self._limits

    def _look(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    def _read(self) -> Limits:
        try:
            return parse(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise LimitsError("file", f"{self._path.name} cannot be read: {error}") from error
