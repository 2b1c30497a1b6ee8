"""Shares of applications: which worker uses what part of their requests a second, by the database's clock."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text

from domain.application import Use
from storage.engine import Database

_TAKE = text("""
    SELECT taken, granted FROM take_shares(:holder, CAST(:applications AS text[]), CAST(:used AS integer[]),
                                           CAST(:most AS integer[]), CAST(:length AS interval))
""")
_LEAVE = text("SELECT leave_shares(:holder)")


class ApplicationShares:
    """The `Shares` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, holder: str, uses: Mapping[str, Use], length: timedelta) -> Mapping[str, int]:
        """The holder's shares for `length` from now."""
        names = {
            "holder": holder,
            "applications": list(uses),
            "used": [use.used for use in uses.values()],
            "most": [use.most for use in uses.values()],
            "length": length,
        }
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_TAKE, names)
            return {row["taken"]: row["granted"] for row in rows.mappings()}

    async def leave(self, holder: str) -> None:
        """Give up all shares."""
        async with self._database.housekeeping() as tx:
            await tx.execute(_LEAVE, {"holder": holder})
