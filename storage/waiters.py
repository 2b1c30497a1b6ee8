"""Claims of campaigns on accounts, and signs of flood control: what campaigns tell each other. Within a transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.platform import Budget
from domain.policy import Claim

HOUR = timedelta(hours=1)

_CLAIMS = text("""
    SELECT campaign_id, priority, until, budgets FROM waiter
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id AND until > :now
      AND campaign_id <> :campaign
""")

_CLAIM = text("""
    INSERT INTO waiter (owner, adapter, account_id, campaign_id, priority, until, budgets)
    VALUES (:owner, :adapter, :account_id, :campaign, :priority, :until, :budgets)
    ON CONFLICT (owner, adapter, account_id, campaign_id)
    DO UPDATE SET priority = excluded.priority, until = excluded.until, budgets = excluded.budgets
""")

_GIVE_UP = text("""
    DELETE FROM waiter
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id AND campaign_id = :campaign
""")

_GIVE_UP_ALL = text("DELETE FROM waiter WHERE campaign_id = :campaign")

# A claim may be gone, or no longer be that of a higher campaign. Whoever looks again by itself, or acts, is not told.
_HELD_UP = text("""
    SELECT DISTINCT ca.campaign_id FROM campaign_account ca JOIN campaign c ON c.id = ca.campaign_id
    WHERE ca.to_campaign = :campaign AND ca.why = 'gives_way' AND ca.until > :now AND c.wanted = 'run'
      AND NOT EXISTS (
          SELECT FROM waiter w WHERE w.owner = ca.owner AND w.adapter = c.adapter AND w.account_id = ca.account_id
            AND w.campaign_id <> ca.campaign_id AND w.priority < c.priority AND w.until > :now
      )
""")

_FLOOD = text("""
    INSERT INTO flood (owner, adapter, minute, n)
    VALUES (:owner, :adapter, date_trunc('minute', CAST(:now AS timestamptz)), 1)
    ON CONFLICT (owner, adapter, minute) DO UPDATE SET n = flood.n + 1
""")

_FLOODS = text("SELECT floods_since(:adapter, :since)")


async def others(tx: AsyncConnection, ref: AccountRef, campaign_id: str, now: datetime) -> Sequence[Claim]:
    """Live claims of other campaigns on the account."""
    rows = await tx.execute(_CLAIMS, _key(ref, campaign_id) | {"now": now})
    return [
        Claim(str(row["campaign_id"]), row["priority"], row["until"], frozenset(map(Budget, row["budgets"])))
        for row in rows.mappings()
    ]


async def claim(tx: AsyncConnection, ref: AccountRef, campaign_id: str, made: Claim | None) -> None:
    """Write the campaign's claim on the account, or that it has none."""
    names = _key(ref, campaign_id)
    if made is None:
        await tx.execute(_GIVE_UP, names)
    else:
        budgets = sorted(each.value for each in made.budgets)
        await tx.execute(_CLAIM, names | {"priority": made.priority, "until": made.until, "budgets": budgets})


async def give_up(tx: AsyncConnection, campaign_id: object) -> None:
    """The campaign wants no account now."""
    await tx.execute(_GIVE_UP_ALL, {"campaign": campaign_id})


async def freed(tx: AsyncConnection, campaign_id: object, now: datetime) -> Sequence[str]:
    """Campaigns that gave way to this one with an account on which no higher claim stands any more."""
    names = {"campaign": campaign_id, "now": now}
    return [str(each) for each in await tx.scalars(_HELD_UP, names)]


async def note_flood(tx: AsyncConnection, ref: AccountRef, now: datetime) -> None:
    """A sign of flood control on the account."""
    await tx.execute(_FLOOD, {"owner": ref.owner, "adapter": ref.adapter, "now": now})


async def floods(tx: AsyncConnection, adapter: str, now: datetime) -> int:
    """Signs of flood control on the whole platform, over all owners, in the last hour."""
    return int(await tx.scalar(_FLOODS, {"adapter": adapter, "since": now - HOUR}) or 0)


def _key(ref: AccountRef, campaign_id: str) -> dict[str, object]:
    return {"owner": ref.owner, "adapter": ref.adapter, "account_id": ref.account_id, "campaign": campaign_id}
