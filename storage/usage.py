"""Spent budgets: read, spent, given back. Those that a whole portfolio shares are locked before they are read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.budgets import BUCKET, WINDOW, Spent, hour_of
from domain.limits import PlatformLimits, Scope
from domain.platform import Budget
from domain.standing import Standing

_USAGE = text("""
    SELECT scope, budget, hour, amount, next_at FROM usage
    WHERE owner = :owner AND scope = ANY (CAST(:scopes AS text[])) AND hour > :since
""")

_SPEND = text("""
    INSERT INTO usage (owner, scope, budget, hour, amount, next_at)
    VALUES (:owner, :scope, :budget, :hour, :amount, :next_at)
    ON CONFLICT (owner, scope, budget, hour)
    DO UPDATE SET amount = usage.amount + excluded.amount, next_at = coalesce(excluded.next_at, usage.next_at)
""")

_GIVE_BACK = text("""
    UPDATE usage SET amount = amount - 1
    WHERE owner = :owner AND scope = :scope AND budget = :budget AND hour = :hour AND amount > 0
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


class Purse:
    """One account's budgets, within a transaction that has locked the account."""

    def __init__(self, tx: AsyncConnection, ref: AccountRef, standing: Standing, limits: PlatformLimits) -> None:
        self._tx = tx
        self._ref = ref
        self._portfolio = standing.portfolio
        self._limits = limits

    async def usage(self, now: datetime) -> Mapping[Budget, Sequence[Spent]]:
        """What was spent in the last 24 hours."""
        scopes = {budget: self._scope(budget) for budget in Budget}
        for shared in sorted(set(scopes.values()) - {scope(self._ref)}):
            # Two accounts of the portfolio have locked different rows, and would both find the same room.
            await self._tx.execute(_LOCK, {"owner": self._ref.owner, "scope": shared})
        names = {"owner": self._ref.owner, "scopes": sorted(set(scopes.values())), "since": now - WINDOW - BUCKET}
        usage: dict[Budget, list[Spent]] = {}
        for row in (await self._tx.execute(_USAGE, names)).mappings():
            budget = Budget(row["budget"])
            if scopes[budget] == row["scope"]:
                usage.setdefault(budget, []).append(Spent(row["hour"], row["amount"], row["next_at"]))
        return usage

    async def spend(self, budget: Budget, amount: int, now: datetime, next_at: datetime | None = None) -> None:
        """Count actions, or look-ups, of this hour. `next_at`: the earliest next one, by the pace."""
        await self._tx.execute(
            _SPEND, self._names(budget) | {"hour": hour_of(now), "amount": amount, "next_at": next_at}
        )

    async def give_back(self, budget: Budget, opened_at: datetime) -> None:
        """Nothing was asked of the person for whom it was spent at that time."""
        await self._tx.execute(_GIVE_BACK, self._names(budget) | {"hour": hour_of(opened_at)})

    def _names(self, budget: Budget) -> dict[str, object]:
        return {"owner": self._ref.owner, "scope": self._scope(budget), "budget": budget.value}

    def _scope(self, budget: Budget) -> str:
        return budget_scope(self._ref, self._portfolio, self._limits, budget)
