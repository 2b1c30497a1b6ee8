"""Accounts as their owner sees them: how we found each to stand, and the end of a block or rest of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text

from domain.account import AccountState
from domain.audit import Act
from domain.errors import NotFound
from domain.outcome import Reason
from domain.platform import DRY_RUN
from domain.standing import Standing
from storage.audit import record
from storage.engine import Database

_STATES = text("""
    SELECT adapter, account_id, label, state, reason, since, until, next_at FROM account
    WHERE owner = :owner AND adapter = :adapter ORDER BY account_id
""")

# A rest that the platform named is not ours to end: it would only be named again, and longer.
_ENABLE = text("""
    UPDATE account SET state = 'active', reason = '', since = :now, until = NULL, failures_running = 0
    WHERE owner = :owner AND account_id = :account AND adapter <> :dry_run AND state <> 'active'
      AND NOT (state = 'cooldown' AND reason = :named)
""")

_ONE = text("""
    SELECT adapter, account_id, label, state, reason, since, until, next_at FROM account
    WHERE owner = :owner AND account_id = :account AND adapter <> :dry_run ORDER BY adapter LIMIT 1
""")


_LIVE = text("""
    SELECT c.id FROM campaign c JOIN campaign_account a ON a.campaign_id = c.id
    WHERE c.owner = :owner AND a.account_id = :account AND c.ended_at IS NULL AND c.wanted = 'run'
    ORDER BY c.created_at LIMIT :limit
""")
_TOLD_AT_ONCE = 20


@dataclass(frozen=True)
class OwnedAccount:
    """An account that has worked, or was about to. `since`: when its standing began."""

    account_id: str
    platform: str
    label: str
    standing: Standing
    since: datetime


class OwnedAccounts:
    """The store of accounts for the API."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, owner: str, platform: str) -> Sequence[OwnedAccount]:
        """The owner's accounts on the platform that we have met."""
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(_STATES, {"owner": owner, "adapter": platform})
            return [_account(row) for row in rows.mappings()]

    async def enable(self, owner: str, account_id: str, now: datetime, act: Act | None = None) -> OwnedAccount:
        """End our block or rest of the account, if there is one. `act`: whose it is. Raises `NotFound`."""
        names = {"owner": owner, "account": account_id, "dry_run": DRY_RUN}
        async with self._database.owner(owner) as tx:
            enabled = await tx.execute(_ENABLE, names | {"now": now, "named": Reason.FLOOD_WAIT.value})
            row = (await tx.execute(_ONE, names)).mappings().first()
            if enabled.rowcount:
                await record(tx, owner, act, account_id)
        if row is None:
            raise NotFound("account")
        return _account(row)

    async def live_campaigns(self, owner: str, account_id: str) -> Sequence[UUID]:
        """The oldest running campaigns in which the account is."""
        names = {"owner": owner, "account": account_id, "limit": _TOLD_AT_ONCE}
        async with self._database.owner(owner) as tx:
            return (await tx.scalars(_LIVE, names)).all()


def _account(row: RowMapping) -> OwnedAccount:
    standing = Standing(
        state=AccountState(row["state"]),
        reason=Reason(row["reason"]),
        until=row["until"],
        next_at=row["next_at"],
    )
    return OwnedAccount(row["account_id"], row["adapter"], row["label"], standing, row["since"])
