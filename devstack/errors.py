"""What can go wrong with the devstack, named for the person at the keyboard."""

from pathlib import Path


class DevstackError(Exception):
    """Something that the person who started the devstack can act on; its text is all they need."""


class AlreadyRunning(DevstackError):
    """Another devstack holds this state."""


class ServerFailed(DevstackError):
    """A server did not come up, or stopped by itself; the text ends with the last lines of its log."""

    def __init__(self, name: str, what: str, log: Path, last_lines: str) -> None:
        """`last_lines` is what the server said last; it is shown indented below the sentence."""
        shown = "\n".join(f"    {line}" for line in last_lines.splitlines()) or "    (it said nothing)"
        super().__init__(f"{name} {what}; the last lines of {log}:\n{shown}")
        self.name = name
