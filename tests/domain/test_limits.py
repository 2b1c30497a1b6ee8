"""The limits file: the defaults of LIM-1, and an error that names the field for everything that is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import LimitsError
from domain.limits import Gap, PlatformLimits
from domain.limits_file import parse
from domain.platform import DRY_RUN, Budget

DEFAULTS = Path(__file__).parents[2] / "limits.toml"

REQUESTS = "telegram.requests_per_second"
GOOD = """
[telegram]
gap = { shortest = "500ms", longest = "1.5s" }
daily = { invite = 5, message = 4, message_with_link = 0, forward = 3, add_contact = 2, resolve = 9 }
limited_rests = ["5m", "24h", "7d"]
unavailable_rest = "1m"
"""


@pytest.mark.parametrize("platform", ["telegram", DRY_RUN])
def test_the_defaults_are_those_of_the_specification(platform: str) -> None:
    found = parse(DEFAULTS.read_text(encoding="utf-8")).of(platform)
    named = {Budget.INVITE: 50, Budget.MESSAGE: 40, Budget.MESSAGE_WITH_LINK: 10, Budget.FORWARD: 20}
    assert {budget: found.daily[budget] for budget in named} == named
    # No default is specified for looking people up, but there is a ceiling.
    assert found.daily.keys() == set(Budget)
    assert all(0 < number <= 1000 for number in found.daily.values())
    assert found.gap == Gap(timedelta(seconds=10), timedelta(seconds=15))
    assert list(found.limited_rests) == sorted(found.limited_rests)


def test_a_good_file_is_read_as_it_is_meant() -> None:
    assert parse(GOOD).of("telegram") == PlatformLimits(
        gap=Gap(timedelta(milliseconds=500), timedelta(seconds=1.5)),
        daily={
            Budget.INVITE: 5,
            Budget.MESSAGE: 4,
            Budget.MESSAGE_WITH_LINK: 0,
            Budget.FORWARD: 3,
            Budget.ADD_CONTACT: 2,
            Budget.RESOLVE: 9,
        },
        limited_rests=(timedelta(minutes=5), timedelta(hours=24), timedelta(days=7)),
        unavailable_rest=timedelta(minutes=1),
    )


def test_the_requests_of_an_application_are_limited_only_where_the_file_says_so() -> None:
    assert parse(DEFAULTS.read_text(encoding="utf-8")).of("telegram").requests_per_second == 30
    assert parse(GOOD).of("telegram").requests_per_second is None
    assert parse(f"{GOOD}requests_per_second = 7").of("telegram").requests_per_second == 7


def test_a_platform_without_a_section_is_named() -> None:
    with pytest.raises(LimitsError) as raised:
        parse(GOOD).of("whatsapp")
    assert raised.value.field == "whatsapp"


@pytest.mark.parametrize(
    ("good", "bad", "field"),
    [
        ("[telegram]", "[telegram", "file"),
        (GOOD, "telegram = 5", "telegram"),
        ('gap = { shortest = "500ms", longest = "1.5s" }', "", "telegram.gap"),
        ('gap = { shortest = "500ms", longest = "1.5s" }', "gap = 5", "telegram.gap"),
        ('shortest = "500ms"', 'shorter = "500ms"', "telegram.gap.shorter"),
        ('shortest = "500ms", ', "", "telegram.gap.shortest"),
        ('"1.5s"', '"1.5"', "telegram.gap.longest"),
        ('"1.5s"', '"-1s"', "telegram.gap.longest"),
        ('"1.5s"', "15", "telegram.gap.longest"),
        ('"1.5s"', '"1 s"', "telegram.gap.longest"),
        ('"1.5s"', '"2w"', "telegram.gap.longest"),
        ('"1.5s"', '"100ms"', "telegram.gap.longest"),
        ('"1.5s"', f'"{"9" * 20}d"', "telegram.gap.longest"),
        ('"1.5s"', f'"{"9" * 400}d"', "telegram.gap.longest"),
        ('"1.5s"', '"367d"', "telegram.gap.longest"),
        ("invite = 5", "invite = -1", "telegram.daily.invite"),
        ("invite = 5", "invite = 5.5", "telegram.daily.invite"),
        ("invite = 5", "invite = true", "telegram.daily.invite"),
        ("invite = 5", 'invite = "5"', "telegram.daily.invite"),
        ("invite = 5, ", "", "telegram.daily.invite"),
        ("invite = 5", "invites = 5", "telegram.daily.invites"),
        (", forward = 3", "", "telegram.daily.forward"),
        (", add_contact = 2", "", "telegram.daily.add_contact"),
        (", resolve = 9", "", "telegram.daily.resolve"),
        ("resolve = 9", "resolve = -9", "telegram.daily.resolve"),
        ('["5m", "24h", "7d"]', "[]", "telegram.limited_rests"),
        ('["5m", "24h", "7d"]', '"5m"', "telegram.limited_rests"),
        ('["5m", "24h", "7d"]', '["5m", 7]', "telegram.limited_rests"),
        ('unavailable_rest = "1m"', 'unavailable_rest = ""', "telegram.unavailable_rest"),
        ('unavailable_rest = "1m"', f'unavailable_rest = "{"9" * 20}d"', "telegram.unavailable_rest"),
        ('unavailable_rest = "1m"', "", "telegram.unavailable_rest"),
        ('unavailable_rest = "1m"', 'unavailable_rest = "1m"\nspeed = 1', "telegram.speed"),
        *(
            ('unavailable_rest = "1m"', f'unavailable_rest = "1m"\nrequests_per_second = {wrong}', REQUESTS)
            for wrong in ("0", "-1", "1.5", "true", '"30"', "1_000_001")
        ),
    ],
)
def test_what_is_wrong_is_named(good: str, bad: str, field: str) -> None:
    assert good in GOOD
    with pytest.raises(LimitsError) as raised:
        parse(GOOD.replace(good, bad))
    assert raised.value.field == field
    assert str(raised.value).startswith(field)


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 100), st.integers(0, 100))
def test_a_gap_is_drawn_between_its_ends(chance: float, shortest: int, more: int) -> None:
    gap = Gap(timedelta(seconds=shortest), timedelta(seconds=shortest + more))
    assert gap.shortest <= gap.draw(chance) <= gap.longest
    assert gap.draw(0.0) == gap.shortest
    assert gap.draw(0.5) == (gap.shortest + gap.longest) / 2


def test_limited_rests_go_on_with_the_last() -> None:
    rests = parse(GOOD).of("telegram")
    assert [rests.limited_rest(times) for times in range(5)] == [
        timedelta(minutes=5),
        timedelta(hours=24),
        *[timedelta(days=7)] * 3,
    ]
