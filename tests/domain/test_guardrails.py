"""When a campaign holds itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.guardrails import Sample, sample, tripped
from domain.limits import Guardrails
from domain.outcome import Kind
from domain.platform import Action
from domain.statistics import Count
from domain.why import GUARDRAILS, EndedBy, Why, ended_by

RULE = Guardrails(sample=10, refused=0.5, flooded=0.3, blocked=0.1)
NUMBERS = st.integers(0, 100)
SAMPLES = st.builds(lambda a, r, f, b: Sample(a + r + f + b, r, f, b), NUMBERS, NUMBERS, NUMBERS, NUMBERS)


def count(kind: Kind, n: int, account: str = "a", final: bool = True) -> Count:
    return Count(account, Action.INVITE, False, kind, "", final, n)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Sample(9, 9, 9, 9), None),
        (Sample(10, 5, 3, 1), None),
        (Sample(10, 6, 3, 1), Why.TOO_MANY_REFUSALS),
        (Sample(10, 6, 4, 1), Why.TOO_MANY_FLOODS),
        (Sample(10, 6, 4, 2), Why.TOO_MANY_BLOCKS),
        (Sample(100, 51, 0, 0), Why.TOO_MANY_REFUSALS),
        (Sample(0, 0, 0, 0), None),
    ],
)
def test_a_rate_is_passed_only_over_the_sample_and_the_most_damaging_is_said(found: Sample, why: Why | None) -> None:
    assert tripped(found, RULE) is why
    assert tripped(found, None) is None


def test_no_sample_of_nothing_trips() -> None:
    assert tripped(Sample(), Guardrails(0, 0, 0, 0)) is None
    assert tripped(Sample(1, 1), Guardrails(0, 0, 0, 0)) is Why.TOO_MANY_REFUSALS


@given(SAMPLES, SAMPLES)
def test_after_the_owner_s_word_it_is_counted_anew(before: Sample, more: Sample) -> None:
    total = Sample(
        before.attempts + more.attempts,
        before.refused + more.refused,
        before.floods + more.floods,
        before.blocked + more.blocked,
    )
    assert total.since(before) == more
    assert tripped(total.since(total), RULE) is None


def test_what_nobody_was_asked_is_no_attempt() -> None:
    asked = [count(Kind.INVITED, 3), count(Kind.REFUSED, 2), count(Kind.RATE_LIMITED, 1, final=False)]
    asked += [count(Kind.LIMITED, 1, final=False), count(Kind.BLOCKED, 1, final=False)]
    not_asked = [count(kind, 7) for kind in (Kind.CANCELLED, Kind.SKIPPED, Kind.FAILED, Kind.POSTPONED)]
    not_asked += [count(Kind.UNREACHABLE, 7, account=""), count(Kind.UNAVAILABLE, 7, final=False)]
    assert sample([*asked, *not_asked]) == Sample(8, 2, 2, 1)


def test_each_has_the_owner_s_word_as_its_end() -> None:
    assert {ended_by(why) for why in GUARDRAILS} == {EndedBy.OWNER}
