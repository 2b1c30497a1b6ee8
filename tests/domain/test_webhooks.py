"""Which addresses may be called, when it is tried again, and what is sent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.campaign import State
from domain.errors import Invalid
from domain.webhooks import (
    FIRST_WAIT,
    LONGEST_WAIT,
    PATIENCE,
    Event,
    EventKind,
    body,
    check_url,
    next_try,
    secret,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ID = UUID("5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41")


@pytest.mark.parametrize("url", ["https://example.com", "https://example.com:8443/hooks?a=b", "https://8.8.8.8/x"])
def test_good_urls(url: str) -> None:
    check_url(url, inside=False)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com", "ftp://example.com", "example.com", "https://", "https:///x", ""),
        *("https://anna:secret@example.com", "https://example.com/#x", "https://exa mple.com", "https://пример.рф"),
        *(
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://10.0.0.1",
            "https://169.254.169.254/latest",
            "https://localhost",
        ),
        *("https://[::1", "https://example.com:99999", "https://example.com/" + "x" * 2_000),
    ],
)
def test_bad_urls_name_the_field(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_url(url, inside=False)
    assert caught.value.field == "url"


def test_inside_is_for_development() -> None:
    check_url("http://127.0.0.1:8000/hook", inside=True)
    with pytest.raises(Invalid):
        check_url("ftp://127.0.0.1", inside=True)


def test_it_is_tried_with_growing_waits_for_three_days() -> None:
    event = Event(1, ID, EventKind.CAMPAIGN, NOW)
    now, waits = NOW, list[timedelta]()
    while (again := next_try(event, len(waits) + 1, now)) is not None:
        waits.append(again - now)
        now = again
    assert waits[0] == FIRST_WAIT
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
    assert PATIENCE - LONGEST_WAIT < now - NOW <= PATIENCE
    assert len(waits) < 100
    assert next_try(Event(1, ID, EventKind.PING, NOW), 1, NOW) is None


def test_a_secret_is_one_owners_and_one_seeds() -> None:
    made = {secret(key, owner, seed) for key in (b"k", b"l") for owner in ("anna", "boris") for seed in (b"1", b"2")}
    assert len(made) == 8
    assert all(each.startswith("whsec_") and len(each) > 40 for each in made)


def test_what_is_sent_is_always_the_same() -> None:
    event = Event(1, ID, EventKind.CAMPAIGN, NOW, ID, State.WAITING, "cooldown", NOW, {"total": 3})
    assert body(event) == (
        b'{"at":"2026-03-01T09:00:00+00:00","campaign_id":"5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41",'
        b'"counts":{"total":3},"event":"campaign.state","id":"5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41",'
        b'"state":"waiting","until":"2026-03-01T09:00:00+00:00","why":"cooldown"}'
    )
    assert b"campaign_id" not in body(Event(2, ID, EventKind.PING, NOW))
