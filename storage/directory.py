"""integration-service as a worker asks it: in an owner's name, with a short-lived service token of ours (ACC-1)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import jwt

from domain.account import KnownAccount
from domain.errors import Unavailable
from domain.outcome import Reason
from domain.ports import Clock
from storage.neighbours import IntegrationService, TokenRefused

TOKEN_LIFE = timedelta(seconds=60)
_ALGORITHM = "HS256"


class ServiceDirectory:
    """The `AccountDirectory`. `clock` is real time, whatever business time is: tokens are judged by others' clocks."""

    def __init__(self, service: IntegrationService, secret: str, clock: Clock) -> None:
        self._service = service
        self._secret = secret
        self._clock = clock

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        """The owner's accounts on the platform. Raises `Unavailable`."""
        try:
            return await self._service.accounts(owner, platform, await self._token(owner))
        except TokenRefused as error:
            raise Unavailable("integration-service", str(error)) from error

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        """Tell that the account was found blocked. Raises `Unavailable`."""
        try:
            await self._service.report(owner, account_id, reason, at, await self._token(owner))
        except TokenRefused as error:
            raise Unavailable("integration-service", str(error)) from error

    async def _token(self, owner: str) -> str:
        now = await self._clock.now()
        claims = {
            "sub": "invite-service",
            "aud": "integration-service",
            "roles": ["service"],
            "owner": owner,
            "iat": now,
            "exp": now + TOKEN_LIFE,
        }
        return jwt.encode(claims, self._secret, _ALGORITHM)
