"""integration-service as a worker asks it: in an owner's name, with a short-lived service token of ours (ACC-1)."""

from collections.abc import Sequence
from datetime import datetime

from domain.account import KnownAccount
from domain.errors import Unavailable
from domain.outcome import Reason
from storage.neighbours import WHO, IntegrationService, TokenRefused
from storage.service_tokens import ServiceTokens


class ServiceDirectory:
    """The `AccountDirectory`."""

    def __init__(self, service: IntegrationService, tokens: ServiceTokens) -> None:
        self._service = service
        self._tokens = tokens

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        """The owner's accounts on the platform. Raises `Unavailable`."""
        try:
            return await self._service.accounts(owner, platform, await self._tokens.of(owner))
        except TokenRefused as error:
            raise Unavailable(WHO, str(error)) from error

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        """Tell that the account was found blocked. Raises `Unavailable`."""
        try:
            await self._service.report(owner, account_id, reason, at, await self._tokens.of(owner))
        except TokenRefused as error:
            raise Unavailable(WHO, str(error)) from error
