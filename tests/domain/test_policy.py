"""The policy over time: budgets, gaps, rests. Hypothesis plays the days of an account."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import policy
from domain.account import AccountState
from domain.budgets import WINDOW, Spent
from domain.budgets import free_at as budget_free_at
from domain.limits import Gap, PlatformLimits
from domain.outcome import Kind, Outcome, Party, Reason
from domain.platform import Action, Budget, Identifier
from domain.policy import Act, Campaign, Decision, NothingNow, Situation, Waiting
from domain.standing import FAILURES_IN_A_ROW, Rest, Standing, account_rest, after
from domain.terms import Pace, Terms
from domain.why import Why

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TINY = timedelta(microseconds=1)
GAP = timedelta(seconds=10)
RESTS = (timedelta(hours=24), timedelta(hours=72), timedelta(days=7))
LIMITS = PlatformLimits(
    gap=Gap(GAP, GAP),
    daily=dict.fromkeys(Budget, 10) | {Budget.INVITE: 3, Budget.MESSAGE: 2, Budget.MESSAGE_WITH_LINK: 1},
    limited_rests=RESTS,
    unavailable_rest=timedelta(minutes=1),
)
ACTIVE = Standing(AccountState.ACTIVE)
FAST = Terms(pace=Pace.FAST)
INVITE = Waiting(Action.INVITE, Budget.INVITE)
MESSAGE = Waiting(Action.MESSAGE, Budget.MESSAGE)
LINK = Waiting(Action.MESSAGE, Budget.MESSAGE_WITH_LINK)
BY_NAME = Waiting(Action.INVITE, Budget.INVITE, Identifier.USERNAME, Budget.RESOLVE)
BY_PHONE = Waiting(Action.INVITE, Budget.INVITE, Identifier.PHONE, Budget.ADD_CONTACT)


def decide(
    now: datetime,
    account: Standing,
    limits: PlatformLimits,
    usage: Mapping[Budget, Sequence[Spent]],
    waiting: Sequence[Waiting],
) -> Decision:
    """For a campaign without terms of its own, alone on its account."""
    return policy.decide(Situation(now, account, limits, usage, Campaign("campaign", FAST)), waiting)


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def limits(
    invites: int, messages: int = 2, links: int = 1, names: int = 10, phones: int = 10, forwards: int = 0
) -> PlatformLimits:
    return replace(LIMITS, daily=dict(zip(Budget, (invites, messages, links, forwards, phones, names), strict=True)))


@dataclass
class Life:
    """An account whose orders are carried out to the letter: what was done is kept to the microsecond."""

    limits: PlatformLimits
    now: datetime = NOW
    standing: Standing = ACTIVE
    buckets: dict[Budget, Counter[datetime]] = field(default_factory=dict)
    acted: dict[Budget, list[datetime]] = field(default_factory=dict)
    moments: list[datetime] = field(default_factory=list)

    def usage(self) -> dict[Budget, list[Spent]]:
        return {budget: [Spent(*each) for each in hours.items()] for budget, hours in self.buckets.items()}

    def ask(self, waiting: Sequence[Waiting]) -> Decision:
        return decide(self.now, self.standing, self.limits, self.usage(), waiting)

    def step(self, waiting: Sequence[Waiting]) -> Decision:
        decision = self.ask(waiting)
        if isinstance(decision, Act):
            self.moments.append(self.now)
            for budget in decision.waiting.budgets:
                self.buckets.setdefault(budget, Counter())[hour_of(self.now)] += 1
                self.acted.setdefault(budget, []).append(self.now)
            self.standing = replace(self.standing, next_at=self.now + GAP)
        return decision


PAUSES = st.one_of(
    st.none(),  # until the rest is over, exactly
    st.integers(0, 90_000_000).map(lambda microseconds: timedelta(microseconds=microseconds)),
    st.integers(0, 27 * 3600).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from([GAP, GAP - TINY, HOUR - TINY, HOUR, WINDOW - TINY, WINDOW, WINDOW + TINY, WINDOW + HOUR]),
)
STEPS = st.lists(
    st.tuples(
        PAUSES,
        st.sampled_from(
            [(INVITE,), (INVITE, MESSAGE), (LINK,), (MESSAGE, INVITE), (BY_PHONE, BY_NAME), (BY_NAME,), (BY_PHONE,)]
        ),
    ),
    max_size=25,
)
FEW = st.integers(0, 3)


@settings(max_examples=150)
@given(st.builds(limits, st.integers(0, 4), FEW, st.integers(0, 2), FEW, FEW), STEPS)
def test_no_24_hours_hold_more_than_the_limit_and_no_gap_is_cut(
    limits: PlatformLimits, steps: list[tuple[timedelta | None, tuple[Waiting, ...]]]
) -> None:
    life = Life(limits)
    rest: datetime | None = None
    for pause, waiting in steps:
        life.now = max(life.now, rest or life.now) if pause is None else life.now + pause
        decision = life.step(waiting)
        assert not isinstance(decision, NothingNow)
        rest = decision.until if isinstance(decision, Rest) else None
        assert rest is None or rest > life.now
    for budget, acted in life.acted.items():
        most = limits.daily[budget]
        assert all(later - first >= WINDOW for first, later in zip(acted, acted[most:], strict=False))
    assert all(later - first >= GAP for first, later in pairwise(life.moments))


@settings(max_examples=60)
@given(st.integers(1, 4), STEPS)
def test_a_rest_for_the_budget_ends_at_the_first_moment_that_can_act(
    most: int, steps: list[tuple[timedelta | None, tuple[Waiting, ...]]]
) -> None:
    life = Life(limits(most))
    for pause, _ in steps:
        life.now += pause or timedelta(0)
        decision = life.step([INVITE])
        if isinstance(decision, Rest) and decision.why is Why.BUDGET_SPENT:
            assert decision.until is not None
            life.now = decision.until - TINY
            assert life.ask([INVITE]) == decision
            life.now = decision.until
            life.standing = ACTIVE  # the gap aside
            assert life.step([INVITE]) == Act(INVITE)


USAGE = st.lists(
    st.builds(Spent, st.integers(-30, 0).map(lambda hours: hour_of(NOW) + hours * HOUR), st.integers(0, 4)),
    max_size=8,
    unique_by=lambda spent: spent.hour,
)


def first_free(now: datetime, limit: int, spent: Sequence[Spent]) -> datetime:
    """By looking at every moment at which anything changes."""
    moments = sorted({now} | {each.hour + 25 * HOUR for each in spent if each.hour + 25 * HOUR > now})
    for moment in moments:
        if sum(each.amount for each in spent if each.hour + 25 * HOUR > moment) < limit:
            return moment
    return now + WINDOW


@given(st.integers(0, 12), USAGE)
def test_budget_free_at_is_the_first_free_moment(limit: int, spent: list[Spent]) -> None:
    assert budget_free_at(NOW, limit, spent) == first_free(NOW, limit, spent)


@given(st.integers(1, 12), USAGE, USAGE, st.integers(0, 40))
def test_budget_free_at_is_monotone(limit: int, spent: list[Spent], more: list[Spent], hours: int) -> None:
    free = budget_free_at(NOW, limit, spent)
    assert free >= NOW
    assert budget_free_at(NOW, limit, [*spent, *more]) >= free
    assert budget_free_at(NOW, limit + 1, spent) <= free
    assert budget_free_at(NOW + hours * HOUR, limit, spent) == max(free, NOW + hours * HOUR)


def test_a_bucket_counts_until_its_last_moment_is_a_day_old() -> None:
    spent = [Spent(hour_of(NOW), 1)]
    assert budget_free_at(NOW, 1, spent) == hour_of(NOW) + 25 * HOUR
    assert budget_free_at(hour_of(NOW) + 25 * HOUR, 1, spent) == hour_of(NOW) + 25 * HOUR


def test_a_limit_of_nothing_is_asked_again_after_a_day() -> None:
    assert budget_free_at(NOW, 0, []) == NOW + timedelta(days=1)
    assert decide(NOW, ACTIVE, limits(0), {}, [INVITE]) == Rest(NOW + timedelta(days=1), Why.BUDGET_SPENT)


def spent(budget: Budget, amount: int) -> dict[Budget, list[Spent]]:
    return {budget: [Spent(hour_of(NOW), amount)]}


def test_the_first_that_is_affordable_is_served() -> None:
    assert decide(NOW, ACTIVE, LIMITS, {}, [INVITE, MESSAGE]) == Act(INVITE)
    assert decide(NOW, ACTIVE, LIMITS, {}, [MESSAGE, INVITE]) == Act(MESSAGE)
    assert decide(NOW, ACTIVE, LIMITS, spent(Budget.INVITE, 3), [INVITE, MESSAGE]) == Act(MESSAGE)
    assert decide(NOW, ACTIVE, LIMITS, spent(Budget.INVITE, 2), [INVITE, MESSAGE]) == Act(INVITE)


def test_a_message_with_a_link_has_a_budget_of_its_own() -> None:
    assert decide(NOW, ACTIVE, LIMITS, spent(Budget.MESSAGE, 2), [LINK]) == Act(LINK)
    full = spent(Budget.MESSAGE_WITH_LINK, 1)
    assert decide(NOW, ACTIVE, LIMITS, full, [LINK]) == Rest(hour_of(NOW) + 25 * HOUR, Why.BUDGET_SPENT)


def test_a_look_up_needs_room_as_well() -> None:
    assert INVITE.budgets == (Budget.INVITE,)
    assert BY_PHONE.budgets == (Budget.INVITE, Budget.ADD_CONTACT)
    full = spent(Budget.ADD_CONTACT, 10)
    assert decide(NOW, ACTIVE, LIMITS, full, [BY_PHONE]) == Rest(hour_of(NOW) + 25 * HOUR, Why.BUDGET_SPENT)
    assert decide(NOW, ACTIVE, LIMITS, full, [BY_PHONE, BY_NAME]) == Act(BY_NAME)
    assert decide(NOW, ACTIVE, LIMITS, full, [INVITE]) == Act(INVITE)
    assert decide(NOW, ACTIVE, LIMITS, spent(Budget.RESOLVE, 10), [BY_NAME, BY_PHONE]) == Act(BY_PHONE)


def test_it_rests_until_both_budgets_have_room() -> None:
    usage = {
        Budget.INVITE: [Spent(hour_of(NOW) - 3 * HOUR, 3)],
        Budget.ADD_CONTACT: [Spent(hour_of(NOW) - 2 * HOUR, 10)],
        Budget.RESOLVE: [Spent(hour_of(NOW) - 7 * HOUR, 10)],
    }
    late, later = hour_of(NOW) + 22 * HOUR, hour_of(NOW) + 23 * HOUR
    assert decide(NOW, ACTIVE, LIMITS, usage, [BY_PHONE]) == Rest(later, Why.BUDGET_SPENT)
    assert decide(NOW, ACTIVE, LIMITS, usage, [BY_NAME]) == Rest(late, Why.BUDGET_SPENT)
    assert decide(NOW, ACTIVE, LIMITS, usage, [BY_PHONE, BY_NAME]) == Rest(late, Why.BUDGET_SPENT)
    assert decide(late, ACTIVE, LIMITS, usage, [BY_PHONE, BY_NAME]) == Act(BY_NAME)
    assert decide(later, ACTIVE, LIMITS, usage, [BY_PHONE, BY_NAME]) == Act(BY_PHONE)


def test_nobody_in_the_queue_is_nothing_now_unless_the_account_rests() -> None:
    assert decide(NOW, ACTIVE, LIMITS, {}, []) == NothingNow()
    blocked = Standing(AccountState.BLOCKED)
    assert decide(NOW, blocked, LIMITS, {}, []) == Rest(None, Why.ACCOUNT_BLOCKED)


def test_the_gap_ends_exactly_at_its_end() -> None:
    paced = replace(ACTIVE, next_at=NOW + GAP)
    assert decide(NOW, paced, LIMITS, {}, [INVITE]) == Rest(NOW + GAP, Why.GAP)
    assert decide(NOW + GAP - TINY, paced, LIMITS, {}, [INVITE]) == Rest(NOW + GAP, Why.GAP)
    assert decide(NOW + GAP, paced, LIMITS, {}, [INVITE]) == Act(INVITE)


MOMENTS = st.none() | st.integers(-5, 5).map(lambda hours: NOW + hours * HOUR)
STANDINGS = st.builds(
    Standing,
    state=st.sampled_from(AccountState),
    reason=st.sampled_from([Reason.NONE, Reason.FLOOD_WAIT, Reason.PEER_FLOOD, Reason.NO_ANSWER]),
    until=MOMENTS,
    next_at=MOMENTS,
    times_limited=st.integers(0, 5),
    failures=st.integers(0, FAILURES_IN_A_ROW - 1),
)


@given(STANDINGS, st.lists(st.sampled_from([INVITE, MESSAGE, LINK]), max_size=3, unique=True), st.integers(0, 4))
def test_whoever_rests_does_not_act_and_says_until_when(standing: Standing, waiting: list[Waiting], used: int) -> None:
    decision = decide(NOW, standing, LIMITS, spent(Budget.INVITE, used), waiting)
    resting = standing.state in (AccountState.COOLDOWN, AccountState.LIMITED) and (standing.until or NOW) > NOW
    if isinstance(decision, Rest):
        assert (decision.until is None) == (decision.why is Why.ACCOUNT_BLOCKED)
        assert decision.until is None or decision.until > NOW
    if standing.state is AccountState.BLOCKED:
        assert decision == Rest(None, Why.ACCOUNT_BLOCKED)
    elif resting:
        assert isinstance(decision, Rest)
        assert decision.until == standing.until
        assert decision == account_rest(NOW, standing)
    elif waiting and standing.next_at is not None and standing.next_at > NOW:
        assert isinstance(decision, Rest)
        assert decision.until is not None
        assert decision.until >= (standing.next_at if decision.why is Why.GAP else NOW)
    if isinstance(decision, Act):
        assert decision.waiting in waiting


@pytest.mark.parametrize(
    ("state", "reason", "why"),
    [
        (AccountState.COOLDOWN, Reason.FLOOD_WAIT, Why.COOLDOWN),
        (AccountState.COOLDOWN, Reason.NO_ANSWER, Why.PLATFORM_AWAY),
        (AccountState.LIMITED, Reason.PEER_FLOOD, Why.ACCOUNT_LIMITED),
    ],
)
def test_a_rest_says_what_it_is(state: AccountState, reason: Reason, why: Why) -> None:
    resting = Standing(state, reason, until=NOW + HOUR)
    assert decide(NOW, resting, LIMITS, {}, [INVITE]) == Rest(NOW + HOUR, why)
    assert decide(NOW + HOUR, resting, LIMITS, {}, [INVITE]) == Act(INVITE)


SUCCESS = Outcome(Kind.INVITED)
FLOOD = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(seconds=40))
PEER_FLOOD = Outcome(Kind.LIMITED, Reason.PEER_FLOOD)
AWAY = Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER)
DOUBT = Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)
BANNED = Outcome(Kind.BLOCKED, Reason.BANNED)


def test_flood_wait_rests_as_long_as_the_platform_said() -> None:
    standing = after(FLOOD, ACTIVE, LIMITS, NOW)
    assert standing == replace(
        ACTIVE, state=AccountState.COOLDOWN, reason=Reason.FLOOD_WAIT, until=NOW + timedelta(seconds=40)
    )


def test_flood_wait_without_a_time_still_rests() -> None:
    standing = after(Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT), ACTIVE, LIMITS, NOW)
    assert standing.until == NOW + LIMITS.unavailable_rest


def test_anti_spam_rests_grow_and_the_last_one_repeats() -> None:
    standing, rests = ACTIVE, []
    now = NOW
    for _ in range(5):
        standing = after(PEER_FLOOD, standing, LIMITS, now)
        assert standing.state is AccountState.LIMITED
        assert standing.until is not None
        rests.append(standing.until - now)
        now = standing.until
        standing = after(SUCCESS, standing, LIMITS, now)
        assert standing.state is AccountState.ACTIVE
    assert tuple(rests) == (*RESTS, RESTS[-1], RESTS[-1])


def test_a_ban_blocks_without_an_end() -> None:
    standing = after(BANNED, replace(ACTIVE, until=NOW), LIMITS, NOW)
    assert (standing.state, standing.reason, standing.until) == (AccountState.BLOCKED, Reason.BANNED, None)


@pytest.mark.parametrize("outcome", [AWAY, DOUBT])
def test_the_third_failure_in_a_row_rests_the_account(outcome: Outcome) -> None:
    standing = ACTIVE
    for failures in (1, 2):
        standing = after(outcome, standing, LIMITS, NOW)
        assert standing == replace(ACTIVE, failures=failures)
    standing = after(outcome, standing, LIMITS, NOW)
    assert standing == Standing(AccountState.COOLDOWN, Reason.NO_ANSWER, NOW + LIMITS.unavailable_rest)


def test_an_answer_ends_the_row_of_failures() -> None:
    standing = after(AWAY, after(AWAY, ACTIVE, LIMITS, NOW), LIMITS, NOW)
    for answer in (SUCCESS, Outcome(Kind.REFUSED, Reason.PRIVACY), Outcome(Kind.NOT_ADMIN)):
        assert after(answer, standing, LIMITS, NOW) == ACTIVE
    assert after(AWAY, after(SUCCESS, standing, LIMITS, NOW), LIMITS, NOW).state is AccountState.ACTIVE


def test_a_rest_that_is_over_is_forgotten_at_the_next_answer() -> None:
    rested = Standing(AccountState.LIMITED, Reason.PEER_FLOOD, until=NOW, times_limited=2)
    assert after(SUCCESS, rested, LIMITS, NOW) == replace(ACTIVE, times_limited=2)
    assert after(SUCCESS, rested, LIMITS, NOW - TINY) == rested


ANSWERS = st.builds(
    Outcome,
    st.sampled_from(Kind),
    st.sampled_from([Reason.NONE, Reason.FLOOD_WAIT, Reason.NO_ANSWER]),
    st.none() | st.integers(1, 100_000).map(lambda seconds: timedelta(seconds=seconds)),
)


@given(ANSWERS, STANDINGS)
def test_no_answer_unblocks_an_account_or_shortens_its_rest(outcome: Outcome, standing: Standing) -> None:
    """A late answer to an earlier call must not end what the platform said since (ACC-7, DESIGN §5)."""
    later = after(outcome, standing, LIMITS, NOW)
    before, then = account_rest(NOW, standing), account_rest(NOW, later)
    if before is None:
        return
    assert then is not None
    assert then.until is None or (before.until is not None and then.until >= before.until)


@given(ANSWERS, STANDINGS)
def test_an_account_rests_only_by_what_concerns_it(outcome: Outcome, standing: Standing) -> None:
    awake = replace(standing, state=AccountState.ACTIVE, until=None, failures=0)
    rest = account_rest(NOW, after(outcome, awake, LIMITS, NOW))
    concerned = outcome.kind.party is Party.ACCOUNT and outcome.kind not in (Kind.NOT_ADMIN, Kind.POSTPONED)
    assert (rest is not None) == concerned
