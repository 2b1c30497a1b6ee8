"""The limits file, read again when it changes. A broken file never takes effect: the last good one stays."""

from collections.abc import Callable
from pathlib import Path

import structlog

from domain.errors import LimitsError
from domain.limits import Limits
from domain.limits_file import parse

_log = structlog.get_logger("error")


class LimitsFile:
    """The `LimitsSource` of a process. Raises `LimitsError` when the file is wrong from the start.

    `broken` is told at each change of the file whether it is wrong (a metric's place).
    """

    def __init__(self, path: Path, broken: Callable[[bool], None] = lambda _: None) -> None:
        self._path = path
        self._broken = broken
        self._stamp = self._look()
        self._limits = self._read()
        broken(False)

    def __call__(self) -> Limits:
        """The limits in force now."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            self._replace()
        return self._limits

    def _replace(self) -> None:
        try:
            limits = self._read()
            for platform in sorted(self._limits.platforms):
                limits.of(platform)  # one that has gone is no change of limits, and would stop its campaigns
        except LimitsError as error:
            _log.error("the changed limits file is wrong: the last good one stays in force", problem=str(error))
            self._broken(True)
        else:
            self._limits = limits
            self._broken(False)

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
