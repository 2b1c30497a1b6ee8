"""What crosses owners: read through the functions of the housekeeping role only."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from domain.account import AccountRef
from domain.campaign import Wanted
from domain.housekeeping import LateDelivery, LiveCampaign, StaleTurn, UnfinishedImport
from domain.membership import DueLooks
from storage.engine import Database

_LIVE = text("SELECT * FROM live_campaigns(:after, :at_most)")
_IMPORTS = text("SELECT * FROM unfinished_imports(:after, :at_most)")
_STALE = text("SELECT * FROM stale_turns(:opened_before, :at_most)")
_LATE = text("SELECT * FROM late_deliveries(:due_before, :at_most)")
_LOOKS = text("SELECT * FROM due_looks(:now, :soon, :at_most)")

SOON = timedelta(hours=1)
"""An account that rests no longer than that looks for its people itself, when it has rested."""


class Housekeeping:
    """The store for housekeeping."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def live_campaigns(self, after: str, at_most: int) -> list[LiveCampaign]:
        """Started campaigns that have not ended, by id, those after `after`."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_LIVE, {"after": UUID(after), "at_most": at_most})
            return [
                LiveCampaign(
                    owner=row["owner"],
                    campaign_id=str(row["campaign_id"]),
                    platform=row["platform"],
                    wanted=Wanted(row["wanted"]),
                    control_no=row["control_no"],
                    acknowledged_no=row["acknowledged_no"],
                    wanted_at=row["wanted_at"],
                )
                for row in rows.mappings()
            ]

    async def unfinished_imports(self, after: str, at_most: int) -> list[UnfinishedImport]:
        """Audiences that are being imported, by id, those after `after`."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_IMPORTS, {"after": UUID(after), "at_most": at_most})
            return [UnfinishedImport(row["owner"], str(row["audience_id"])) for row in rows.mappings()]

    async def stale_turns(self, opened_before: datetime, at_most: int) -> list[StaleTurn]:
        """Open turns, begun before then, of accounts that nobody holds."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_STALE, {"opened_before": opened_before, "at_most": at_most})
            return [
                StaleTurn(
                    turn_id=row["turn_id"],
                    campaign_id=str(row["campaign_id"]),
                    ref=AccountRef(row["owner"], row["adapter"], row["account_id"]),
                )
                for row in rows.mappings()
            ]

    async def late_deliveries(self, due_before: datetime, at_most: int) -> list[LateDelivery]:
        """Campaigns whose owner should have been told of something before then, the longest due first."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_LATE, {"due_before": due_before, "at_most": at_most})
            return [
                LateDelivery(row["owner"], None if row["campaign_id"] is None else str(row["campaign_id"]))
                for row in rows.mappings()
            ]

    async def due_looks(self, now: datetime, at_most: int) -> list[DueLooks]:
        """Accounts that are to look for people now: first those that can, the longest due first."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_LOOKS, {"now": now, "soon": SOON, "at_most": at_most})
            return [
                DueLooks(AccountRef(row["owner"], row["adapter"], row["account_id"]), row["able"])
                for row in rows.mappings()
            ]
