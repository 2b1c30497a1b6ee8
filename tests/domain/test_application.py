"""What a holder may use of an application's limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.application import SETTLING, WHOLE, Grant

NEVER = float("-inf")
SHARES = st.integers(0, 40 * WHOLE)


def test_without_a_grant_there_is_nothing() -> None:
    assert (Grant().at(0.0), Grant().most(0.0), Grant().next_at(NEVER, 0.0)) == (0, 0, None)


def test_growing_waits_until_the_others_have_settled() -> None:
    grant = Grant().renewed(7 * WHOLE, ends=100.0, now=10.0)
    assert grant.at(10.0 + SETTLING - 0.001) == 0
    assert grant.at(10.0 + SETTLING) == 7 * WHOLE
    assert grant.most(10.0) == 7 * WHOLE
    assert grant.next_at(NEVER, 10.0) == 10.0 + SETTLING


def test_a_renewal_does_not_put_the_growing_off() -> None:
    grant = Grant().renewed(7 * WHOLE, 100.0, now=10.0).renewed(7 * WHOLE, 200.0, now=10.5)
    assert (grant.grows_at, grant.ends) == (10.0 + SETTLING, 200.0)


def test_shrinking_is_at_once() -> None:
    grant = Grant(30 * WHOLE, 100.0).renewed(15 * WHOLE, 100.0, now=10.0)
    assert grant.at(10.0) == grant.most(10.0) == 15 * WHOLE
    assert grant.next_at(last=10.0, now=10.0) == pytest.approx(10.0 + 1 / 15, abs=1e-4)


def test_it_ends() -> None:
    grant = Grant(30 * WHOLE, ends=100.0)
    assert grant.at(99.999) == 30 * WHOLE
    assert (grant.at(100.0), grant.most(100.0), grant.next_at(NEVER, 100.0)) == (0, 0, None)
    assert grant.next_at(last=99.99, now=99.99) is None


def test_a_share_of_less_than_one_is_a_trickle() -> None:
    assert Grant(WHOLE // 4, 100.0).next_at(last=10.0, now=11.0) == pytest.approx(14.0, abs=1e-4)


def test_what_is_no_whole_request_is_left() -> None:
    assert Grant(7 * WHOLE + 900, 100.0).next_at(last=10.0, now=10.0) == pytest.approx(10 + 1 / 7, abs=1e-4)


@given(st.lists(st.tuples(SHARES, st.floats(0, 3)), min_size=1, max_size=10))
def test_it_never_uses_more_than_it_says_it_may(renewals: list[tuple[int, float]]) -> None:
    grant, now = Grant(), 0.0
    for share, later in renewals:
        most = grant.most(now)
        now += later
        assert grant.at(now) <= most
        grant = grant.renewed(share, now + 2.0, now)
        assert grant.at(now) <= min(most, share)
        assert grant.most(now) <= share
