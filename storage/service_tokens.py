"""The short-lived tokens with which a worker asks the services beside ours in an owner's name (ACC-1)."""

from datetime import timedelta

import jwt

from domain.ports import Clock

TOKEN_LIFE = timedelta(seconds=60)
_ALGORITHM = "HS256"


class ServiceTokens:
    """Signs tokens for one service. `clock` is real time, whatever business time is: others' clocks judge them."""

    def __init__(self, secret: str, clock: Clock, audience: str) -> None:
        self._secret = secret
        self._clock = clock
        self._audience = audience

    async def of(self, owner: str) -> str:
        """A token to ask in the owner's name."""
        now = await self._clock.now()
        claims = {
            "sub": "invite-service",
            "aud": self._audience,
            "roles": ["service"],
            "owner": owner,
            "iat": now,
            "exp": now + TOKEN_LIFE,
        }
        return jwt.encode(claims, self._secret, _ALGORITHM)
