"""Memberships: what a look makes of the last one, and when the next one is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.membership import Membership, Memberships, memberships, next_look, seen
from domain.outcome import Kind, Outcome, Reason

INVITED, ASKED = Outcome(Kind.INVITED), Outcome(Kind.REFUSED, Reason.JOIN_REQUESTED)
JOINED, THERE, LEFT, UNKNOWN = Membership
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
AFTER = (timedelta(minutes=10), timedelta(hours=24), timedelta(hours=72))


@pytest.mark.parametrize(
    ("before", "is_in", "after"),
    [
        (UNKNOWN, True, JOINED),
        (JOINED, True, THERE),
        (THERE, True, THERE),
        (LEFT, True, JOINED),
        (UNKNOWN, False, LEFT),
        (JOINED, False, LEFT),
        (THERE, False, LEFT),
        (LEFT, False, LEFT),
        *[(each, None, each) for each in Membership],
    ],
)
def test_what_a_look_makes_of_it(before: Membership, is_in: bool | None, after: Membership) -> None:
    assert seen(before, is_in, INVITED) is after


def test_who_waits_to_be_let_in_has_not_left() -> None:
    assert seen(UNKNOWN, False, ASKED) is UNKNOWN
    assert seen(UNKNOWN, True, ASKED) is JOINED
    assert seen(JOINED, False, ASKED) is LEFT


@given(st.lists(st.sampled_from([True, False, None])), st.sampled_from([INVITED, ASKED]))
def test_the_last_look_that_told_something_stands(looks: list[bool | None], outcome: Outcome) -> None:
    state = UNKNOWN
    for is_in in looks:
        state = seen(state, is_in, outcome)
    told = [each for each in looks if each is not None]
    assert (state in (JOINED, THERE)) == (told[-1:] == [True])
    assert (state is UNKNOWN) == (not told or (outcome == ASKED and True not in told))


@given(st.integers(0, 80 * 3600))
def test_the_next_look_is_the_first_that_was_not_missed(seconds: int) -> None:
    now = SINCE + timedelta(seconds=seconds)
    found = next_look(AFTER, SINCE, now)
    assert found == min((SINCE + each for each in AFTER if SINCE + each > now), default=None)
    assert next_look((), SINCE, now) is None


def test_everybody_is_in_one_number() -> None:
    assert memberships(10, {"joined": 2, "left": 3}) == Memberships(2, 0, 3, 5)
    assert memberships(0, {}) == Memberships(0, 0, 0, 0)
