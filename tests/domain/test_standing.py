"""Slow-down of one account and of a platform (LIM-8): doubles at a sign, bounded, shrinks by steps after calm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import AccountState
from domain.limits import Gap, PlatformLimits, PlatformSlowDown, SlowDown
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Budget
from domain.policy import platform_slowness
from domain.standing import Standing, after, slowness

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CALM = timedelta(hours=6)
TINY = timedelta(microseconds=1)
RULE = SlowDown(factor=2.0, most=8.0, calm=CALM)
LIMITS = PlatformLimits(
    gap=Gap(timedelta(seconds=10), timedelta(seconds=15)),
    daily=dict.fromkeys(Budget, 10),
    limited_rests=(timedelta(hours=24),),
    unavailable_rest=timedelta(minutes=1),
    slow_down=RULE,
)
ACTIVE = Standing(AccountState.ACTIVE)
FLOOD = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(seconds=40))
PEER_FLOOD = Outcome(Kind.LIMITED, Reason.PEER_FLOOD)
RULES = st.builds(
    lambda factor, more, hours: SlowDown(factor, factor * more, timedelta(hours=hours)),
    st.floats(1.01, 10),
    st.floats(1, 10),
    st.floats(0.1, 48),
)


def test_each_sign_doubles_up_to_the_most() -> None:
    standing, seen = ACTIVE, []
    for sign in (FLOOD, PEER_FLOOD, FLOOD, FLOOD):
        standing = after(sign, standing, LIMITS, NOW)
        seen.append(slowness(NOW, standing, RULE))
    assert seen == [2.0, 4.0, 8.0, 8.0]


def test_each_calm_time_takes_a_step_back_and_none_goes_below_the_safe_pause() -> None:
    slow = replace(ACTIVE, slow=8.0, slow_at=NOW)
    moments = [NOW, NOW + CALM - TINY, NOW + CALM, NOW + 2 * CALM, NOW + 3 * CALM, NOW + 30 * CALM]
    assert [slowness(each, slow, RULE) for each in moments] == [8.0, 8.0, 4.0, 2.0, 1.0, 1.0]


def test_a_sign_after_some_calm_doubles_what_is_left() -> None:
    slow = replace(ACTIVE, slow=4.0, slow_at=NOW)
    later = after(FLOOD, slow, LIMITS, NOW + CALM)
    assert (later.slow, later.slow_at) == (4.0, NOW + CALM)


@pytest.mark.parametrize("years", [1, 10, 100])
def test_years_of_calm_end_at_the_safe_pause(years: int) -> None:
    slow = replace(ACTIVE, slow=8.0, slow_at=NOW)
    assert slowness(NOW + years * timedelta(days=365), slow, RULE) == 1.0


@given(RULES, st.lists(st.tuples(st.floats(0, 10_000), st.booleans()), max_size=20))
def test_it_stays_between_the_safe_pause_and_the_most_and_only_signs_raise_it(
    rule: SlowDown, story: list[tuple[float, bool]]
) -> None:
    limits, standing, now = replace(LIMITS, slow_down=rule), ACTIVE, NOW
    for hours, sign in story:
        before = slowness(now, standing, rule)
        now += timedelta(hours=hours)
        rested = slowness(now, standing, rule)
        assert 1.0 <= rested <= before <= rule.most
        standing = after(FLOOD if sign else Outcome(Kind.INVITED), standing, limits, now)
        expected = min(rested * rule.factor, rule.most) if sign else rested
        assert slowness(now, standing, rule) == pytest.approx(expected)


def test_a_lower_most_holds_at_once() -> None:
    slow = replace(ACTIVE, slow=8.0, slow_at=NOW)
    assert slowness(NOW, slow, replace(RULE, most=4.0)) == 4.0


def test_without_a_rule_nothing_slows() -> None:
    assert slowness(NOW, replace(ACTIVE, slow=8.0, slow_at=NOW), None) == 1.0
    assert after(FLOOD, ACTIVE, replace(LIMITS, slow_down=None), NOW).slow == 1.0


@given(st.integers(0, 200), st.integers(0, 100), st.floats(0, 0.99))
def test_a_platform_slows_only_past_the_threshold_and_by_that_part(floods: int, most: int, part: float) -> None:
    found = platform_slowness(floods, PlatformSlowDown(most, part))
    assert found == (pytest.approx(1 / (1 - part)) if floods > most else 1.0)
    assert platform_slowness(floods, None) == 1.0
