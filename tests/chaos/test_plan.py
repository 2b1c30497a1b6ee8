"""What the planner draws: the same for the same seed, of every kind, and nothing that could not recover."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from devstack.chaos.plan import DROPS, WEIGHTS, Blow, Plan, Shape, Strike, Target, plan
from domain.account import LeaseTimes

LEASE = LeaseTimes()
SHAPE = Shape(workers=3, accounts=20, requests=40, lease=LEASE, spacing=timedelta(seconds=4))
SEEDS = range(25)


def planned(seed: int, faults: int = 100) -> Plan:
    return plan(seed, faults, SHAPE)


def per_target(found: Plan) -> dict[tuple[Target, int], list[Strike]]:
    by_target: dict[tuple[Target, int], list[Strike]] = {}
    for strike in found.strikes:
        by_target.setdefault((strike.kind.target, strike.number), []).append(strike)
    return by_target


def test_the_same_seed_draws_the_same_and_another_one_something_else() -> None:
    assert planned(7) == planned(7)
    assert planned(7) != planned(8)


@pytest.mark.parametrize("faults", [0, 1, 5, 100])
def test_as_many_faults_as_were_asked_for(faults: int) -> None:
    for seed in SEEDS:
        found = planned(seed, faults)
        assert len(found.strikes) + len(found.drops) == faults


def test_every_kind_comes_and_heavier_ones_more_often() -> None:
    found = [planned(seed) for seed in SEEDS]
    kinds = Counter(each.kind for one in found for each in (*one.strikes, *one.drops))
    assert set(kinds) == set(WEIGHTS)
    heaviest, lightest = max(WEIGHTS, key=lambda kind: WEIGHTS[kind]), min(WEIGHTS, key=lambda kind: WEIGHTS[kind])
    assert kinds[heaviest] > kinds[lightest]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_target_recovers_before_it_is_struck_again(seed: int) -> None:
    for strikes in per_target(planned(seed)).values():
        for earlier, later in pairwise(strikes):
            assert later.at >= earlier.at + earlier.lasts + 4


@pytest.mark.parametrize("seed", SEEDS)
def test_every_blow_has_an_end_and_a_stop_outlasts_the_lease(seed: int) -> None:
    length = LEASE.length.total_seconds()
    for strike in planned(seed).strikes:
        assert 0 <= strike.lasts <= 1.5 * length
        assert strike.kind.blow is not Blow.STOP or strike.lasts > length
        assert 0 < strike.share <= 1


def test_strikes_come_one_after_the_other_and_name_what_there_is() -> None:
    for seed in SEEDS:
        found = planned(seed)
        moments = [strike.at for strike in found.strikes]
        assert moments == sorted(moments)
        assert all(strike.kind.blow not in DROPS for strike in found.strikes)
        numbers = {(strike.kind.target, strike.number) for strike in found.strikes}
        assert {number for target, number in numbers if target is Target.WORKER} <= set(range(SHAPE.workers))
        assert {number for target, number in numbers if target is not Target.WORKER} == {0}
        assert all(0 <= drop.account < SHAPE.accounts and 0 <= drop.after < SHAPE.requests for drop in found.drops)
        assert found.length >= moments[-1]


def test_one_worker_and_one_account_are_enough_and_where_all_is_struck_the_time_is_awaited() -> None:
    lonely = Shape(workers=1, accounts=1, requests=0, lease=LEASE, spacing=timedelta(milliseconds=1))
    for seed in SEEDS:
        found = plan(seed, 200, lonely)
        assert {strike.number for strike in found.strikes} == {0}
        assert found.drops
        for strikes in per_target(found).values():
            assert all(later.at >= earlier.at + earlier.lasts + 4 for earlier, later in pairwise(strikes))
