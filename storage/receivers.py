"""Owners' own servers, over HTTP: called at public addresses only, for a bounded time, and not listened to."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import httpcore
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from domain.addresses import is_public
from domain.webhooks import Fault

_LOOKUPS = 8
"""Names that are looked up at once."""
_TLS = ssl.create_default_context()
_ABOUT = {"service": "webhook", "http.request.method": "POST"}

_tracer = trace.get_tracer("invite-service")


class NotPublic(httpcore.ConnectError):
    """The host stands for no public address."""


class Receivers:
    """Calls owners' servers. `inside`: also those in our own network. Nothing of an answer is read but its status.

    No redirect is followed: it would lead past every check of the address.
    """

    def __init__(self, timeout: timedelta, inside: bool) -> None:
        self._timeout = timeout.total_seconds()
        self._network = httpcore.AnyIOBackend() if inside else PublicNetwork()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | Fault:
        """Send it; the answer's status, or why there is none. Repeated, it is sent again."""
        # The receiver is told nothing of it: whose trace it is is nobody's business there.
        with _tracer.start_as_current_span("POST webhook", kind=SpanKind.CLIENT, attributes=_ABOUT) as span:
            answer = await self._posted(url, body, headers)
            told = {"reason": answer.value} if isinstance(answer, Fault) else {"http.response.status_code": answer}
            span.set_attributes(told)
            return answer

    async def _posted(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | Fault:
        sent = {"Content-Type": "application/json", "User-Agent": "invite-service", "Connection": "close", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout),
                # A pool for each call: nothing is kept open to an owner's server between two events.
                httpcore.AsyncConnectionPool(ssl_context=_TLS, network_backend=self._network) as pool,
                pool.stream("POST", url, headers=list(sent.items()), content=body) as answer,
            ):
                return answer.status
        except NotPublic:
            return Fault.NOT_ALLOWED
        except (TimeoutError, OSError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            return Fault.NO_ANSWER
        except UnicodeError:  # the name cannot be one: `a..b`
            return Fault.NO_ANSWER


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, and to the very address that was looked at: a name asked for a second time
    may stand for another one."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()
        # Threads of their own: a name whose server does not answer holds one for long after we gave up, and in the
        # process's other ones Vault is asked.
        self._lookups = ThreadPoolExecutor(_LOOKUPS, "lookup")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore calls it so
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `NotPublic`, and `OSError` for a name that nobody knows."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)
        addresses = [str(each[4][0]) for each in found]
        if not all(is_public(each) for each in addresses):
            raise NotPublic(host)
        *others, last = addresses
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # by IPv6 where there is none, say
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)
