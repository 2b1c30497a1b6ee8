"""Which addresses may be called, when it is tried again, and what is signed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    is_public,
    next_try,
    secret,
    signature,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ID = UUID("5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_internets_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::", "localhost", ""),
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fec0::1"),
        *("169.254.169.254", "fe80::1", "fe80::1%eth0"),
        *("224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "ff02::1", "192.0.2.1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "2001::1"),
    ],
)
def test_no_other_address_is(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_no_better_written_as_ipv6(address: object) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address)) == is_public(f"64:ff9b::{address}")


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


def test_the_signature_is_that_of_any_other_hmac() -> None:
    """Computed by `printf 1700000000.{} | openssl dgst -sha256 -hmac whsec_x`."""
    expected = "v1=be8cb8325f2202445260a855532f967e30ad2a9394ce28da66ee02880ddcb661"
    assert signature("whsec_x", 1_700_000_000, b"{}") == expected


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
