"""The JWTs that the devstack hands out: it plays the issuer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import jwt

ISSUER = "devstack"
AUDIENCE = "invite-service"
ALGORITHM = "HS256"
HOUR = timedelta(hours=1)


class Issuer:
    """Signs tokens with the shared secret."""

    def __init__(self, secret: str) -> None:
        """`secret`: at least 32 characters."""
        self._secret = secret

    def token(self, owner: str, roles: Sequence[str] = ("user",), ttl: timedelta = HOUR) -> str:
        """Return a token as a person brings it to invite-service, valid for `ttl` (negative: expired)."""
        return self._sign({"sub": owner, "roles": list(roles)}, ttl)

    def service_token(self, owner: str, ttl: timedelta = timedelta(seconds=60)) -> str:
        """Return a token as our worker brings it to integration-service."""
        return self._sign({"sub": AUDIENCE, "roles": ["service"], "owner": owner}, ttl)

    def _sign(self, claims: dict[str, object], ttl: timedelta) -> str:
        now = datetime.now(UTC)
        times = {"iat": now, "exp": now + ttl}
        return jwt.encode({"iss": ISSUER, "aud": AUDIENCE, **claims, **times}, self._secret, ALGORITHM)
