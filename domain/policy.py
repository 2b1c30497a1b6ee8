"""When an account may act, and on what: values in, a decision out. No clock, no chance, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.account import AccountState
from domain.limits import PlatformLimits
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget
from domain.why import Why

WINDOW = timedelta(hours=24)
BUCKET = timedelta(hours=1)
FAILURES_IN_A_ROW = 3
"""So many failures of nobody's fault rest the account."""


@dataclass(frozen=True)
class Spent:
    """`amount` actions within the hour that begins at `hour`."""

    hour: datetime
    amount: int

    @property
    def forgotten_at(self) -> datetime:
        """When the bucket's last moment is 24 h old: before that it counts in full."""
        return self.hour + BUCKET + WINDOW


@dataclass(frozen=True)
class Standing:
    """The account's row as the policy sees it.

    `reason`: what brought it into its state. `next_at`: earliest next action, by the gap. `times_limited`: anti-spam
    limits so far. `failures`: failures of nobody's fault in a row. `reported`: integration-service knows the block.
    """

    state: AccountState
    reason: Reason = Reason.NONE
    until: datetime | None = None
    next_at: datetime | None = None
    times_limited: int = 0
    failures: int = 0
    reported: bool = True


@dataclass(frozen=True)
class Waiting:
    """Somebody in the campaign's queue can be served by this account with `action`, paid from `budget`."""

    action: Action
    budget: Budget


@dataclass(frozen=True)
class Act:
    """Act now."""

    waiting: Waiting


@dataclass(frozen=True)
class Rest:
    """Nothing may be done before `until`. None: until somebody acts (the owner, the campaign)."""

    until: datetime | None
    why: Why


@dataclass(frozen=True)
class NothingNow:
    """The queue has nobody for this account."""


Decision = Act | Rest | NothingNow


def decide(
    now: datetime,
    account: Standing,
    limits: PlatformLimits,
    usage: Mapping[Budget, Sequence[Spent]],
    waiting: Sequence[Waiting],
) -> Decision:
    """The account's next step. `waiting` is in the order in which the campaign wants it served."""
    rest = account_rest(now, account)
    if rest is not None:
        return rest
    if not waiting:
        return NothingNow()
    free = {each: budget_free_at(now, limits.daily[each.budget], usage.get(each.budget, ())) for each in waiting}
    served = min(waiting, key=lambda each: free[each])
    if free[served] > now:
        return Rest(free[served], Why.BUDGET_SPENT)
    if account.next_at is not None and account.next_at > now:
        return Rest(account.next_at, Why.GAP)
    return Act(served)


def account_rest(now: datetime, account: Standing) -> Rest | None:
    """The rest that the account's own state asks for, if any."""
    if account.state is AccountState.BLOCKED:
        return Rest(None, Why.ACCOUNT_BLOCKED)
    if account.until is not None and account.until > now:
        if account.state is AccountState.COOLDOWN:
            away = account.reason is Reason.NO_ANSWER
            return Rest(account.until, Why.PLATFORM_AWAY if away else Why.COOLDOWN)
        if account.state is AccountState.LIMITED:
            return Rest(account.until, Why.ACCOUNT_LIMITED)
    return None


def after(outcome: Outcome, account: Standing, limits: PlatformLimits, now: datetime) -> Standing:
    """How the account stands after one of its actions had this outcome.

    An answer may come late, after another one has blocked or rested the account: it cuts neither short.
    """
    later = _after(outcome, account, limits, now)
    if _cuts_short(account, later, now):
        return replace(later, state=account.state, reason=account.reason, until=account.until)
    return later


def _cuts_short(account: Standing, later: Standing, now: datetime) -> bool:
    before, then = account_rest(now, account), account_rest(now, later)
    if before is None or then is None or then.until is None:
        return before is not None and then is None
    return before.until is None or then.until < before.until


def _after(outcome: Outcome, account: Standing, limits: PlatformLimits, now: datetime) -> Standing:
    match outcome.kind:
        case Kind.RATE_LIMITED:
            rest = outcome.retry_after or limits.unavailable_rest
            return replace(account, state=AccountState.COOLDOWN, reason=outcome.reason, until=now + rest)
        case Kind.LIMITED:
            return replace(
                account,
                state=AccountState.LIMITED,
                reason=outcome.reason,
                until=now + limits.limited_rest(account.times_limited),
                times_limited=account.times_limited + 1,
            )
        case Kind.BLOCKED:
            return replace(account, state=AccountState.BLOCKED, reason=outcome.reason, until=None, reported=False)
        case Kind.UNAVAILABLE | Kind.UNCERTAIN:
            return _failed_once_more(account, limits, now)
        case _:
            return replace(_awake(account, now), failures=0)


def _failed_once_more(account: Standing, limits: PlatformLimits, now: datetime) -> Standing:
    failures = account.failures + 1
    if failures < FAILURES_IN_A_ROW:
        return replace(account, failures=failures)
    return replace(
        account,
        state=AccountState.COOLDOWN,
        reason=Reason.NO_ANSWER,
        until=now + limits.unavailable_rest,
        failures=0,
    )


def _awake(account: Standing, now: datetime) -> Standing:
    """An account whose rest has ended is active again; a block stays."""
    over = account.until is not None and account.until <= now
    if account.state in (AccountState.COOLDOWN, AccountState.LIMITED) and over:
        return replace(account, state=AccountState.ACTIVE, reason=Reason.NONE, until=None)
    return account


def budget_free_at(now: datetime, limit: int, spent: Sequence[Spent]) -> datetime:
    """The first moment from `now` on at which one more action stays within `limit` per 24 h.

    With a limit of 0 there is no such moment; it is asked again after a day, as the limit may have been changed.
    """
    live = sorted((each for each in spent if each.forgotten_at > now), key=lambda each: each.hour)
    used = sum(each.amount for each in live)
    moment = now
    for each in live:
        if used < limit:
            return moment
        used -= each.amount
        moment = each.forgotten_at
    return moment if used < limit else now + WINDOW
