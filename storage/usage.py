"""Spent budgets: read, spent, given back. Those that a whole portfolio shares are locked before they are read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from domain.account import AccountRef
from domain.budgets import BUCKET, WINDOW, Spent, hour_of
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


class Purse:
    """One account's budgets, for a transaction that has locked the account."""

    def __init__(self, ref: AccountRef, standing: Standing, limits: PlatformLimits) -> None:
        self._ref = ref
        self._portfolio = standing.portfolio
        self._limits = limits

    def locking(self) -> Sequence[Ask]:
        """Lock what others share with the account: before the usage is read.

        Two accounts of a portfolio have locked different rows, and would both find the same room.
        """
        shared = sorted({self._scope(budget) for budget in Budget} - {scope(self._ref)})
        return [Ask(_LOCK, {"owner": self._ref.owner, "scope": each}) for each in shared]

    def spending(self, now: datetime) -> Ask:
        """What was spent in the last 24 hours: see `usage`."""
        scopes = sorted({self._scope(budget) for budget in Budget})
        return Ask(_USAGE, {"owner": self._ref.owner, "scopes": scopes, "since": now - WINDOW - BUCKET})

    def usage(self, rows: Sequence[Row]) -> Mapping[Budget, Sequence[Spent]]:
        """What `spending` found."""
        usage: dict[Budget, list[Spent]] = {}
        for row in rows:
            budget = Budget(row["budget"])
            if self._scope(budget) == row["scope"]:
                usage.setdefault(budget, []).append(Spent(row["hour"], row["amount"], row["next_at"]))
        return usage

    def spend(self, budget: Budget, amount: int, now: datetime, next_at: datetime | None = None) -> Ask:
        """Count actions, or look-ups, of this hour. `next_at`: the earliest next one, by the pace."""
        return Ask(_SPEND, self._names(budget) | {"hour": hour_of(now), "amount": amount, "next_at": next_at})

    def give_back(self, budget: Budget, opened_at: datetime) -> Ask:
        """Nothing was asked of the person for whom it was spent at that time."""
        return Ask(_GIVE_BACK, self._names(budget) | {"hour": hour_of(opened_at)})

    def _names(self, budget: Budget) -> dict[str, object]:
        return {"owner": self._ref.owner, "scope": self._scope(budget), "budget": budget.value}

    def _scope(self, budget: Budget) -> str:
        if self._limits.scope(budget) is Scope.PORTFOLIO and self._portfolio is not None:
            return f"portfolio/{self._ref.adapter}/{self._portfolio}"
        return scope(self._ref)
