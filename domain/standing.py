"""How an account stands after what the platform answered: its rests, blocks and slowness (DESIGN §5, LIM-5, LIM-8)."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.account import AccountState
from domain.limits import PlatformLimits, SlowDown
from domain.outcome import Kind, Outcome, Reason
from domain.why import Why

FAILURES_IN_A_ROW = 3
"""So many failures of nobody's fault rest the account."""
FLOOD_SIGNS = frozenset({Kind.RATE_LIMITED, Kind.LIMITED})
"""Answers by which flood control shows itself."""


@dataclass(frozen=True)
class Standing:
    """The account's row as the policy sees it.

    `reason`: what brought it into its state. `next_at`: earliest next action, by the gap. `times_limited`: anti-spam
    limits so far. `failures`: failures of nobody's fault in a row. `reported`: integration-service knows the block.
    `slow`: by how much its pauses were multiplied at `slow_at`. `created_at`, `tier`, `portfolio`: what kind of
    account it is, as far as that is known.
    """

    state: AccountState
    reason: Reason = Reason.NONE
    until: datetime | None = None
    next_at: datetime | None = None
    times_limited: int = 0
    failures: int = 0
    reported: bool = True
    slow: float = 1.0
    slow_at: datetime | None = None
    created_at: datetime | None = None
    tier: str | None = None
    portfolio: str | None = None


@dataclass(frozen=True)
class Rest:
    """Nothing may be done before `until`. None: until somebody acts (the owner, the campaign)."""

    until: datetime | None
    why: Why


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


def slowness(now: datetime, account: Standing, rule: SlowDown | None) -> float:
    """By how much the account's pauses are longer than the safe ones: at least 1, a step less after every calm time."""
    if rule is None or account.slow_at is None:
        return 1.0
    calm = max(int((now - account.slow_at) / rule.calm), 0)
    # The negative power ends at 0 after years of calm, where the positive one would overflow.
    return max(min(account.slow, rule.most) * rule.factor**-calm, 1.0)


def after(outcome: Outcome, account: Standing, limits: PlatformLimits, now: datetime) -> Standing:
    """How the account stands after one of its actions had this outcome.

    An answer may come late, after another one has blocked or rested the account: it cuts neither short.
    """
    later = _after(outcome, account, limits, now)
    if outcome.kind in FLOOD_SIGNS and limits.slow_down is not None:
        later = replace(later, slow=_slower(now, account, limits.slow_down), slow_at=now)
    if _cuts_short(account, later, now):
        return replace(later, state=account.state, reason=account.reason, until=account.until)
    return later


def _slower(now: datetime, account: Standing, rule: SlowDown) -> float:
    return min(slowness(now, account, rule) * rule.factor, rule.most)


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
