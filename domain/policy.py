"""When an account may act, and on what: values in, a decision out. No clock, no chance, no database.

What stacks, the smallest winning: the platform's ceiling for the account's age and tier, the campaign's own lower
limit, the hours of the campaign, the account's rests, campaigns of a higher priority, the pace and the gap (LIM-1 to
LIM-9). `domain.plan` runs the same code ahead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from domain.budgets import WINDOW, Spent, Usage, free_at, paced_at, used, used_since
from domain.limits import PlatformLimits, PlatformSlowDown
from domain.platform import Action, Budget, Identifier
from domain.schedule import Schedule
from domain.standing import Rest, Standing, account_rest, slowness
from domain.terms import Pace, Terms
from domain.why import Why

PATIENCE = timedelta(seconds=30)
"""So long after the end of its rest a campaign's claim on an account stands: time for its run to wake and to act. A
campaign that is stuck starves nobody for longer."""
JITTER = 0.3
"""The pace varies evenly around its mean by at most half of that, as people do."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Waiting:
    """Somebody in the campaign's queue can be served by this account with `action`, paid from `budget`.

    `lane`: by which identifier the person would be looked up, which is paid from `lookup`, unless the account knows
    them already.
    """

    action: Action
    budget: Budget
    lane: Identifier = Identifier.USERNAME
    lookup: Budget | None = None

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """Everything that must have room."""
        return (self.budget,) if self.lookup is None else (self.budget, self.lookup)


@dataclass(frozen=True)
class Campaign:
    """What the policy must know of the campaign.

    `share`: the most that one account may take in one turn of what is left, so that it is spread evenly (LIM-4).
    """

    campaign_id: str
    terms: Terms
    share: int = 1


@dataclass(frozen=True)
class Claim:
    """A campaign that waits for the account, until then at the latest.

    `budgets`: to spend these only, of actions or of look-ups; none: for anything.
    """

    campaign_id: str
    priority: int
    until: datetime
    budgets: frozenset[Budget] = frozenset()


@dataclass(frozen=True)
class Situation:
    """All that a decision depends on.

    `usage`: what was spent of the account's limits, for whatever campaign. `own`: what of it for this one, with its
    pace; None: all of it. `floods`: signs of flood control on the whole platform in the last hour.
    """

    now: datetime
    account: Standing
    limits: PlatformLimits
    usage: Usage
    campaign: Campaign
    claims: Sequence[Claim] = ()
    floods: int = 0
    own: Usage | None = None

    @cached_property
    def ceilings(self) -> Mapping[Budget, int]:
        """What the account may do in any 24 hours, for all campaigns together."""
        return self.limits.ceilings(self.account.created_at, self.account.tier, self.now)

    def spent_by_campaign(self, budget: Budget) -> Sequence[Spent]:
        """What this campaign has spent."""
        return (self.usage if self.own is None else self.own).get(budget, ())

    def bounds(self, budget: Budget) -> Sequence[tuple[int, Sequence[Spent]]]:
        """Every limit on the budget, with what was spent of it: the account's, and the campaign's own lower one."""
        bounds = [(self.ceilings[budget], self.usage.get(budget, ()))]
        if budget in self.campaign.terms.daily:
            bounds.append((self.campaign.terms.daily[budget], self.spent_by_campaign(budget)))
        return bounds

    @property
    def slowness(self) -> float:
        """By how much pauses are longer than the safe ones, for this account and for the whole platform."""
        own = slowness(self.now, self.account, self.limits.slow_down)
        return own * platform_slowness(self.floods, self.limits.platform_slow_down)


@dataclass(frozen=True)
class Act:
    """Act now, on so many recipients at most."""

    waiting: Waiting
    size: int = 1


@dataclass(frozen=True)
class GiveWay:
    """Leave the account to the campaign `to`, and look again then at the latest. `waiting`: what it would do else."""

    until: datetime
    to: str
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True)
class NothingNow:
    """The queue has nobody for this account."""


Decision = Act | Rest | GiveWay | NothingNow


def decide(situation: Situation, waiting: Sequence[Waiting]) -> Decision:
    """The account's next step. `waiting` is in the order in which the campaign wants it served."""
    now = situation.now
    rest = campaign_rest(now, situation.campaign.terms.schedule) or account_rest(now, situation.account)
    if rest is not None:
        return rest
    if not waiting:
        return NothingNow()
    affordable = {each: _affordable_at(situation, each) for each in waiting}
    if min(affordable.values()) > now:
        return Rest(min(affordable.values()), Why.BUDGET_SPENT)
    mine = [each for each in waiting if affordable[each] <= now and _rival(situation, each) is None]
    if not mine:
        return _give_way(situation, [each for each in waiting if affordable[each] <= now])
    served = min(mine, key=lambda each: _paced_at(situation, each))
    paced = _paced_at(situation, served)
    if paced > now:
        return Rest(paced, Why.PACE)
    if situation.account.next_at is not None and situation.account.next_at > now:
        return Rest(situation.account.next_at, Why.GAP)
    return Act(served, _size(situation, served))


def campaign_rest(now: datetime, schedule: Schedule) -> Rest | None:
    """The rest that the campaign's own times ask for, if any."""
    if schedule.start_at is not None and schedule.start_at > now:
        return Rest(schedule.start_at, Why.SCHEDULED)
    if not schedule.is_open(now):
        return Rest(schedule.opens_at(now), Why.OUTSIDE_WINDOW)
    return None


@dataclass(frozen=True)
class Spacing:
    """When the account may act again. `next_at`: on anything, by the safe gap. `paced_at`: on the same, by the pace."""

    next_at: datetime
    paced_at: datetime


def spacing(situation: Situation, served: Waiting, size: int, chance: float) -> Spacing:
    """What follows from acting now on `size` recipients. `chance` in [0, 1) draws the pauses."""
    gap = _safe_gap(situation, served.budget, size, chance)
    pace = max(gap, _interval(situation, served.budget, size) * (1 - JITTER / 2 + JITTER * chance) * situation.slowness)
    return Spacing(situation.now + gap, situation.now + pace)


def _safe_gap(situation: Situation, budget: Budget, size: int, chance: float) -> timedelta:
    """The shortest pause after an action: the platform's, the campaign's if that is longer, slowed down."""
    gap = max(situation.limits.gap.draw(chance), situation.campaign.terms.gap) * situation.slowness
    hourly = situation.limits.hourly.get(budget)
    # An hourly limit is kept by spacing: of n + 1 actions so far apart (rounded up), n at most lie within an hour.
    return gap if hourly is None else max(gap, -(-HOUR * size // hourly))


def claim(decision: Decision, situation: Situation, waiting: Sequence[Waiting]) -> Claim | None:
    """The claim on the account that the decision leaves: lower campaigns give way to it. None: none.

    Who will not be within its hours when the rest ends claims nothing meanwhile.
    """
    campaign = situation.campaign
    kinds = frozenset(
        budget for each in waiting if not _own_is_spent(situation, each) for budget in _wanted(situation, each)
    )
    match decision:
        case Act():
            until = situation.now + max(situation.limits.gap.longest, campaign.terms.gap) * situation.slowness
            kinds = frozenset()
        case Rest(datetime() as until, why) if why in _CLAIMING:
            kinds = frozenset()
        case GiveWay(until) | Rest(datetime() as until, Why.PACE | Why.BUDGET_SPENT) if kinds:
            pass
        case _:
            return None
    if not campaign.terms.schedule.is_open(until):
        return None
    return Claim(campaign.campaign_id, campaign.terms.priority, until + PATIENCE, kinds)


_CLAIMING = frozenset({Why.GAP, Why.ACCOUNT_BUSY, Why.COOLDOWN, Why.ACCOUNT_LIMITED, Why.PLATFORM_AWAY})
"""Rests after which the campaign wants the account for any kind of action: a gap is one for all of them."""


def platform_slowness(floods: int, rule: PlatformSlowDown | None) -> float:
    """By how much everything on a platform pauses longer, for so many signs of flood control in the last hour."""
    if rule is None or floods <= rule.floods:
        return 1.0
    return 1 / (1 - rule.slower_by)


def _wanted(situation: Situation, waiting: Waiting) -> frozenset[Budget]:
    """What must be left to a campaign that will serve them: what is spent, which it waits for. Where nothing is, the
    action's budget, and that of look-ups where they are the scarcer ones: most times there are plenty for all."""
    room = {budget: _room(situation, budget) for budget in waiting.budgets}
    spent = frozenset(budget for budget, left in room.items() if left <= 0)
    scarce = frozenset(budget for budget, left in room.items() if left <= room[waiting.budget])
    return spent or scarce


def _room(situation: Situation, budget: Budget) -> int:
    return min(limit - used(situation.now, spent) for limit, spent in situation.bounds(budget))


def _affordable_at(situation: Situation, waiting: Waiting) -> datetime:
    bounds = [bound for each in waiting.budgets for bound in situation.bounds(each)]
    return max(free_at(situation.now, limit, spent) for limit, spent in bounds)


def _own_is_spent(situation: Situation, waiting: Waiting) -> bool:
    """The campaign has used up its own lower limit: what is left of the account's is for others."""
    own = situation.campaign.terms.daily
    return any(
        used(situation.now, situation.spent_by_campaign(each)) >= own[each] for each in waiting.budgets if each in own
    )


def _paced_at(situation: Situation, waiting: Waiting) -> datetime:
    if situation.campaign.terms.pace is Pace.FAST:
        return situation.now
    return max(paced_at(situation.spent_by_campaign(waiting.budget)) or situation.now, situation.now)


def _interval(situation: Situation, budget: Budget, size: int) -> timedelta:
    """Time left in the window ÷ budget left. Without hours of its own, a campaign has all of any 24 hours."""
    schedule = situation.campaign.terms.schedule
    if not schedule.windows:
        return WINDOW * size / max(min(limit for limit, _ in situation.bounds(budget)), 1)
    begin, end = schedule.day_of(situation.now)
    left = min(limit - used_since(begin, spent) for limit, spent in situation.bounds(budget))
    return schedule.open_time(situation.now, end) * size / max(left, 1)


def _rival(situation: Situation, waiting: Waiting) -> Claim | None:
    """The most important live claim of a higher campaign on anything that this is paid from."""
    campaign = situation.campaign
    rivals = [
        each
        for each in situation.claims
        if each.priority < campaign.terms.priority
        and each.until > situation.now
        and each.campaign_id != campaign.campaign_id
        and (not each.budgets or not each.budgets.isdisjoint(waiting.budgets))
    ]
    return min(rivals, key=lambda each: each.priority, default=None)


def _give_way(situation: Situation, affordable: Sequence[Waiting]) -> GiveWay:
    rivals = [rival for each in affordable if (rival := _rival(situation, each)) is not None]
    first = min(rivals, key=lambda each: (each.until, each.priority))
    return GiveWay(first.until, first.campaign_id, tuple(affordable))


def _size(situation: Situation, waiting: Waiting) -> int:
    """As many as one turn may hold: the platform's batch, the budgets' rest, a fair part of who is left.

    Fewer while the account is slowed down. One at a time under an hourly limit: two batches may lie within an hour.
    """
    room = [_room(situation, each) for each in waiting.budgets]
    batch = 1 if waiting.budget in situation.limits.hourly else int(situation.limits.batch / situation.slowness)
    return max(min(batch, situation.campaign.share, *room), 1)
