"""The keys that tokens are checked with: one that the settings give, or those that the issuer publishes (JWKS)."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol

import httpx
import jwt
import structlog

from domain.errors import Error, Unavailable

_WHAT = "the token issuer's list of keys"
_MAX_ANSWER = 256 * 1024
_WHOLE_ANSWER_S = 15
"""However slowly it comes: whoever brings a token waits for it."""
_MAX_KID = 200

_log = structlog.get_logger("execution")


class UnknownKey(Error):
    """The token is signed by none of the issuer's keys."""


class KeySource(Protocol):
    """Finds the key for a token."""

    async def key(self, kid: str | None) -> Any:
        """The key by this id, as PyJWT takes it. Raises `UnknownKey`, `Unavailable`."""


class FixedKey:
    """One key, whatever id the token names."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def key(self, kid: str | None) -> str:
        """The key."""
        return self._key


class PublishedKeys:
    """The issuer's JWKS (RFC 7517): read when first needed, again when it is old, and when a token names a new key.

    Whoever makes up key ids can have it read once in `pause` at most. Keys once read serve on while the issuer is away.
    """

    def __init__(
        self,
        url: str,
        algorithm: str,
        client: httpx.AsyncClient,
        keep: float,
        pause: float,
        monotonic: Callable[[], float],
    ) -> None:
        """`keep`, `pause`: seconds. `client` brings the timeouts."""
        self._url = url
        self._algorithm = algorithm
        self._client = client
        self._keep = keep
        self._pause = pause
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()

    async def key(self, kid: str | None) -> jwt.PyJWK:
        """The key by this id. Raises `UnknownKey`, `Unavailable` (no keys were ever read)."""
        if kid is None or len(kid) > _MAX_KID:
            raise UnknownKey("The token names no key.")
        if kid not in self._keys or self._passed(self._read_at) > self._keep:
            async with self._reading:
                if kid not in self._keys or self._passed(self._read_at) > self._keep:
                    await self._read_again()
        try:
            return self._keys[kid]
        except KeyError:
            raise UnknownKey("The token is signed with an unknown key.") from None

    async def _read_again(self) -> None:
        if self._passed(self._tried_at) <= self._pause:
            if self._read_at is None:
                raise Unavailable(_WHAT)
            return
        self._tried_at = self._monotonic()
        try:
            async with asyncio.timeout(_WHOLE_ANSWER_S):
                self._keys = self._usable(await self._fetch())
            self._read_at = self._monotonic()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            _log.warning("keys_not_read", error=type(error).__name__, serving=len(self._keys))
            if self._read_at is None:
                raise Unavailable(_WHAT, type(error).__name__) from None

    async def _fetch(self) -> Any:
        answer = bytearray()
        async with self._client.stream("GET", self._url, headers={"Accept": "application/json"}) as response:
            response.raise_for_status()
            async for block in response.aiter_bytes():
                answer += block
                if len(answer) > _MAX_ANSWER:
                    raise ValueError("it is too long")
        return json.loads(answer)

    def _usable(self, document: Any) -> dict[str, jwt.PyJWK]:
        """Those that sign, by our algorithm: never a shared secret, whatever the document says."""
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("it is no JWKS")
        found: dict[str, jwt.PyJWK] = {}
        for each in listed:
            kid = each.get("kid") if isinstance(each, dict) else None
            if not isinstance(kid, str) or not self._is_for_us(each):
                continue
            try:
                found[kid] = jwt.PyJWK(each, self._algorithm)
            except (jwt.PyJWTError, ValueError, TypeError):
                _log.warning("key_not_understood")
        return found

    def _is_for_us(self, key: dict[str, Any]) -> bool:
        kind = "EC" if self._algorithm.startswith("ES") else "RSA"
        return (
            key.get("kty") == kind
            and "d" not in key  # a private key that was published is nobody's any more
            and key.get("use", "sig") == "sig"
            and key.get("alg", self._algorithm) == self._algorithm
        )

    def _passed(self, since: float | None) -> float:
        return float("inf") if since is None else self._monotonic() - since
