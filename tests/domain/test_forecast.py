"""When a campaign is expected to end, or why nobody can say; and how long a forecast serves."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.campaign import ENDS, Phase, Wanted
from domain.forecast import PART, SHORTEST, Forecast, Unknown, expected, sentence
from domain.languages import LANGUAGES
from domain.why import Why

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
SOON = Forecast(NOW, NOW + DAY)


def test_it_is_what_the_plan_says() -> None:
    for phase in (Phase.RUNNING, Phase.WAITING, Phase.SCHEDULED):
        assert expected(SOON, Wanted.RUN, phase, None) == NOW + DAY


@pytest.mark.parametrize(
    ("forecast", "wanted", "held", "why"),
    [
        (None, Wanted.NONE, None, Unknown.NOT_STARTED),
        (SOON, Wanted.PAUSED, None, Unknown.PAUSED),
        (SOON, Wanted.RUN, Why.TOO_MANY_REFUSALS, Unknown.HELD),
        (None, Wanted.RUN, None, Unknown.NOT_PLANNED_YET),
        (Forecast(NOW, None), Wanted.RUN, None, Unknown.NEVER),
        (SOON, Wanted.CANCELLED, None, Unknown.ENDING),
        (SOON, Wanted.FINISHED, None, Unknown.ENDING),
    ],
)
def test_or_why_there_is_none(forecast: Forecast | None, wanted: Wanted, held: Why | None, why: Unknown) -> None:
    assert expected(forecast, wanted, Phase.RUNNING, held) is why


@pytest.mark.parametrize("phase", sorted(ENDS))
def test_an_ended_campaign_has_no_end_to_come(phase: Phase) -> None:
    assert expected(SOON, Wanted.RUN, phase, None) is Unknown.ENDED


@pytest.mark.parametrize(
    ("end", "serves"),
    [(NOW + 100 * DAY, 100 * DAY * PART), (NOW + timedelta(minutes=1), SHORTEST), (None, SHORTEST)],
)
def test_it_serves_for_a_part_of_the_time_that_it_names(end: datetime | None, serves: timedelta) -> None:
    forecast = Forecast(NOW, end)
    assert not forecast.stale(NOW - SECOND, NOW + serves - SECOND)
    assert forecast.stale(NOW - SECOND, NOW + serves)


def test_what_the_owner_says_makes_it_stale_at_once() -> None:
    assert SOON.stale(NOW, NOW)
    assert not SOON.stale(NOW - SECOND, NOW)


@pytest.mark.parametrize("unknown", Unknown)
def test_it_is_said_in_every_language(unknown: Unknown) -> None:
    assert all(sentence(unknown)[language] for language in LANGUAGES)
