"""The limits file: the defaults of LIM-1, and an error that names the field for everything that is wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import LimitsError
from domain.limits import Age, Gap, Guardrails, PlatformLimits, PlatformSlowDown, Scope, SlowDown
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


def test_who_was_invited_is_looked_for_again_only_where_the_file_says_when() -> None:
    for platform in ("telegram", DRY_RUN):
        after = parse(DEFAULTS.read_text(encoding="utf-8")).of(platform).look_again
        assert after == (timedelta(minutes=10), timedelta(hours=24), timedelta(hours=72))
    assert parse(GOOD).of("telegram").look_again == ()


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
        *(
            ('unavailable_rest = "1m"', f'unavailable_rest = "1m"\nlook_again = {wrong}', "telegram.look_again")
            for wrong in ("[]", '"10m"', '["0s"]', '["24h", "10m"]', '["10m", "10m"]', "[10]")
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


FULL = (
    GOOD
    + """
hourly = { message = 3 }
ages = [{ younger_than = "2d", share = 0.1 }, { younger_than = "30d", daily = { invite = 2 } }]
scopes = { message = "portfolio", invite = "account" }
batch = 7
slow_down = { factor = 2, most = 8.0, calm = "6h" }
platform_slow_down = { floods = 0, slower_by = 0.2 }
guardrails = { sample = 0, refused = 0.9, flooded = 1, blocked = 0 }
gone_for = "72h"

[telegram.tiers]
low = { message = 1 }
high = { message = 4, invite = 5 }
"""
)
DAY = timedelta(days=1)


def test_every_optional_key_is_read_as_it_is_meant() -> None:
    found = parse(FULL).of("telegram")
    assert found.hourly == {Budget.MESSAGE: 3}
    assert found.ages == (Age(2 * DAY, 0.1), Age(30 * DAY, daily={Budget.INVITE: 2}))
    assert (found.scope(Budget.MESSAGE), found.scope(Budget.INVITE)) == (Scope.PORTFOLIO, Scope.ACCOUNT)
    assert found.scope(Budget.RESOLVE) is Scope.ACCOUNT
    assert (found.batch, found.gone_for) == (7, 3 * DAY)
    assert found.slow_down == SlowDown(2.0, 8.0, timedelta(hours=6))
    assert found.platform_slow_down == PlatformSlowDown(0, 0.2)
    assert found.guardrails == Guardrails(0, 0.9, 1.0, 0.0)
    assert found.tiers == {"low": {Budget.MESSAGE: 1}, "high": {Budget.MESSAGE: 4, Budget.INVITE: 5}}


@pytest.mark.parametrize(
    ("good", "bad", "field"),
    [
        ("hourly = { message = 3 }", "hourly = { message = 0 }", "telegram.hourly.message"),
        ("hourly = { message = 3 }", "hourly = { call = 1 }", "telegram.hourly.call"),
        ("hourly = { message = 3 }", "hourly = 3", "telegram.hourly"),
        ('"30d"', '"2d"', "telegram.ages.1.younger_than"),
        ('younger_than = "2d", ', "", "telegram.ages.0.younger_than"),
        ("share = 0.1", "share = 1.1", "telegram.ages.0.share"),
        ("share = 0.1", "share = -0.1", "telegram.ages.0.share"),
        ("share = 0.1", "share = nan", "telegram.ages.0.share"),
        ("share = 0.1", "part = 0.1", "telegram.ages.0.part"),
        ("daily = { invite = 2 }", "daily = { invite = 6 }", "telegram.ages.1.daily.invite"),
        ("high = { message = 4, invite = 5 }", "high = { message = 5 }", "telegram.tiers.high.message"),
        ("low = { message = 1 }", "low = { message = -1 }", "telegram.tiers.low.message"),
        ("low = { message = 1 }", "low = 1", "telegram.tiers.low"),
        ('message = "portfolio"', 'message = "world"', "telegram.scopes.message"),
        ('message = "portfolio"', "message = []", "telegram.scopes.message"),
        ('message = "portfolio"', 'letter = "portfolio"', "telegram.scopes.letter"),
        ("batch = 7", "batch = 0", "telegram.batch"),
        ("batch = 7", "batch = 7.5", "telegram.batch"),
        ("batch = 7", "batch = true", "telegram.batch"),
        ("factor = 2", "factor = 1", "telegram.slow_down.factor"),
        ("factor = 2", "factor = inf", "telegram.slow_down.factor"),
        ("most = 8.0", "most = 1.5", "telegram.slow_down.most"),
        ('calm = "6h"', 'calm = "0h"', "telegram.slow_down.calm"),
        ('calm = "6h"', 'calm = "6h", step = 1', "telegram.slow_down.step"),
        ("slower_by = 0.2", "slower_by = 1", "telegram.platform_slow_down.slower_by"),
        ("floods = 0", "floods = -1", "telegram.platform_slow_down.floods"),
        ("refused = 0.9", "refused = 9", "telegram.guardrails.refused"),
        (", blocked = 0 ", "", "telegram.guardrails.blocked"),
        ('gone_for = "72h"', 'gone_for = "0s"', "telegram.gone_for"),
        ('gone_for = "72h"', "gone_for = 72", "telegram.gone_for"),
    ],
)
def test_what_is_wrong_in_an_optional_key_is_named(good: str, bad: str, field: str) -> None:
    assert good in FULL
    with pytest.raises(LimitsError) as raised:
        parse(FULL.replace(good, bad, 1))
    assert raised.value.field == field


@pytest.mark.parametrize("text", ["", "# nothing but a comment"])
def test_a_file_without_platforms_is_refused(text: str) -> None:
    """What an editor leaves for a moment while it writes must not switch all limits off."""
    with pytest.raises(LimitsError) as raised:
        parse(text)
    assert raised.value.field == "file"


def test_the_other_platforms_defaults_are_those_of_the_specification() -> None:
    file = parse(DEFAULTS.read_text(encoding="utf-8"))
    now = datetime(2026, 3, 1, tzinfo=UTC)
    instagram = file.of("instagram")
    assert instagram.gap == Gap(timedelta(minutes=8), timedelta(minutes=10))
    assert instagram.hourly[Budget.MESSAGE] == 5
    by_age = {
        days: instagram.ceilings(now - days * DAY, None, now)[Budget.MESSAGE] for days in (0, 6, 7, 181, 182, 999)
    }
    assert by_age == {0: 20, 6: 20, 7: 40, 181: 40, 182: 50, 999: 50}
    cloud = file.of("whatsapp")
    assert cloud.batch / cloud.gap.shortest.total_seconds() == 80
    tiers = [cloud.ceilings(None, tier, now)[Budget.MESSAGE] for tier in ("tier_250", "tier_10k", "tier_100k")]
    assert tiers == [250, 10_000, 100_000]
    assert cloud.scope(Budget.MESSAGE) is Scope.PORTFOLIO
    web = file.of("whatsapp_web")
    assert (web.daily[Budget.MESSAGE], web.daily[Budget.FORWARD], web.batch) == (50, 5, 10)


class TestCeilings:
    NOW = datetime(2026, 3, 1, tzinfo=UTC)

    @given(st.none() | st.integers(0, 60), st.sampled_from([None, "low", "high", "unheard of"]))
    def test_the_smallest_of_all_that_applies_wins(self, days: int | None, tier: str | None) -> None:
        limits = parse(FULL).of("telegram")
        created_at = None if days is None else self.NOW - days * DAY
        found = limits.ceilings(created_at, tier, self.NOW)
        young, new = days is not None and days < 30, days is not None and days < 2
        message = {None: 4, "low": 1, "high": 4, "unheard of": 1}[tier]
        assert found[Budget.INVITE] == (1 if new else 2 if young else 5)
        assert found[Budget.MESSAGE] == (1 if new else message)
        assert found[Budget.MESSAGE_WITH_LINK] == 0, "a share of nothing is nothing"
        assert all(found[budget] <= limits.daily[budget] for budget in Budget)

    def test_a_new_account_ramps_up_day_by_day(self) -> None:
        limits = parse(DEFAULTS.read_text(encoding="utf-8")).of("telegram")
        allowed = [limits.ceilings(self.NOW, None, self.NOW + day * DAY)[Budget.INVITE] for day in range(16)]
        assert allowed == [5] * 2 + [15] * 5 + [30] * 7 + [50] * 2
