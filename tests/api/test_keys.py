"""Published keys: read, kept, rotated, and never read more often than the settings say."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.keys import PublishedKeys, UnknownKey
from domain.errors import Unavailable
from tests.api.issuer import URL, PublishingIssuer, published

OLD = rsa.generate_private_key(65537, 2048)
NEW = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def numbers(key: Any) -> Any:
    return key.key.public_numbers()


async def test_they_are_read_once_and_kept() -> None:
    issuer = PublishingIssuer(published("old", OLD))
    keys = issuer.keys()
    for issuer.now in range(0, 600, 100):
        assert numbers(await keys.key("old")) == OLD.public_key().public_numbers()
    assert issuer.reads == 1


async def test_a_new_key_is_found_and_an_old_one_forgotten() -> None:
    issuer = PublishingIssuer(published("old", OLD))
    keys = issuer.keys()
    await keys.key("old")
    issuer.listed = [published("new", NEW)]
    issuer.now = 31
    assert numbers(await keys.key("new")) == NEW.public_key().public_numbers()
    with pytest.raises(UnknownKey):
        await keys.key("old")


async def test_a_key_that_was_taken_back_is_refused_after_a_while() -> None:
    issuer = PublishingIssuer(published("old", OLD))
    keys = issuer.keys()
    await keys.key("old")
    issuer.listed = []
    issuer.now = 601
    with pytest.raises(UnknownKey):
        await keys.key("old")


async def test_made_up_key_ids_do_not_make_us_ask_again_and_again() -> None:
    issuer = PublishingIssuer(published("old", OLD))
    keys = issuer.keys()
    for number in range(300):
        issuer.now = number / 10
        with pytest.raises(UnknownKey):
            await keys.key(f"../../{number}")
    assert issuer.reads == 1
    assert await keys.key("old")


@pytest.mark.parametrize("kid", [None, "x" * 201, "../../etc/passwd", "", "https://evil.test/jwks"])
async def test_an_id_is_looked_up_and_nothing_else(kid: str | None) -> None:
    issuer = PublishingIssuer(published("old", OLD))
    with pytest.raises(UnknownKey):
        await issuer.keys().key(kid)


async def test_an_answer_without_an_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.keys._WHOLE_ANSWER_S", 0.05)

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=drops())))
    keys = PublishedKeys(URL, "RS256", http, keep=600, pause=30, monotonic=time.monotonic)
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await keys.key("old")


async def test_the_issuer_is_away_at_the_start() -> None:
    issuer = PublishingIssuer(published("old", OLD))
    issuer.away = True
    keys = issuer.keys()
    for _ in range(5):
        with pytest.raises(Unavailable):
            await keys.key("old")
    assert issuer.reads == 1
    issuer.away = False
    issuer.now = 31
    assert await keys.key("old")


@pytest.mark.parametrize("answer", [None, "no json", "[]", '{"keys": 5}', '{"keys": [', "x" * 300_000, "[" * 100_000])
async def test_keys_serve_on_while_the_issuer_is_away_or_talks_nonsense(answer: str | None) -> None:
    issuer = PublishingIssuer(published("old", OLD))
    keys = issuer.keys()
    await keys.key("old")
    issuer.away, issuer.answer = answer is None, answer
    issuer.now = 10_000
    assert await keys.key("old")
    assert issuer.reads == 2


@pytest.mark.parametrize(
    "listed",
    [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "bad"},
        published("bad", CURVE),
        published("bad", OLD, use="enc"),
        published("bad", OLD, alg="RS512"),
        published("bad", OLD, d="AQAB"),
        published("bad", OLD, n="!"),
        {"kty": "RSA", "kid": "bad"},
        {"kid": 5},
        "no key",
    ],
)
async def test_only_public_keys_of_our_algorithm_are_taken(listed: Any) -> None:
    keys = PublishingIssuer(listed, published("old", OLD)).keys()
    with pytest.raises(UnknownKey):
        await keys.key("bad")
    assert await keys.key("old")
