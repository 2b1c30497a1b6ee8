"""Spent budgets: read, spent, given back. Those that a whole portfolio shares are locked before they are read.

Everything is counted twice: of the account's limits, and of the campaign's own, which its pace follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.budgets import BUCKET, WINDOW, Spent, Usage, hour_of
from domain.limits import PlatformLimits, Scope
from domain.platform import Budget
from domain.standing import Standing
from storage.engine import Ask, Row

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
    """One account's budgets and a campaign's on it, for a transaction that has locked the account."""

    def __init__(self, ref: AccountRef, campaign_id: object, standing: Standing, limits: PlatformLimits) -> None:
        self._ref = ref
        self._campaign = f"campaign/{campaign_id}/"
        self._portfolio = standing.portfolio
        self.limits = limits

    def locking(self) -> Sequence[Ask]:
        """Lock what others share with the account: before the usage is read.

        Two accounts of a portfolio have locked different rows, and would both find the same room.
        """
        shared = sorted({self._scope(budget) for budget in Budget} - {scope(self._ref)})
        return [Ask(_LOCK, {"owner": self._ref.owner, "scope": each}) for each in shared]

    def spending(self, now: datetime) -> Ask:
        """What was spent in the last 24 hours: see `usage`."""
        found = {self._scope(budget) for budget in Budget}
        scopes = sorted(found | {self._campaign + each for each in found})
        return Ask(_USAGE, {"owner": self._ref.owner, "scopes": scopes, "since": now - WINDOW - BUCKET})

    def usage(self, rows: Sequence[Row]) -> Spendings:
        """What `spending` found."""
        account: dict[Budget, list[Spent]] = {}
        campaign: dict[Budget, list[Spent]] = {}
        for row in rows:
            budget, spent = Budget(row["budget"]), Spent(row["hour"], row["amount"], row["next_at"])
            counted_in = self._scope(budget)
            if row["scope"] == counted_in:
                account.setdefault(budget, []).append(spent)
            elif row["scope"] == self._campaign + counted_in:
                campaign.setdefault(budget, []).append(spent)
        return Spendings(account, campaign)

    def spend(self, budget: Budget, amount: int, now: datetime, next_at: datetime | None = None) -> Ask:
        """Count actions, or look-ups, of this hour. `next_at`: the campaign's earliest next one, by its pace."""
        return Ask(_SPEND, self._names(budget) | {"hour": hour_of(now), "amount": amount, "next_at": next_at})

    def spend_up(self, budget: Budget, now: datetime) -> Ask:
        """The platform counts more than we do: nothing of it is left to the account until a day has passed."""
        return Ask(_SPEND_UP, self._names(budget) | {"hour": hour_of(now), "amount": self.limits.daily[budget]})

    def give_back(self, budget: Budget, opened_at: datetime) -> Ask:
        """Nothing was asked of the person for whom it was spent at that time."""
        return Ask(_GIVE_BACK, self._names(budget) | {"hour": hour_of(opened_at)})

    def _names(self, budget: Budget) -> dict[str, object]:
        found = self._scope(budget)
        return {"owner": self._ref.owner, "scope": found, "own": self._campaign + found, "budget": budget.value}

    def _scope(self, budget: Budget) -> str:
        return budget_scope(self._ref, self._portfolio, self.limits, budget)
