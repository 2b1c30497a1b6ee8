"""Spent budgets: read, spent, given back. Those that a whole portfolio shares are locked before they are read.

Everything is counted twice: of the account's limits, and of the campaign's own, which its pace follows.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.budgets import BUCKET, WINDOW, Spent, Usage, hour_of
from domain.limits import PlatformLimits, Scope
from domain.platform import Budget
from domain.standing import Standing

_USAGE = text("""
    SELECT scope, budget, hour, amount, next_at FROM usage
    WHERE owner = :owner AND scope = ANY (CAST(:scopes AS text[])) AND hour > :since
""")

_SPEND = text("""
    INSERT INTO usage (owner, scope, budget, hour, amount, next_at)
    VALUES (:owner, :scope, :budget, :hour, :amount, NULL), (:owner, :own, :budget, :hour, :amount, :next_at)
    ON CONFLICT (owner, scope, budget, hour)
    DO UPDATE SET amount = usage.amount + excluded.amount, next_at = coalesce(excluded.next_at, usage.next_at)
""")

_SPEND_UP = text("""
    INSERT INTO usage (owner, scope, budget, hour, amount) VALUES (:owner, :scope, :budget, :hour, :amount)
    ON CONFLICT (owner, scope, budget, hour) DO UPDATE SET amount = usage.amount + excluded.amount
""")

_GIVE_BACK = text("""
    UPDATE usage SET amount = amount - 1
    WHERE owner = :owner AND scope IN (:scope, :own) AND budget = :budget AND hour = :hour AND amount > 0
""")

_NEW_PACE = text("""
    UPDATE usage SET next_at = NULL
    WHERE owner = :owner AND scope LIKE 'campaign/' || :campaign || '/%' AND next_at IS NOT NULL
""")

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:owner || '/' || :scope, 0))")


def scope(ref: AccountRef) -> str:
    """The scope of an account's own budgets."""
    return f"account/{ref.adapter}/{ref.account_id}"


def budget_scope(ref: AccountRef, portfolio: str | None, limits: PlatformLimits, budget: Budget) -> str:
    """The scope in which the account's actions of that kind are counted."""
    if limits.scope(budget) is Scope.PORTFOLIO and portfolio is not None:
        return f"portfolio/{ref.adapter}/{portfolio}"
    return scope(ref)


async def pace_anew(tx: AsyncConnection, owner: str, campaign_id: object) -> None:
    """The owner has changed the campaign: it is paced by the terms of now, not by what was drawn before."""
    await tx.execute(_NEW_PACE, {"owner": owner, "campaign": str(campaign_id)})


@dataclass(frozen=True)
class Spendings:
    """What was spent in the last 24 hours: of the account's limits, and what of it by the campaign."""

    account: Usage
    campaign: Usage


class Purse:
    """One account's budgets and a campaign's on it, within a transaction that has locked the account."""

    def __init__(
        self, tx: AsyncConnection, ref: AccountRef, campaign_id: object, standing: Standing, limits: PlatformLimits
    ) -> None:
        self._tx = tx
        self._ref = ref
        self._campaign = f"campaign/{campaign_id}/"
        self._portfolio = standing.portfolio
        self._limits = limits

    async def usage(self, now: datetime) -> Spendings:
        """What was spent in the last 24 hours."""
        scopes = {budget: self._scope(budget) for budget in Budget}
        for shared in sorted(set(scopes.values()) - {scope(self._ref)}):
            # Two accounts of the portfolio have locked different rows, and would both find the same room.
            await self._tx.execute(_LOCK, {"owner": self._ref.owner, "scope": shared})
        both = sorted({each for found in scopes.values() for each in (found, self._campaign + found)})
        names = {"owner": self._ref.owner, "scopes": both, "since": now - WINDOW - BUCKET}
        account: dict[Budget, list[Spent]] = {}
        campaign: dict[Budget, list[Spent]] = {}
        for row in (await self._tx.execute(_USAGE, names)).mappings():
            budget, spent = Budget(row["budget"]), Spent(row["hour"], row["amount"], row["next_at"])
            if row["scope"] == scopes[budget]:
                account.setdefault(budget, []).append(spent)
            elif row["scope"] == self._campaign + scopes[budget]:
                campaign.setdefault(budget, []).append(spent)
        return Spendings(account, campaign)

    async def spend(self, budget: Budget, amount: int, now: datetime, next_at: datetime | None = None) -> None:
        """Count actions, or look-ups, of this hour. `next_at`: the campaign's earliest next one, by its pace."""
        await self._tx.execute(
            _SPEND, self._names(budget) | {"hour": hour_of(now), "amount": amount, "next_at": next_at}
        )

    async def spend_up(self, budget: Budget, now: datetime) -> None:
        """The platform counts more than we do: nothing of it is left to the account until a day has passed."""
        amount = {"hour": hour_of(now), "amount": self._limits.daily[budget]}
        await self._tx.execute(_SPEND_UP, self._names(budget) | amount)

    async def give_back(self, budget: Budget, opened_at: datetime) -> None:
        """Nothing was asked of the person for whom it was spent at that time."""
        await self._tx.execute(_GIVE_BACK, self._names(budget) | {"hour": hour_of(opened_at)})

    def _names(self, budget: Budget) -> dict[str, object]:
        found = self._scope(budget)
        return {"owner": self._ref.owner, "scope": found, "own": self._campaign + found, "budget": budget.value}

    def _scope(self, budget: Budget) -> str:
        return budget_scope(self._ref, self._portfolio, self._limits, budget)
