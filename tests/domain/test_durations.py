"""Durations are read as they are written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.durations import LONGEST, duration, written


@given(st.integers(0, LONGEST // timedelta(milliseconds=1)))
def test_what_is_written_is_read_again(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)
    assert duration(written(length)) == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0ms"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=24), "1d"),
        (timedelta(hours=25), "25h"),
        (timedelta(microseconds=1600), "2ms"),
    ],
)
def test_the_largest_unit_without_a_rest_is_taken(length: timedelta, text: str) -> None:
    assert written(length) == text
