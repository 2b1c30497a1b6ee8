"""The policy run ahead: what one account would do of one kind of action, if its queue never emptied and nothing befell
it. The decisions and pauses are `domain.policy`'s, with chance at its mean (LIM-2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from domain.account import AccountState
from domain.budgets import BUCKET, WINDOW, Spent, hour_of, used
from domain.limits import PlatformLimits
from domain.platform import Budget
from domain.policy import Act, Campaign, Situation, Waiting, decide, spacing
from domain.standing import Rest, Standing
from domain.terms import Pace, Terms

MEAN = 0.5
"""Chance, as a plan draws it."""
TINY = timedelta(microseconds=1)
SHORTEST = timedelta(milliseconds=1)
"""Pauses shorter than that are taken as that: time must go on."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)
WARM_UP = timedelta(days=3)
"""After so long an account that started unused has found its daily pattern."""
PATTERN_STEPS, PATTERN_WEEKS = 100, 12
"""A pattern is as many whole weeks as hold so many steps, up to a bound."""
EXACT_FOR = timedelta(days=2)
"""The least time that is run ahead from the account's own state before a pattern goes on: its usage has expired."""
HORIZON = timedelta(days=3653)
"""Behind it nobody plans."""
COARSE = ((timedelta(days=60), DAY), (timedelta(days=420), WEEK))
"""From then on whole days, and later weeks, are one step: a sixtieth of what was waited for."""


@dataclass(frozen=True)
class Lane:
    """People who are looked up alike. `share`: their part of all for whom the action is due."""

    waiting: Waiting
    share: float = 1.0


@dataclass(frozen=True)
class Step:
    """`n` actions from `at` on, evenly over `span`, for people of one lane. `gap`: the safe pause after each.

    `budget` is the fullest one that they were paid from, used up to the part `full` (0 to 1) of its `ceiling`.
    """

    at: datetime
    span: timedelta
    n: float
    lane: int
    gap: timedelta
    budget: Budget
    full: float
    ceiling: int


@dataclass(frozen=True)
class Rules:
    """What is the same for all accounts: the platform's limits, the campaign's terms, one kind of action by lanes.

    `batch`: the most that one turn may take, for the queue to be shared evenly.
    """

    limits: PlatformLimits
    terms: Terms
    lanes: tuple[Lane, ...]
    batch: int = 1


def ahead(rules: Rules, account: Standing, usage: Mapping[Budget, Sequence[Spent]], now: datetime) -> Iterator[Step]:
    """Everything that the account would do from `now` on, for ever; nothing, if it never can."""
    spent = {budget: sorted(each, key=lambda one: one.hour) for budget, each in usage.items()}
    situation = Situation(now, account, rules.limits, spent, Campaign("", rules.terms, rules.batch))
    lanes = _possible(rules, situation)
    served = dict.fromkeys(lanes, 0.0)
    while lanes:
        # People of all lanes are mixed in the queue: whose lane lags behind stand at its head.
        heads = sorted(lanes, key=lambda lane: (served[lane] + 1) / rules.lanes[lane].share)
        decision = decide(situation, [rules.lanes[lane].waiting for lane in heads])
        if isinstance(decision, Act):
            lane = next(lane for lane in heads if rules.lanes[lane].waiting is decision.waiting)
            step, situation = _act(situation, decision, lane, len(lanes))
            served[lane] += step.n
            yield step
        elif isinstance(decision, Rest) and decision.until is not None:
            situation = replace(situation, now=max(decision.until, situation.now + TINY))
        else:
            return


def _possible(rules: Rules, situation: Situation) -> list[int]:
    """The lanes that the account may ever serve: nothing that they are paid from is forbidden for good."""
    oldest = max((age.younger_than for age in rules.limits.ages), default=timedelta(0))
    grown = replace(situation, now=situation.now + oldest)
    lanes = enumerate(rules.lanes)
    return [
        n for n, lane in lanes if lane.share > 0 and all(_limit(grown, budget) > 0 for budget in lane.waiting.budgets)
    ]


def _limit(situation: Situation, budget: Budget) -> int:
    """The account's limit, or the campaign's own where that is lower."""
    return min(limit for limit, _ in situation.bounds(budget))


def _act(situation: Situation, act: Act, lane: int, lanes: int) -> tuple[Step, Situation]:
    """As many turns in a row as are alike, and what follows. They all lie within one bucket of the budgets."""
    now, waiting, terms = situation.now, act.waiting, situation.campaign.terms
    spaced = spacing(situation, waiting, act.size, MEAN)
    gap = max(spaced.next_at - now, SHORTEST)
    every = gap if terms.pace is Pace.FAST else max(spaced.paced_at - now, SHORTEST)
    ceilings = {budget: _limit(situation, budget) for budget in waiting.budgets}
    room = min(ceilings[budget] - used(now, situation.usage.get(budget, ())) for budget in waiting.budgets)
    turns = max(min((hour_of(now) + BUCKET - now - TINY) // every + 1, room // act.size), 1)
    turns = max(turns // lanes, 1)
    while turns > 1 and not terms.schedule.is_open(now + (turns - 1) * every):
        turns //= 2
    n, end = turns * act.size, now + turns * every
    usage = dict(situation.usage)
    for budget in waiting.budgets:
        usage[budget] = _spend(usage.get(budget, ()), now, n, end if budget is waiting.budget else None)
    fullest, full = max(
        ((budget, used(now, usage[budget]) / max(ceilings[budget], 1)) for budget in waiting.budgets),
        key=lambda each: each[1],
    )
    account = replace(situation.account, next_at=end - every + gap)
    step = Step(now, turns * every, n, lane, gap / act.size, fullest, full, ceilings[fullest])
    return step, replace(situation, now=end, account=account, usage=usage)


def _spend(spent: Sequence[Spent], now: datetime, n: int, next_at: datetime | None) -> list[Spent]:
    hour = hour_of(now)
    kept = [each for each in spent if now - WINDOW - BUCKET < each.hour != hour]
    before = sum(each.amount for each in spent if each.hour == hour)
    return [*kept, Spent(hour, before + n, next_at)]


@dataclass(frozen=True)
class Pattern:
    """What an account without a past does in so many whole weeks, which repeat. `means`: a mean day and week of it."""

    begin: datetime
    length: timedelta
    steps: tuple[Step, ...]
    means: Mapping[timedelta, Sequence[Step]]

    def from_(self, moment: datetime) -> Iterator[Step]:
        """All from the moment on, for ever."""
        rounds = (moment - self.begin) // self.length
        while self.steps:
            shift = rounds * self.length
            yield from (replace(each, at=each.at + shift) for each in self.steps if each.at + shift >= moment)
            rounds += 1


def _mean(steps: Sequence[Step], part: float, span: timedelta) -> list[Step]:
    """Part of all that is done, as one step for each lane."""
    by_lane: dict[int, list[Step]] = {}
    for each in steps:
        by_lane.setdefault(each.lane, []).append(each)
    return [
        replace(max(lane, key=lambda each: each.full), span=span, n=sum(each.n for each in lane) * part)
        for lane in by_lane.values()
    ]


class Courses:
    """Accounts run ahead one by one, as far as is asked; what they have in common once settled is found out once."""

    def __init__(self, rules: Rules, now: datetime, exact_steps: int) -> None:
        """`exact_steps`: so many are run from each account's own state, before the common pattern goes on."""
        self._rules = rules
        self._now = now
        self._exact = exact_steps
        self._patterns: dict[tuple[tuple[Budget, int], ...], Pattern] = {}

    def of(self, account: Standing, usage: Mapping[Budget, Sequence[Spent]]) -> Iterator[Step]:
        """All that the account would do, up to the horizon."""
        count, end, quiet = 0, self._now, None
        for step in ahead(self._rules, account, usage, self._now):
            quiet = quiet or step.at + EXACT_FOR
            if step.at > self._now + HORIZON:
                return
            if count >= self._exact and step.at > quiet:
                break
            yield step
            count, end = count + 1, step.at + step.span
        else:
            return
        yield from self._settled(account, end)

    def _settled(self, account: Standing, begin: datetime) -> Iterator[Step]:
        """Like the account without a past of the same age, from then on."""
        while begin < self._now + HORIZON:
            grows_at = self._grows_at(account, begin)
            pattern = self._pattern(account, begin)
            length = self._coarse(begin)
            if not pattern.steps:
                begin = grows_at
            elif length is None:
                until = min(grows_at, self._now + COARSE[0][0])
                yield from takewhile(lambda step, until=until: step.at < until, pattern.from_(begin))  # type: ignore[misc]
                begin = until
            else:
                yield from (replace(step, at=begin) for step in pattern.means[length])
                begin += length

    def _coarse(self, moment: datetime) -> timedelta | None:
        """How long one step is so far ahead; None: as short as it is."""
        return next((length for after, length in reversed(COARSE) if moment >= self._now + after), None)

    def _grows_at(self, account: Standing, moment: datetime) -> datetime:
        """When the account's age changes its limits next."""
        if account.created_at is None:
            return self._now + HORIZON
        ages = (account.created_at + age.younger_than for age in self._rules.limits.ages)
        return min((each for each in ages if each > moment), default=self._now + HORIZON)

    def _pattern(self, account: Standing, moment: datetime) -> Pattern:
        ceilings = self._rules.limits.ceilings(account.created_at, account.tier, moment)
        key = tuple(ceilings.items())
        if key not in self._patterns:
            self._patterns[key] = self._found(replace(self._rules.limits, daily=ceilings, ages=(), tiers={}))
        return self._patterns[key]

    def _found(self, limits: PlatformLimits) -> Pattern:
        start = max(self._now, self._rules.terms.schedule.start_at or self._now)
        begin = start + WARM_UP
        steps: list[Step] = []
        weeks = 1
        for step in ahead(replace(self._rules, limits=limits), Standing(AccountState.ACTIVE), {}, start):
            while step.at >= begin + weeks * WEEK and len(steps) < PATTERN_STEPS and weeks < PATTERN_WEEKS:
                weeks += 1
            if step.at >= begin + weeks * WEEK:
                break
            if step.at >= begin:
                steps.append(step)
        length = weeks * WEEK
        means = {span: _mean(steps, span / length, span) for _, span in COARSE}
        return Pattern(begin, length, tuple(steps), means)
