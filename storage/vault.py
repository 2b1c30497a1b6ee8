"""Vault and our ways into it: a worker's own token, which reads no secret, and the owners' tokens that it makes.

Each owner's token lives for minutes and reads that owner's secrets alone (SEC-3). The policies and roles that make it
so are in `deploy/vault/`. Tokens are in memory only, and never in an error's text.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import hvac
import requests
import structlog
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultError
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from domain.errors import Unavailable
from domain.secret_path import owner_part
from storage.memory import Memory, Together

WHO = "Vault"
OWNER_ROLE = "invite-owner"
"""The token role in `deploy/vault/`."""
REFUSED_PAUSE = timedelta(minutes=1)
"""A secret_id that was refused is not shown again for so long: Vault locks a role out that fails too often."""
LOG_IN_REFUSED = "it refuses our log-in: an operator must issue a new secret_id (docs/runbook.md, Vault)"

_log = structlog.get_logger("error")
_tracer = trace.get_tracer("invite-service")

T = TypeVar("T")


class Refused(Unavailable):
    """Vault answered, and does not allow it to this token."""


class Vault:
    """A Vault server, asked in threads; every failure in our words."""

    def __init__(self, url: str, timeout: timedelta, ca: Path | None = None) -> None:
        """`timeout`: of each answer. `ca`: who vouches for it; none: VAULT_CACERT does, or whoever requests believes.

        Nothing is connected yet.
        """
        self._url = url
        self._timeout = timeout.total_seconds()
        self._session = hvac.Client(url=url, token="", verify=str(ca) if ca else None).adapter.session

    async def ask(self, question: Callable[[hvac.Client], T], token: str = "") -> T:
        """What it answers under the token. Raises `Unavailable`, `Refused`."""
        client = hvac.Client(url=self._url, token=token, timeout=self._timeout, session=self._session)
        with _tracer.start_as_current_span(WHO, kind=SpanKind.CLIENT, attributes={"service": WHO}):
            return await self._answer(question, client)

    async def _answer(self, question: Callable[[hvac.Client], T], client: hvac.Client) -> T:
        try:
            return await asyncio.to_thread(question, client)
        # Their texts may hold addresses with owners' names: the type must do.
        except (InvalidPath, InvalidRequest, Unauthorized, Forbidden):
            raise Refused(WHO, "it does not allow what we ask for (docs/runbook.md, Vault)") from None
        except (VaultError, requests.RequestException) as error:
            raise Unavailable(WHO, type(error).__name__) from None
        except (KeyError, TypeError, ValueError):
            raise Unavailable(WHO, "what answered does not speak as Vault does") from None

    async def ping(self) -> None:
        """Ask whether it is there and unsealed. Raises `Unavailable`."""
        if await self.ask(lambda client: client.sys.is_sealed()):
            raise Unavailable(WHO, "it is sealed")


@dataclass(frozen=True)
class _Token:
    """A token. `until`, by the monotonic clock, and `life`, from its making: seconds."""

    value: str = field(repr=False)
    until: float
    life: float

    @property
    def left(self) -> float:
        return self.until - time.monotonic()

    @property
    def worn(self) -> bool:
        """Whether less than half of its life is left."""
        return self.left < self.life / 2


class OwnToken:
    """The worker's own token (AppRole): renewed past half of its life, and a new one where that is not allowed."""

    def __init__(self, vault: Vault, role_id: str, secret_id: Callable[[], str]) -> None:
        """`secret_id` is called at each log-in: it may have been replaced. It raises `OSError` where there is none."""
        self._vault = vault
        self._role_id = role_id
        self._secret_id = secret_id
        self._token: _Token | None = None
        self._refused: tuple[str, float] = ("", 0.0)
        self._together: Together[str] = Together()

    async def get(self) -> str:
        """A token with life left in it. Raises `Unavailable`."""
        if self._token is None or self._token.worn:
            return await self.renewed()
        return self._token.value

    async def renewed(self) -> str:
        """The token renewed, or another one: as when it was refused before its time. Raises `Unavailable`."""
        return await self._together.ask("", self._renewed)

    async def ping(self) -> None:
        """Ask whether Vault is there, unsealed, and takes us. Raises `Unavailable`."""
        await self._vault.ping()
        await self.get()

    async def _renewed(self) -> str:
        self._token = await self._prolonged(self._token) or await self._log_in()
        return self._token.value

    async def _prolonged(self, token: _Token | None) -> _Token | None:
        """The token with more life; None where Vault does not give it half of what it had, or none at all."""
        if token is None or token.left <= 0:
            return None
        try:
            began = time.monotonic()
            longer = await self._vault.ask(lambda client: _token(client.auth.token.renew_self(), began), token.value)
        except Refused:
            return None
        longer = replace(longer, life=token.life)
        return None if longer.worn else longer

    async def _log_in(self) -> _Token:
        try:
            secret_id = await asyncio.to_thread(self._secret_id)
        except OSError as error:
            raise Unavailable(WHO, f"the file with our secret_id cannot be read: {error.strerror}") from None
        refused, until = self._refused
        if refused == secret_id and time.monotonic() < until:
            raise Unavailable(WHO, LOG_IN_REFUSED)
        began = time.monotonic()
        try:
            return await self._vault.ask(lambda client: _token(_logged_in(client, self._role_id, secret_id), began))
        except Refused:
            self._refused = (secret_id, began + REFUSED_PAUSE.total_seconds())
            _log.error("vault_log_in_refused", do="issue a new secret_id for this worker: docs/runbook.md, Vault")
            raise Unavailable(WHO, LOG_IN_REFUSED) from None


class OwnerTokens:
    """Tokens that each read one owner's secrets, kept for their life."""

    def __init__(self, vault: Vault, own: OwnToken) -> None:
        self._vault = vault
        self._own = own
        self._known: Memory[str] = Memory()
        self._together: Together[str] = Together()

    async def get(self, owner: str) -> str:
        """The owner's token. Raises `Unavailable`."""
        return self._known.get(owner) or await self._together.ask(owner, lambda: self._made(owner))

    async def instead_of(self, refused: str, owner: str) -> str:
        """Another token for the owner, since this one was refused before its time. Raises `Unavailable`."""
        if self._known.get(owner) == refused:
            self._known.forget(owner)
        return await self.get(owner)

    async def _made(self, owner: str) -> str:
        try:
            token = await self._make(owner, await self._own.get())
        except Refused:
            token = await self._make(owner, await self._own.renewed())
        # Not to its very end: it must outlive the reading.
        return self._known.keep(owner, token.value, timedelta(seconds=token.life * 0.9))

    async def _make(self, owner: str, own: str) -> _Token:
        began = time.monotonic()
        alias = {"entity_alias": owner_part(owner)}
        path = f"auth/token/create/{OWNER_ROLE}"
        return await self._vault.ask(lambda client: _token(client.write_data(path, data=alias), began), own)


def _logged_in(client: hvac.Client, role_id: str, secret_id: str) -> Any:
    return client.auth.approle.login(role_id=role_id, secret_id=secret_id, use_token=False)


def _token(answer: Any, began: float) -> _Token:
    """The token in Vault's answer to a question that was asked at `began`."""
    life = float(answer["auth"]["lease_duration"])
    return _Token(str(answer["auth"]["client_token"]), began + life, life)
