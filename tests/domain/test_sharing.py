"""Campaigns that share accounts, by the pure policy: whatever happens in whatever order, what must hold holds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.account import AccountState
from domain.budgets import WINDOW
from domain.limits import Age, Gap, PlatformLimits, PlatformSlowDown, SlowDown
from domain.outcome import Kind
from domain.platform import Action, Budget
from domain.schedule import Schedule, Window
from domain.terms import Pace, Terms
from tests.domain.town import Done, Town

NOW = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
"""Two days before the clocks are put forward in Europe."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMITS = PlatformLimits(
    gap=Gap(timedelta(seconds=10), timedelta(seconds=15)),
    daily=dict.fromkeys(Budget, 9) | {Budget.INVITE: 6, Budget.MESSAGE: 5},
    limited_rests=(DAY, 3 * DAY),
    unavailable_rest=MINUTE,
    ages=(Age(2 * DAY, share=0.5),),
    slow_down=SlowDown(2.0, 8.0, 6 * HOUR),
    platform_slow_down=PlatformSlowDown(2, 0.2),
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
WINDOWS = st.builds(
    lambda days, begin, length: Window(frozenset(days), begin * 60, min((begin + length) * 60, 1440)),
    st.sets(st.integers(0, 6), min_size=3),
    st.integers(0, 22),
    st.integers(1, 14),
)
TERMS = st.builds(
    Terms,
    priority=st.integers(1, 5),
    pace=st.sampled_from(Pace),
    schedule=st.builds(
        Schedule,
        st.none() | st.integers(0, 30).map(lambda hours: NOW + hours * HOUR),
        st.lists(WINDOWS, max_size=2).map(tuple),
        st.sampled_from(ZONES),
    ),
    daily=st.dictionaries(st.sampled_from([Budget.INVITE, Budget.MESSAGE]), st.integers(1, 5)),
    gap=st.sampled_from([timedelta(0), timedelta(seconds=40)]),
)
JOBS = st.lists(
    st.tuples(TERMS, st.integers(1, 14), st.sampled_from([Action.INVITE, Action.MESSAGE])), min_size=2, max_size=4
)
NUMBER = st.integers(0, 3)
EVENTS: st.SearchStrategy[Callable[[Town], None]] = st.one_of(
    NUMBER.map(lambda n: lambda town: town.pause(_job(town, n))),
    NUMBER.map(lambda n: lambda town: town.resume(_job(town, n))),
    st.tuples(NUMBER, TERMS).map(lambda it: lambda town: town.edit(_job(town, it[0]), it[1])),
    st.tuples(NUMBER, st.integers(1, 5)).map(
        lambda it: (
            lambda town: town.edit(_job(town, it[0]), replace(town.jobs[_job(town, it[0])].terms, priority=it[1]))
        )
    ),
    NUMBER.map(lambda n: lambda town: town.enable(sorted(town.accounts)[n % len(town.accounts)])),
    st.booleans().map(
        lambda new: lambda town: town.add_account(f"new-{len(town.accounts)}", town.now if new else None)
    ),
)
PAUSES = st.one_of(
    st.integers(1, 120).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 40).map(lambda hours: timedelta(hours=hours)),
)


def _job(town: Town, number: int) -> str:
    return sorted(town.jobs)[number % len(town.jobs)]


def check(town: Town, limits: PlatformLimits) -> None:
    """The invariants over what was done."""
    for done in town.by_account():
        for earlier, later in pairwise(done):
            assert later.begin >= earlier.end + max(limits.gap.shortest, earlier.terms.gap), (earlier, later)
        for number, each in enumerate(done):
            lately = [other for other in done[: number + 1] if other.begin > each.begin - WINDOW]
            same = [other for other in lately if other.budget is each.budget]
            assert sum(other.size for other in same) <= each.ceiling, "more than the limit within 24 hours"
            own = each.terms.daily.get(each.budget, each.ceiling)
            assert sum(other.size for other in same if other.job == each.job) <= own, "more than its own limit"
    for each in town.journal:
        hours = each.terms.schedule
        assert hours.is_open(each.begin), "outside its hours"
        assert hours.start_at is None or hours.start_at <= each.begin, "before its start"
        assert not each.paused
        assert not each.rivals, "a higher campaign waited for the account"


def end_of_trouble(town: Town) -> None:
    """From now on nothing goes wrong any more, and the owner has put right what did."""
    town.odds = {}
    for name in town.accounts:
        town.enable(name)
    for name in town.jobs:
        town.resume(name)


@settings(max_examples=60, deadline=None)
@given(
    JOBS,
    st.integers(1, 3),
    st.lists(st.tuples(PAUSES, EVENTS), max_size=12),
    st.sampled_from(
        [
            {},
            {Kind.RATE_LIMITED: 20},
            {Kind.REFUSED: 30, Kind.RATE_LIMITED: 10, Kind.LIMITED: 5, Kind.BLOCKED: 5},
        ]
    ),
    st.integers(0, 2**32),
)
def test_whatever_happens_what_must_hold_holds_and_nobody_is_forgotten(
    jobs: list[tuple[Terms, int, Action]],
    accounts: int,
    events: list[tuple[timedelta, Callable[[Town], None]]],
    odds: dict[Kind, int],
    seed: int,
) -> None:
    town = Town(LIMITS, NOW, Random(seed), odds, slowest_call=60)
    for number in range(accounts):
        town.add_account(f"a{number}", NOW - DAY if number == 0 else None)
    for number, (terms, people, action) in enumerate(jobs):
        town.add_job(f"job-{number}", terms, people, action)
    people = sum(town.left().values())
    for pause, event in events:
        town.run(town.now + pause)
        event(town)
    end_of_trouble(town)
    town.run(town.now + 120 * DAY)
    check(town, LIMITS)
    assert not any(town.left().values()), f"somebody was forgotten: {town.left()}"
    assert sum(job.done.total() for job in town.jobs.values()) == people


@pytest.mark.parametrize(
    "terms",
    [
        Terms(pace=Pace.FAST),
        Terms(),
        Terms(schedule=Schedule(windows=(Window(frozenset(range(7)), 9 * 60, 18 * 60),), zone="Europe/Berlin")),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_equal_accounts_that_are_always_there_share_within_a_twentieth(terms: Terms, seed: int) -> None:
    limits = replace(LIMITS, daily=dict.fromkeys(Budget, 100), slow_down=None)
    town = Town(limits, NOW, Random(seed), slowest_call=2)
    for number in range(4):
        town.add_account(f"a{number}")
    town.add_job("job", terms, 600, Action.INVITE)
    town.run(NOW + 2 * DAY)
    check(town, limits)
    done = Counter(each.account for each in town.journal)
    assert done.total() >= 350
    mean = done.total() / 4
    assert all(abs(each - mean) <= 0.05 * mean for each in done.values()), done


def test_one_that_was_away_takes_an_equal_part_of_the_rest() -> None:
    limits = replace(LIMITS, daily=dict.fromkeys(Budget, 2000), slow_down=None)
    town = Town(limits, NOW, Random(5), slowest_call=1)
    for name in ("a", "b", "c"):
        town.add_account(name)
    town.accounts["c"] = replace(town.accounts["c"], state=AccountState.LIMITED, until=NOW + HOUR)
    town.add_job("job", Terms(pace=Pace.FAST), 2000, Action.INVITE)
    town.run(NOW + HOUR - MINUTE)
    before = Counter(each.account for each in town.journal)
    town.add_account("d")
    town.run(NOW + HOUR)
    at_once = Counter(each.account for each in town.journal) - before
    before += at_once
    assert at_once["d"] >= 3, "one that is added begins at once"
    town.run(NOW + 2 * HOUR)
    since = Counter(each.account for each in town.journal) - before
    assert before["c"] <= 1
    assert set(since) == {"a", "b", "c", "d"}
    mean = since.total() / 4
    assert all(abs(each - mean) <= 0.05 * mean for each in since.values()), since


def test_a_higher_one_overtakes_and_the_lower_one_goes_on_after_it() -> None:
    limits = replace(LIMITS, daily=dict.fromkeys(Budget, 1000), slow_down=None)
    town = Town(limits, NOW, Random(7), slowest_call=1)
    for name in ("a", "b"):
        town.add_account(name)
    town.add_job("low", Terms(priority=4, pace=Pace.FAST), 300, Action.INVITE)
    town.run(NOW + 10 * MINUTE)
    begun = NOW + 10 * MINUTE
    town.add_job("high", Terms(priority=2, pace=Pace.FAST), 60, Action.INVITE)
    town.run(NOW + 3 * HOUR)
    check(town, limits)
    assert not any(town.left().values())

    def of(job: str) -> list[Done]:
        return [each for each in town.journal if each.job == job and each.begin >= begun]

    last = max(each.begin for each in of("high"))
    between = [each for each in of("low") if each.begin < last]
    assert len(between) <= 2, "but for what the accounts had begun"
    assert min(each.begin for each in of("low") if each.begin > last) - last < timedelta(seconds=75)


@pytest.mark.parametrize("why", ["paused", "outside its hours", "own limit"])
def test_a_higher_one_that_does_not_act_keeps_nobody_waiting(why: str) -> None:
    limits = replace(LIMITS, daily=dict.fromkeys(Budget, 1000), slow_down=None)
    town = Town(limits, NOW, Random(9), slowest_call=1)
    town.add_account("a")
    hours = Schedule(windows=(Window(frozenset(range(7)), 9 * 60, 9 * 60 + 40),))
    high = {
        "paused": Terms(priority=1),
        "outside its hours": Terms(priority=1, schedule=hours),
        "own limit": Terms(priority=1, pace=Pace.FAST, daily={Budget.INVITE: 5}),
    }[why]
    town.add_job("high", high, 500, Action.INVITE)
    town.add_job("low", Terms(priority=5, pace=Pace.FAST), 500, Action.INVITE)
    town.run(NOW + 10 * MINUTE)
    if why == "paused":
        town.pause("high")
    town.run(NOW + HOUR)
    low = [each for each in town.journal if each.job == "low" and each.begin >= NOW + 11 * MINUTE]
    assert len(low) >= 49 * 60 / 20, "it goes on within a minute, by its gaps alone"
    check(town, limits)
