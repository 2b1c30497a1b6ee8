"""Proxies on loopback: SOCKS5, and Telegram's own MTProto proxy. They lead to this machine only."""

import asyncio
import contextlib
import hmac
import ipaddress
import os
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from devstack.telegram_dc.errors import ProtocolError
from devstack.telegram_dc.framing import INTERMEDIATE_TAG
from devstack.telegram_dc.obfuscation import HEADER_BYTES, PADDED_TAG, SECRET_BYTES, Disguise, Padding, Unpadding

LOOPBACK = "127.0.0.1"
_CHUNK_BYTES = 1 << 16
_VERSION = 5
_NO_PASSWORD, _PASSWORD, _NO_WAY = 0x00, 0x02, 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SUCCEEDED, _NOT_ALLOWED, _CONNECTION_REFUSED, _COMMAND_UNKNOWN = 0, 2, 5, 7


@dataclass
class Passage:
    """One connection through a proxy. `outcome`: 'open', 'closed', or why it was refused."""

    at: datetime
    client: tuple[str, int]
    target: tuple[str, int] | None = None
    outcome: str = "open"
    user: str | None = None
    dc_id: int | None = None
    sent: int = 0
    received: int = 0


class _Refused(Exception):
    """The client gets no connection, for this reason."""


@dataclass
class _Ends:
    """Both sides of a connection through the proxy."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    passage: Passage


class _Proxy:
    """Listens on loopback while the `async with` block lasts, and keeps a journal of its connections."""

    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        self.host = host
        self.port = port
        self.connections: list[Passage] = []
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._welcome, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    @property
    def open(self) -> list[Passage]:
        """The connections that are there now."""
        return [passage for passage in self.connections if passage.outcome == "open"]

    def to(self, host: str, port: int) -> list[Passage]:
        """The connections that led there, also those that are over."""
        return [passage for passage in self.connections if passage.target == (host, port)]

    async def cut(self) -> None:
        """End all connections."""
        visits = list(self._visits)
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        passage = Passage(datetime.now(UTC), writer.get_extra_info("peername")[:2])
        self.connections.append(passage)
        try:
            await self._serve(_Ends(reader, writer, passage))
        except _Refused as reason:
            passage.outcome = str(reason)
        except (OSError, EOFError, ProtocolError, asyncio.CancelledError):
            pass  # one side is gone or talks nonsense, or the proxy is cut
        finally:
            self._visits.discard(visit)
            if passage.outcome == "open":
                passage.outcome = "closed"
            writer.close()

    async def _serve(self, client: _Ends) -> None:
        raise NotImplementedError


class Socks5Proxy(_Proxy):
    """SOCKS5 (RFC 1928), CONNECT only; with `user` it wants a password (RFC 1929)."""

    def __init__(
        self, user: str | None = None, password: str | None = None, host: str = LOOPBACK, port: int = 0
    ) -> None:
        super().__init__(host, port)
        self._user = user
        self._password = password or ""

    async def _serve(self, client: _Ends) -> None:
        await self._authenticate(client)
        client.passage.target = await self._wanted(client)
        async with _backend(client.passage.target) as backend:
            if backend is None:
                await _say(client.writer, _reply(_CONNECTION_REFUSED))
                raise _Refused("unreachable")
            await _say(client.writer, _reply(_SUCCEEDED))
            reader, writer = backend
            await _both(
                _pump(client.reader, writer, _counted(client.passage, "sent")),
                _pump(reader, client.writer, _counted(client.passage, "received")),
            )

    async def _authenticate(self, client: _Ends) -> None:
        version, count = await client.reader.readexactly(2)
        offered = await client.reader.readexactly(count)
        wanted = _NO_PASSWORD if self._user is None else _PASSWORD
        if version != _VERSION or wanted not in offered:
            await _say(client.writer, bytes([_VERSION, _NO_WAY]))
            raise _Refused("no way to sign in")
        await _say(client.writer, bytes([_VERSION, wanted]))
        if self._user is not None:
            await self._check_password(client, self._user)

    async def _check_password(self, client: _Ends, user: str) -> None:
        await client.reader.readexactly(1)
        name, password = await _short(client.reader), await _short(client.reader)
        client.passage.user = name.decode("utf-8", "replace")
        right = hmac.compare_digest(name + b"\0" + password, f"{user}\0{self._password}".encode())
        await _say(client.writer, bytes([1, 0 if right else 1]))
        if not right:
            raise _Refused("wrong password")

    async def _wanted(self, client: _Ends) -> tuple[str, int]:
        _, command, _, kind = await client.reader.readexactly(4)
        host = await _address(client.reader, kind)
        (port,) = struct.unpack(">H", await client.reader.readexactly(2))
        if command != _CONNECT:
            await _say(client.writer, _reply(_COMMAND_UNKNOWN))
            raise _Refused("not a CONNECT")
        address = LOOPBACK if host == "localhost" else host
        if not _is_loopback(address):
            client.passage.target = (host, port)
            await _say(client.writer, _reply(_NOT_ALLOWED))
            raise _Refused("not on this machine")
        return address, port


class MtProxy(_Proxy):
    """Telegram's MTProto proxy with a 'dd' secret: obfuscated and padded outside, Intermediate to the target.

    The client only names a data centre; where that is, the proxy decides. `secret` has 16 bytes.
    """

    def __init__(
        self, target_host: str, target_port: int, secret: bytes | None = None, host: str = LOOPBACK, port: int = 0
    ) -> None:
        super().__init__(host, port)
        self._secret = os.urandom(SECRET_BYTES) if secret is None else secret
        if len(self._secret) != SECRET_BYTES:
            raise ValueError("the secret of an MTProto proxy has 16 bytes")
        if not _is_loopback(target_host):
            raise ValueError(f"{target_host} is not on this machine")
        self._target = (target_host, target_port)

    @property
    def secret(self) -> str:
        """The secret as clients are given it."""
        return "dd" + self._secret.hex()

    async def _serve(self, client: _Ends) -> None:
        disguise = Disguise(await client.reader.readexactly(HEADER_BYTES), self._secret)
        if disguise.tag != PADDED_TAG:
            raise _Refused("wrong secret or transport")
        client.passage.dc_id = disguise.dc_id
        client.passage.target = self._target
        async with _backend(self._target) as backend:
            if backend is None:
                raise _Refused("unreachable")
            reader, writer = backend
            writer.write(INTERMEDIATE_TAG)
            inbound, outbound = Unpadding(disguise), Padding(disguise)
            sent, received = _counted(client.passage, "sent"), _counted(client.passage, "received")
            await _both(
                _pump(client.reader, writer, lambda data: inbound.feed(sent(data))),
                _pump(reader, client.writer, lambda data: outbound.feed(received(data))),
            )


def _reply(code: int) -> bytes:
    return struct.pack(">BBBB4sH", _VERSION, code, 0, _IPV4, bytes(4), 0)


async def _address(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == _NAME:
        return (await _short(reader)).decode("utf-8", "replace")
    if kind not in (_IPV4, _IPV6):
        raise _Refused("an address of unknown kind")
    return str(ipaddress.ip_address(await reader.readexactly(4 if kind == _IPV4 else 16)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _short(reader: asyncio.StreamReader) -> bytes:
    """Up to 255 bytes, their number before them."""
    return await reader.readexactly((await reader.readexactly(1))[0])


async def _say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


@contextlib.asynccontextmanager
async def _backend(
    target: tuple[str, int],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]:
    """A connection to the target; None if nobody listens there."""
    try:
        reader, writer = await asyncio.open_connection(*target)
    except OSError:
        yield None
        return
    try:
        yield reader, writer
    finally:
        writer.close()


def _counted(passage: Passage, direction: str) -> Callable[[bytes], bytes]:
    def count(data: bytes) -> bytes:
        setattr(passage, direction, getattr(passage, direction) + len(data))
        return data

    return count


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, convert: Callable[[bytes], bytes]) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(convert(data))
        await writer.drain()


async def _both(*ways: Coroutine[Any, Any, None]) -> None:
    """Until one side has nothing more to say."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
