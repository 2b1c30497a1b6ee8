"""Claims of campaigns on accounts, and signs of flood control: what campaigns tell each other. Within a transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.platform import Budget
from domain.policy import Claim, Waiting
from storage.engine import Ask, Row

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

# Claims of higher campaigns on the account of the line `ca` of the campaign `c`.
_HIGHER = """
    SELECT {what} FROM waiter w WHERE w.owner = ca.owner AND w.adapter = c.adapter AND w.account_id = ca.account_id
      AND w.campaign_id <> ca.campaign_id AND w.priority < c.priority AND w.until > :now
"""

# Something that the line's account would do else, and on none of whose budgets such a claim stands.
_MAY_ACT = f"""
    EXISTS (SELECT FROM unnest(ca.kinds) kind WHERE NOT EXISTS (
        {_HIGHER.format(what="")} AND (w.budgets = '{{}}' OR w.budgets && string_to_array(kind, '+'))
    ))
"""

CLAIMED_UNTIL = f"""
    (SELECT CASE WHEN NOT {_MAY_ACT} THEN ({_HIGHER.format(what="min(w.until)")}) END WHERE ca.why = 'gives_way')
"""
"""Until when the line `ca` of the campaign `c` gives way at least; NULL: there is something that it may do."""

# A claim may be gone, or be another than it was. Whoever looks again by itself, or acts, is not told.
_HELD_UP = text(f"""
    SELECT DISTINCT ca.campaign_id FROM campaign_account ca JOIN campaign c ON c.id = ca.campaign_id
    WHERE ca.to_campaign = :campaign AND ca.why = 'gives_way' AND ca.until > :now AND c.wanted = 'run' AND {_MAY_ACT}
""")

_FLOOD = text("""
    INSERT INTO flood (owner, adapter, minute, n)
    VALUES (:owner, :adapter, date_trunc('minute', CAST(:now AS timestamptz)), 1)
    ON CONFLICT (owner, adapter, minute) DO UPDATE SET n = flood.n + 1
""")

_FLOODS = text("SELECT floods_since(:adapter, :since) AS n")


def others(ref: AccountRef, campaign_id: str, now: datetime) -> Ask:
    """Live claims of other campaigns on the account: see `claims_of`."""
    return Ask(_CLAIMS, _key(ref, campaign_id) | {"now": now})


def claims_of(rows: Sequence[Row]) -> Sequence[Claim]:
    """What `others` found."""
    return [
        Claim(str(row["campaign_id"]), row["priority"], row["until"], frozenset(map(Budget, row["budgets"])))
        for row in rows
    ]


def claim(ref: AccountRef, campaign_id: str, made: Claim | None) -> Ask:
    """Write the campaign's claim on the account, or that it has none."""
    names = _key(ref, campaign_id)
    if made is None:
        return Ask(_GIVE_UP, names)
    budgets = sorted(each.value for each in made.budgets)
    return Ask(_CLAIM, names | {"priority": made.priority, "until": made.until, "budgets": budgets})


def kinds(waiting: Sequence[Waiting]) -> list[str]:
    """What would be done of these, each as the budgets that it is paid from."""
    return sorted({"+".join(budget.value for budget in each.budgets) for each in waiting})


async def give_up(tx: AsyncConnection, campaign_id: object) -> None:
    """The campaign wants no account now."""
    await tx.execute(_GIVE_UP_ALL, {"campaign": campaign_id})


async def freed(tx: AsyncConnection, campaign_id: object, now: datetime) -> Sequence[str]:
    """Campaigns that gave way to this one with an account on which no higher claim keeps them from everything."""
    names = {"campaign": campaign_id, "now": now}
    return [str(each) for each in await tx.scalars(_HELD_UP, names)]


def note_flood(ref: AccountRef, now: datetime) -> Ask:
    """A sign of flood control on the account."""
    return Ask(_FLOOD, {"owner": ref.owner, "adapter": ref.adapter, "now": now})


def floods(adapter: str, now: datetime) -> Ask:
    """Signs of flood control on the whole platform, over all owners, in the last hour: `n`."""
    return Ask(_FLOODS, {"adapter": adapter, "since": now - HOUR})


def _key(ref: AccountRef, campaign_id: str) -> dict[str, object]:
    return {"owner": ref.owner, "adapter": ref.adapter, "account_id": ref.account_id, "campaign": campaign_id}
