"""Which campaigns are logged at DEBUG: ids in a file, read again when it was changed."""

from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY_S = 1.0


class Debugged:
    """The campaigns. `path`: one id a line; none, or no file there: no campaign."""

    def __init__(self, path: Path | None, monotonic: Callable[[], float]) -> None:
        self._path = path
        self._monotonic = monotonic
        self._looked_at = float("-inf")
        self._changed_at: int | None = None
        self._ids: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Their ids, as the file had them a second ago at most."""
        now = self._monotonic()
        if self._path is not None and now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            self._look(self._path)
        return self._ids

    def _look(self, path: Path) -> None:
        try:
            changed_at = path.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._ids = frozenset(path.read_text(encoding="utf-8", errors="replace").split())
                self._changed_at = changed_at
        except OSError:
            self._ids, self._changed_at = frozenset(), None
