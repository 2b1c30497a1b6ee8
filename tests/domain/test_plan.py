"""The plan against the policy carried out step by step, with chance drawn: their ends agree within 5 %."""

import heapq
import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.account import AccountState
from domain.bound import Bound, sentence
from domain.budgets import Spent, hour_of
from domain.crews import Member, Request, Work
from domain.limits import Age, Gap, PlatformLimits, Scope
from domain.plan import plan
from domain.platform import Action, Budget, Identifier
from domain.policy import Act, Campaign, Situation, Waiting, decide, spacing
from domain.schedule import ALWAYS, Schedule, Window
from domain.standing import Rest, Standing
from domain.terms import Pace, Terms
from domain.why import Why

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NAME, PHONE = Identifier.USERNAME, Identifier.PHONE
LIMITS = PlatformLimits(
    gap=Gap(timedelta(seconds=10), timedelta(seconds=15)),
    daily={
        Budget.INVITE: 50,
        Budget.MESSAGE: 40,
        Budget.MESSAGE_WITH_LINK: 10,
        Budget.FORWARD: 20,
        Budget.ADD_CONTACT: 30,
        Budget.RESOLVE: 150,
    },
    limited_rests=(DAY,),
    unavailable_rest=MINUTE,
    ages=(Age(2 * DAY, 0.1), Age(7 * DAY, 0.3), Age(14 * DAY, 0.6)),
)
OLD = NOW - timedelta(days=400)
ACTIVE = Standing(AccountState.ACTIVE, created_at=OLD)
EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))
OFFICE = (Window(WEEKDAYS, 9 * 60, 18 * 60),)
# Berlin puts its clocks forward on 29 March 2026, New York on 8 March.
SCHEDULES = (
    ALWAYS,
    Schedule(windows=OFFICE),
    Schedule(windows=OFFICE, zone="America/New_York"),
    Schedule(windows=(Window(EVERY_DAY, 10 * 60, 13 * 60), Window(EVERY_DAY, 15 * 60, 21 * 60)), zone="Europe/Berlin"),
    Schedule(start_at=NOW + 30 * HOUR),
)


def invites(people: int, phones: int = 0) -> Work:
    return Work(Action.INVITE, Budget.INVITE, {NAME: people - phones, PHONE: phones})


def messages(people: int = 0) -> Work:
    return Work(Action.MESSAGE, Budget.MESSAGE, {NAME: people})


def members(count: int, standing: Standing = ACTIVE, **more: object) -> list[Member]:
    return [Member(f"a{number}", f"A{number}", standing, **more) for number in range(count)]  # type: ignore[arg-type]


def request(people: int, accounts: Sequence[Member], terms: Terms | None = None, *work: Work) -> Request:
    return Request(NOW, LIMITS, terms or Terms(), accounts, work or (invites(people),))


@dataclass
class Truth:
    """The policy obeyed by every account, one action at a time, as turns do; chance is drawn anew each time."""

    asked: Request
    chance: random.Random
    standing: dict[str, Standing] = field(default_factory=dict)
    spent: dict[tuple[str, Budget], list[Spent]] = field(default_factory=dict)
    queue: dict[tuple[int, Identifier], deque[int]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    tail: int = 1_000_000

    def end(self) -> datetime:
        """Serve everybody; when the last action was."""
        self._fill()
        moments = [(self.asked.now, number) for number in range(len(self.asked.members))]
        last = self.asked.now
        while any(self.queue.values()):
            now, number = heapq.heappop(moments)
            acted, again = self._step(self.asked.members[number], now)
            last = now if acted else last
            if again is not None:
                heapq.heappush(moments, (again, number))
        return last

    def _fill(self) -> None:
        seq = list(range(self.asked.people))
        self.chance.shuffle(seq)
        for stage, work in enumerate(self.asked.work):
            for lane in Identifier:
                mine = sorted(seq.pop() for _ in range(work.waiting.get(lane, 0)))
                self.queue[stage, lane] = deque(mine)
        for member in self.asked.members:
            self.standing[member.account_id] = member.standing
            for budget, spent in member.usage.items():
                self.spent[member.account_id, budget] = list(spent)

    def _step(self, member: Member, now: datetime) -> tuple[bool, datetime | None]:
        asked, me = self.asked, member.account_id
        heads = sorted(
            (line[0], stage, lane)
            for (stage, lane), line in self.queue.items()
            if line and (member.may_invite or asked.work[stage].action is Action.MESSAGE)
        )
        waiting = {_waiting(asked.work[stage], lane): (stage, lane) for _, stage, lane in heads}
        left = sum(map(len, self.queue.values()))
        share = max(-(-left // len(asked.members)), 1)
        usage = {budget: self.spent.get((me, budget), []) for budget in Budget}
        situation = Situation(now, self.standing[me], asked.limits, usage, Campaign("c", asked.terms, share))
        decision = decide(situation, list(waiting))
        if isinstance(decision, Rest):
            if decision.until is None:
                return False, None
            return False, min(decision.until, now + HOUR) if len(asked.work) > 1 else decision.until
        if not isinstance(decision, Act):
            return False, now + MINUTE
        stage, lane = waiting[decision.waiting]
        line = self.queue[stage, lane]
        taken = [line.popleft() for _ in range(min(decision.size, len(line)))]
        spaced = spacing(situation, decision.waiting, len(taken), self.chance.random())
        self.standing[me] = replace(self.standing[me], next_at=spaced.next_at)
        for budget in decision.waiting.budgets:
            self._spend(me, budget, now, len(taken), spaced.paced_at if budget is decision.waiting.budget else None)
        self.done[me] += len(taken)
        for _ in taken:
            if stage + 1 < len(asked.work) and self.chance.random() < asked.refusals:
                self.tail += 1
                self.queue[stage + 1, lane].append(self.tail)
        return True, spaced.next_at

    def _spend(self, me: str, budget: Budget, now: datetime, n: int, next_at: datetime | None) -> None:
        spent = self.spent.setdefault((me, budget), [])
        before = next((each for each in spent if each.hour == hour_of(now)), None)
        if before is not None:
            spent.remove(before)
        spent.append(Spent(hour_of(now), n + (before.amount if before else 0), next_at))
        spent[:] = [each for each in spent if each.forgotten_at > now]


def _waiting(work: Work, lane: Identifier) -> Waiting:
    lookup = {NAME: Budget.RESOLVE, PHONE: Budget.ADD_CONTACT}.get(lane)
    return Waiting(work.action, work.budget, lane, None if lookup is work.budget else lookup)


def named(crew: Sequence[Member]) -> list[Member]:
    return [replace(each, account_id=f"a{number}") for number, each in enumerate(crew)]


def assert_close(asked: Request, seed: int) -> None:
    """Within 5 % of the time that it takes, or the accounts' mean pace where that is longer, or an hour's bucket."""
    planned = plan(asked).ends
    truth = Truth(asked, random.Random(seed))
    happened = truth.end()
    assert planned is not None
    pace = (happened - asked.now) / max(sum(truth.done.values()), 1) * len(asked.members)
    error = abs(planned.planned - happened)
    assert error <= max((happened - asked.now) * 0.05, pace), (planned, happened, error)


SEEDS = st.integers(0, 2**32 - 1)
AGES = st.sampled_from([0.0, 1.5, 5.0, 10.0, 400.0])


@st.composite
def accounts(draw: st.DrawFn) -> Member:
    """Of any age, with some of the day's budget spent, perhaps resting."""
    usage = {}
    for budget, most in ((Budget.INVITE, 5), (Budget.RESOLVE, 8)):
        hours = draw(st.dictionaries(st.integers(1, 23), st.integers(1, most), max_size=5))
        usage[budget] = [Spent(hour_of(NOW) - n * HOUR, amount) for n, amount in hours.items()]
    standing = Standing(AccountState.ACTIVE, created_at=NOW - draw(AGES) * DAY)
    if draw(st.integers(0, 3)) == 0:
        rest = NOW + draw(st.integers(1, 60)) * HOUR
        standing = replace(standing, state=AccountState.LIMITED, until=rest)
    return Member("", "", standing, usage)


QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.lists(accounts(), min_size=1, max_size=4), st.integers(20, 250), st.sampled_from(SCHEDULES), SEEDS)
def test_an_even_campaign_ends_as_planned(
    crew: list[Member], people: int, schedule: Schedule, seed: int
) -> None:
    assert_close(request(people, named(crew), Terms(schedule=schedule)), seed)


@QUICK
@given(st.lists(accounts(), min_size=1, max_size=4), st.integers(20, 400), st.sampled_from(SCHEDULES), SEEDS)
def test_a_fast_campaign_ends_as_planned(
    crew: list[Member], people: int, schedule: Schedule, seed: int
) -> None:
    assert_close(request(people, named(crew), Terms(pace=Pace.FAST, schedule=schedule)), seed)
