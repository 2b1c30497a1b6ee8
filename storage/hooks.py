"""What services beside ours have told: each delivery taken once, and which campaigns are to look because of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from domain.audit import Act
from domain.hooks import AccountChanged
from storage.audit import record
from storage.engine import Database

_TAKE = text("SELECT take_hook(:delivery, :now, CAST(:length AS interval))")
_KEPT_FOR = 3
"""Windows. A time stamp may lie one ahead and is good for one more; the clocks of several processes differ."""

# Always in one order: two hooks of one owner must not wait for each other.
_TELL = text("""
    UPDATE campaign SET accounts_told = :delivery WHERE id IN (
        SELECT id FROM campaign
        WHERE owner = :owner AND platform = :platform AND ended_at IS NULL AND wanted IN ('run', 'paused')
          AND (account_ids IS NULL OR :account = ANY (account_ids))
        ORDER BY id FOR NO KEY UPDATE
    ) RETURNING id
""")


class Hooks:
    """The store of hooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, told: AccountChanged, now: datetime, window: timedelta, act: Act) -> Sequence[UUID] | None:
        """Note that the owner's campaigns which may use the account are to read the list of accounts: which ones.

        None: this delivery was taken before, by whichever process. `window`: how far off a time stamp may be.
        """
        taking = {"delivery": told.delivery, "now": now, "length": window * _KEPT_FOR}
        names = {
            "delivery": told.delivery,
            "owner": told.owner,
            "platform": told.platform,
            "account": told.account_id,
        }
        async with self._database.owner(told.owner) as tx:
            if not await tx.scalar(_TAKE, taking):
                return None
            campaigns = (await tx.scalars(_TELL, names)).all()
            if campaigns:
                await record(tx, told.owner, act, told.account_id, change=told.change.value, campaigns=len(campaigns))
        return campaigns
