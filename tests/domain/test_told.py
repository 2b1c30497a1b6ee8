"""Lines told piece by piece: every change arrives, once, whatever is asked again and whatever changes meanwhile."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain.statistics import AccountLine
from domain.told import Mark, Page, digest, page, remark

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LINE = AccountLine("a", "working", "working", NOW, None, [], {"invited": 1, "refused": 2}, {})
ACCOUNTS = "abcdefgh"
CHANGES = st.lists(st.tuples(st.dictionaries(st.sampled_from(ACCOUNTS), st.integers()), st.booleans()), max_size=12)


def look(truth: Mapping[str, str], marks: dict[str, Mark], seen: int, at_most: int) -> Page:
    """One review's transaction."""
    marks |= remark(truth, marks, seen)
    return page(marks, seen, at_most)


@given(CHANGES, st.integers(1, 9))
def test_whoever_listens_knows_the_truth_in_the_end(changes: list[tuple[dict[str, int], bool]], at_most: int) -> None:
    """An answer may be lost (its activity is repeated): the number that was heard decides."""
    truth: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    known: dict[str, str] = {}
    seen = 0
    for change, lost in changes:
        truth |= {account_id: str(value) for account_id, value in change.items()}
        found = look(truth, marks, seen, at_most)
        assert len(found.account_ids) <= at_most
        if not lost:
            known |= {each: truth[each] for each in found.account_ids}
            seen = found.seen
    while (found := look(truth, marks, seen, at_most)).account_ids:
        known |= {each: truth[each] for each in found.account_ids}
        seen = found.seen
    assert not found.more
    assert known == truth


@given(st.integers(1, 9))
def test_who_changes_at_every_look_overtakes_nobody(at_most: int) -> None:
    marks: dict[str, Mark] = {}
    seen, told = 0, set()
    looks = -(-len(ACCOUNTS) // at_most)
    for number in range(looks):
        found = look({each: str(number) for each in ACCOUNTS}, marks, seen, at_most)
        told |= set(found.account_ids)
        seen = found.seen
    assert told == set(ACCOUNTS)


def test_what_did_not_change_is_not_told_again() -> None:
    marks: dict[str, Mark] = {}
    first = look({"a": "1", "b": "1"}, marks, 0, 10)
    assert first == Page(("a", "b"), 2, more=False)
    assert look({"a": "1", "b": "1"}, marks, first.seen, 10) == Page((), 2, more=False)
    assert look({"a": "1", "b": "2"}, marks, first.seen, 10) == Page(("b",), 3, more=False)


def test_a_new_listener_is_told_everything() -> None:
    marks: dict[str, Mark] = {}
    seen = look({"a": "1", "b": "1"}, marks, 0, 10).seen
    look({"a": "2", "b": "1"}, marks, seen, 10)
    assert set(look({"a": "2", "b": "1"}, marks, 0, 10).account_ids) == {"a", "b"}


def test_the_digest_tells_whatever_people_see_and_whether_the_account_is_gone() -> None:
    others = [
        replace(LINE, state="blocked"),
        replace(LINE, why="gap"),
        replace(LINE, since=None),
        replace(LINE, until=NOW),
        replace(LINE, warnings=["slow_mode"]),
        replace(LINE, done={"invited": 2, "refused": 2}),
        replace(LINE, errors={"flood_wait": 1}),
    ]
    digests = {digest(each, gone=False) for each in (LINE, *others)} | {digest(LINE, gone=True)}
    assert len(digests) == len(others) + 2
    assert digest(replace(LINE, done={"refused": 2, "invited": 1}), gone=False) == digest(LINE, gone=False)
