"""The services beside ours, over HTTP: what they say is bounded, checked, and never trusted to be complete."""

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.account import ExternalStatus, KnownAccount
from domain.errors import Forbidden, Unavailable
from domain.outcome import Reason

WHO = "integration-service"
_MAX_ANSWER = 8 * 1024 * 1024
_WHOLE_ANSWER = timedelta(seconds=30)
"""However slowly it comes, byte by byte."""
_MAX_ACCOUNTS = 10_000
_MAX_ID = 200
_MAX_VALUE = 64 * 1024

_W3C = TraceContextTextMapPropagator()

_log = structlog.get_logger("execution")
_tracer = trace.get_tracer("invite-service")


class TokenRefused(Forbidden):
    """A service beside ours does not accept the token for this owner."""


class Missing(Unavailable):
    """A service beside ours answered that there is no such thing (404)."""


@dataclass(frozen=True)
class Answer:
    """What a service answered. `media_type`: without its parameters, in lower case."""

    media_type: str
    headers: Mapping[str, str]
    body: bytes


class Neighbour:
    """A service beside ours: asked once, with every failure in our words."""

    def __init__(self, who: str, base_url: str, client: httpx.AsyncClient) -> None:
        """`client` brings the timeouts."""
        self._who = who
        self._base = base_url.rstrip("/")
        self._client = client

    async def ask(
        self, method: str, path: str, token: str, body: object = None, accept: str = "application/json"
    ) -> Answer:
        """What it answers. Raises `Unavailable`, `Missing`, `TokenRefused`."""
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        about = {"service": self._who, "http.request.method": method}
        with _tracer.start_as_current_span(f"{method} {self._who}", kind=SpanKind.CLIENT, attributes=about):
            _W3C.inject(headers)  # its own trace goes on from ours
            return await self._asked(method, path, headers, body)

    async def _asked(self, method: str, path: str, headers: Mapping[str, str], body: object) -> Answer:
        try:
            async with (
                asyncio.timeout(_WHOLE_ANSWER.total_seconds()),
                self._client.stream(method, self._base + path, headers=headers, json=body) as response,
            ):
                self._check(response)
                media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Answer(media_type, response.headers, await self._bounded(response))
        except TimeoutError:
            raise Unavailable(self._who, "its answer did not come to an end") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._away(error) from None

    async def ping(self) -> None:
        """Ask whether anything answers there, whatever it says. Raises `Unavailable`."""
        try:
            async with self._client.stream("GET", self._base + "/") as response:
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._away(error) from None
        if status >= 500:
            raise Unavailable(self._who, f"it answered with status {status}")

    def _away(self, error: Exception) -> Unavailable:
        # Its text may hold the address with the owner's name: the type must do.
        return Unavailable(self._who, _tls_fault(error) or type(error).__name__)

    def _check(self, response: httpx.Response) -> None:
        trace.get_current_span().set_attribute("http.response.status_code", response.status_code)
        if response.status_code in (401, 403):
            raise TokenRefused(f"{self._who} does not accept this token for this owner.")
        if not response.is_success:
            kind = Missing if response.status_code == httpx.codes.NOT_FOUND else Unavailable
            raise kind(self._who, f"it answered with status {response.status_code}")

    async def _bounded(self, response: httpx.Response) -> bytes:
        answer = bytearray()
        async for block in response.aiter_bytes():
            answer += block
            if len(answer) > _MAX_ANSWER:
                raise Unavailable(self._who, "its answer is too long")
        return bytes(answer)


class IntegrationService:
    """integration-service (ACC-1, ACC-5). The token is the caller's: the user's own, or a service token of ours."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        """`client` brings the timeouts."""
        self._service = Neighbour(WHO, base_url, client)

    async def accounts(self, owner: str, platform: str, token: str) -> list[KnownAccount]:
        """The owner's accounts on the platform, by id. Raises `Unavailable`, `TokenRefused`."""
        query = f"user_id={quote(owner, safe='')}&platform={quote(platform, safe='')}"
        items = json_of(WHO, await self._service.ask("GET", f"/accounts?{query}", token))
        if not isinstance(items, list) or len(items) > _MAX_ACCOUNTS:
            raise Unavailable(WHO, "it answered something that is not a list of accounts")
        read = [read_account(item) for item in items]
        bad = read.count(None)
        if bad:
            _log.warning("accounts_not_understood", owner=owner, platform=platform, count=bad)
        known = {each.account_id: each for each in read if each is not None and each.platform == platform}
        return sorted(known.values(), key=lambda each: each.account_id)

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime, token: str) -> None:
        """Tell that the account was found blocked. Raises `Unavailable`, `TokenRefused`."""
        body = {"user_id": owner, "account_id": account_id, "reason": reason.value, "at": at.isoformat()}
        await self._service.ask("POST", "/accounts/check", token, body)

    async def ping(self) -> None:
        """Ask whether anything answers there. Raises `Unavailable`."""
        await self._service.ping()


def _tls_fault(error: Exception) -> str | None:
    """Who must act, where it is TLS that failed."""
    cause: BaseException | None = error  # as it is: what reads from a connection lets TLS's own errors through
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"nobody in INVITE_NEIGHBOUR_CA vouches for its certificate ({cause.verify_message})"
    if cause is not None:
        return f"it does not take the certificate of INVITE_NEIGHBOUR_CERTIFICATE, or wants one ({cause.reason})"
    if isinstance(error, httpx.ReadError | httpx.WriteError):
        # With TLS 1.3 it refuses us after the greeting, and its reason may be lost with the connection.
        return f"{type(error).__name__}: perhaps it wants another certificate in INVITE_NEIGHBOUR_CERTIFICATE, or one"
    return None


def json_of(who: str, answer: Answer) -> Any:
    """The answer's JSON. Raises `Unavailable`."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unavailable(who, "it answered something that is not JSON") from None


def read_account(item: Any) -> KnownAccount | None:
    """The account, or None where what must be there is not."""
    if not isinstance(item, dict):
        return None
    account_id, platform = _text(item.get("id"), _MAX_ID), _text(item.get("platform"), _MAX_ID)
    created_at = _moment(item.get("created_at"))
    if not account_id or not platform or created_at is None:
        return None
    return KnownAccount(
        account_id=account_id,
        label=(_text(item.get("label"), _MAX_VALUE) or account_id)[:_MAX_ID],
        platform=platform,
        status=_status(item.get("status")),
        created_at=created_at,
        credentials_version=_version(item.get("credentials_version")),
        vault_path=_text(item.get("vault_path"), 1000),
        inline_credentials=_mapping(item.get("credentials")),
        # One that cannot be read must fail, and never mean that the account goes directly.
        proxy=None if item.get("proxy") is None else _mapping(item["proxy"]) or {},
    )


def _text(value: Any, most: int) -> str:
    """A short string or a number as a string; '' for anything else, and for what no database takes."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        return ""
    return value if not any("\ud800" <= character <= "\udfff" for character in value) else ""


def _version(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _status(value: Any) -> ExternalStatus:
    """A status that we do not know is not one that works."""
    known: Sequence[str] = [each.value for each in ExternalStatus]
    return ExternalStatus(value) if value in known else ExternalStatus.INACTIVE


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _mapping(value: Any) -> Mapping[str, str] | None:
    if not isinstance(value, dict) or not value or len(value) > 50:
        return None
    texts = {key: _text(each, _MAX_VALUE) for key, each in value.items()}
    return {key: text for key, text in texts.items() if text} or None
