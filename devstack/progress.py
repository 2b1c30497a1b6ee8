"""What is shown while the devstack starts: a line per step with the time it took."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

_NAME_WIDTH = 22


class Group:
    """Steps that run side by side."""

    def __init__(self, progress: "Progress", names: Sequence[str], spinner: Status | None) -> None:
        """All begin now."""
        self._progress = progress
        self._spinner = spinner
        self._began = time.monotonic()
        self._waiting = list(names)
        self._show()

    def done(self, name: str, note: str = "") -> None:
        """One of them is through."""
        self._waiting.remove(name)
        self._progress.line(name, f"{time.monotonic() - self._began:5.1f} s", note)
        self._show()

    def _show(self) -> None:
        if self._spinner is not None:
            self._spinner.update(", ".join(self._waiting))


class Progress:
    """Lines on a console; on a terminal also a spinner. `quiet` prints nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Standard output is used, in colour when it is a terminal."""
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True)

    @contextmanager
    def group(self, names: Sequence[str]) -> Iterator[Group]:
        """Show steps that run side by side until the block ends."""
        if not self._console.is_terminal:
            yield Group(self, names, None)
            return
        with self._console.status("") as spinner:
            yield Group(self, names, spinner)

    @contextmanager
    def step(self, name: str, note: str = "") -> Iterator[None]:
        """Show one step: its line comes when the block ends well."""
        with self.group([name]) as group:
            yield
            group.done(name, note)

    def line(self, name: str, value: str, note: str = "") -> None:
        """Print one line of two columns, and a note."""
        self._console.print(f"  {name:<{_NAME_WIDTH}}[bold]{value}[/bold]  {note}".rstrip())

    def text(self, text: str) -> None:
        """Print a paragraph as it is."""
        self._console.print(text, markup=False)
