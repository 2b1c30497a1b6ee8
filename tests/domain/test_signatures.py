"""A signed request is taken as it was sent, in its time, and never otherwise."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.signatures import SIGNATURE, TIMESTAMP, NotGenuine, check, sign

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
SECRET, OTHER = "whsec_x", "whsec_y"
BODY = b'{"a": 1}'


def test_the_signature_is_that_of_any_other_hmac() -> None:
    """Computed by `printf 1700000000.{} | openssl dgst -sha256 -hmac whsec_x`."""
    expected = "v1=be8cb8325f2202445260a855532f967e30ad2a9394ce28da66ee02880ddcb661"
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    assert sign(SECRET, at, b"{}") == {TIMESTAMP: "1700000000", SIGNATURE: expected}


@given(secret=st.text(min_size=1), body=st.binary(), other=st.binary(), age=st.integers(-300, 300))
def test_what_was_signed_is_taken_with_this_body_alone(secret: str, body: bytes, other: bytes, age: int) -> None:
    headers = sign(secret, NOW - timedelta(seconds=age), body)
    check([secret], headers, body, NOW, WINDOW)
    if body != other:
        with pytest.raises(NotGenuine, match=SIGNATURE):
            check([secret], headers, other, NOW, WINDOW)


@pytest.mark.parametrize("age", [-3_600, -301, 301, 3_600, 1_000_000_000])
def test_what_was_signed_at_another_time_is_not(age: int) -> None:
    headers = sign(SECRET, NOW - timedelta(seconds=age), BODY)
    with pytest.raises(NotGenuine, match="more than 300 s away"):
        check([SECRET], headers, BODY, NOW, WINDOW)
    # Another age makes another signature.
    with pytest.raises(NotGenuine, match="not that of this body"):
        check([SECRET], headers | {TIMESTAMP: str(int(NOW.timestamp()))}, BODY, NOW, WINDOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {TIMESTAMP: "1772355600"},
        {SIGNATURE: sign(SECRET, NOW, BODY)[SIGNATURE]},
        sign(OTHER, NOW, BODY),
        {name: value.upper() for name, value in sign(SECRET, NOW, BODY).items()},
        {name: value.removeprefix("v1=") for name, value in sign(SECRET, NOW, BODY).items()},
        {TIMESTAMP: "\u0661", SIGNATURE: "v1=\u0661"},
    ],
)
def test_a_forged_one_is_not_and_hears_nothing_of_its_age(headers: dict[str, str]) -> None:
    with pytest.raises(NotGenuine, match="not that of this body"):
        check([SECRET], headers, BODY, NOW, WINDOW)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "1772355600.0", " 1772355600", "9" * 5_000, "\u0661"])
def test_a_time_stamp_that_is_none(timestamp: str) -> None:
    """Signed with the secret all the same."""
    signed = hmac.new(SECRET.encode(), timestamp.encode() + b"." + BODY, hashlib.sha256).hexdigest()
    with pytest.raises(NotGenuine, match="whole seconds"):
        check([SECRET], {TIMESTAMP: timestamp, SIGNATURE: "v1=" + signed}, BODY, NOW, WINDOW)


def test_while_a_secret_is_changed_both_are_taken() -> None:
    for secret in (SECRET, OTHER):
        check([SECRET, OTHER], sign(secret, NOW, BODY), BODY, NOW, WINDOW)
    for secrets in ([OTHER], []):
        with pytest.raises(NotGenuine):
            check(secrets, sign(SECRET, NOW, BODY), BODY, NOW, WINDOW)
