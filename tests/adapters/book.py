"""An address book that is kept in memory."""

from collections.abc import Mapping, Sequence


class MemoryBook:
    """One account's. `asked`: how often it was opened."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        self.entries = dict(entries or {})
        self.asked = 0

    async def find(self, identifiers: Sequence[str]) -> Mapping[str, str]:
        """What is known of these identifiers."""
        self.asked += 1
        return {name: self.entries[name] for name in identifiers if name in self.entries}

    async def keep(self, found: Mapping[str, str]) -> None:
        """Remember."""
        self.entries.update(found)
