"""Who the owners are, for administrators: read through a function of the housekeeping role, which tells counts only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from storage.engine import Database

_OWNERS = text("SELECT * FROM owners(:after, :at_most)")


@dataclass(frozen=True, slots=True)
class OwnerView:
    """An owner, and how much they have going on. `live`: campaigns that were started and have not ended."""

    owner: str
    campaigns: int
    live: int
    recipients: int
    last_made_at: datetime


class Owners:
    """The store of owners."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, after: str, at_most: int) -> list[OwnerView]:
        """Those who have campaigns, by name, those behind `after`."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_OWNERS, {"after": after, "at_most": at_most})
            return [OwnerView(**row) for row in rows.mappings()]
