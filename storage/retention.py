"""What was kept long enough goes: people of campaigns that have ended, audiences, and old numbers (IMP-6).

In small batches, each a transaction: a round that is broken off has done what it has done, and the next one goes on.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from domain.housekeeping import SpentAudience, SpentCampaign
from storage.engine import Database

BATCH = 5_000
"""Rows that are deleted in one transaction."""

_CAMPAIGNS = text("SELECT * FROM spent_campaigns(:before, :at_most)")
_AUDIENCES = text("SELECT * FROM spent_audiences(:before, :at_most)")
_OWNERS = text("SELECT owner FROM owners_of_old_numbers(:before, :at_most)")


def _batch(table: str, which: str) -> TextClause:
    return text(f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE owner = :owner AND {which} LIMIT {BATCH}
        ))
    """)


# Attempts go before their turns, and the campaign is marked when nothing of it is left.
_OF_CAMPAIGN = tuple(
    _batch(table, "campaign_id = :id")
    for table in ("recipient", "look", "peer", "queue", "queue_low", "attempt", "turn")
)
_OF_AUDIENCE = (
    *(_batch(table, "audience_id = :id") for table in ("audience_recipient", "audience_dropped", "audience_page")),
    _batch("audience", "id = :id"),
)
_OLD_NUMBERS = (
    _batch("usage", "hour < :before"),
    _batch("flood", "minute < :before"),
    _batch("address_book", "kept_at < :before"),
    _batch("event", "at < :before AND due_at IS NULL"),
)

_OWNERS_OF_OLD_AUDIT = text("SELECT owner FROM owners_of_old_audit(:before, :at_most)")
_OLD_AUDIT = text("SELECT remove_old_audit(:before, :at_most)")

_REMOVED = text("UPDATE campaign SET people_removed_at = :now WHERE id = :id AND owner = :owner")


class Retention:
    """The store for retention."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spent_campaigns(self, ended_before: datetime, at_most: int) -> list[SpentCampaign]:
        """Campaigns that ended before then and still have their people, the earliest first."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_CAMPAIGNS, {"before": ended_before, "at_most": at_most})
            return [SpentCampaign(row["owner"], str(row["campaign_id"])) for row in rows.mappings()]

    async def spent_audiences(self, made_before: datetime, at_most: int) -> list[SpentAudience]:
        """Audiences made before then that no campaign needs which still has its people."""
        async with self._database.housekeeping() as tx:
            rows = await tx.execute(_AUDIENCES, {"before": made_before, "at_most": at_most})
            return [SpentAudience(row["owner"], str(row["audience_id"])) for row in rows.mappings()]

    async def owners_of_old_numbers(self, before: datetime, at_most: int) -> list[str]:
        """Owners with usage, floods, address book entries or events from before then."""
        async with self._database.housekeeping() as tx:
            return list(await tx.scalars(_OWNERS, {"before": before, "at_most": at_most}))

    async def remove_people(self, campaign: SpentCampaign, now: datetime) -> None:
        """Everything that names the campaign's people; its numbers stay."""
        names = {"owner": campaign.owner, "id": UUID(campaign.campaign_id)}
        await self._delete(campaign.owner, _OF_CAMPAIGN, names)
        async with self._database.owner(campaign.owner) as tx:
            await tx.execute(_REMOVED, names | {"now": now})

    async def remove_audience(self, audience: SpentAudience) -> None:
        """The audience as a whole."""
        await self._delete(audience.owner, _OF_AUDIENCE, {"owner": audience.owner, "id": UUID(audience.audience_id)})

    async def remove_old_numbers(self, owner: str, before: datetime) -> None:
        """What no limit looks at any more, where people were found that long ago, and what owners were told of then."""
        await self._delete(owner, _OLD_NUMBERS, {"owner": owner, "before": before})

    async def owners_of_old_audit(self, before: datetime, at_most: int) -> list[str]:
        """Owners with rows of the audit trail from before then."""
        async with self._database.housekeeping() as tx:
            return list(await tx.scalars(_OWNERS_OF_OLD_AUDIT, {"before": before, "at_most": at_most}))

    async def remove_old_audit(self, owner: str, before: datetime) -> None:
        """Rows of the audit trail from before then; none younger than 30 days, which the database sees to."""
        removed = BATCH
        while removed == BATCH:
            async with self._database.owner(owner) as tx:
                removed = await tx.scalar(_OLD_AUDIT, {"before": before, "at_most": BATCH}) or 0

    async def _delete(self, owner: str, batches: tuple[TextClause, ...], names: dict[str, object]) -> None:
        for batch in batches:
            deleted = BATCH
            while deleted == BATCH:
                async with self._database.owner(owner) as tx:
                    deleted = (await tx.execute(batch, names)).rowcount
