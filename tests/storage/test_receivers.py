"""Calls to owners' servers: on loopback, where a server sees what reaches it."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from threading import Event

import pytest

from domain.webhooks import Fault
from storage.receivers import Receivers

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Server:
    """Answers `answer`; keeps what it was sent."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.answer = answer
        self.seen: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.seen.append(head + await reader.readexactly(length))
        writer.write(self.answer)
        await writer.drain()
        if self.answer:
            writer.close()


@asynccontextmanager
async def listening(answer: bytes = ANSWER) -> AsyncIterator[Server]:
    server = Server(answer)
    serving = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = serving.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        serving.close()


def receivers(*, inside: bool = True, seconds: float = 5) -> Receivers:
    return Receivers(timedelta(seconds=seconds), inside)


async def test_what_is_sent_arrives_as_it_is() -> None:
    async with listening() as server:
        url = f"http://127.0.0.1:{server.port}/hook?a=b"
        assert await receivers().post(url, b'{"a":1}', {"Invite-Signature": "v1=x"}) == 204
    [seen] = server.seen
    head, body = seen.split(b"\r\n\r\n")
    assert body == b'{"a":1}'
    assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    for line in (
        b"Invite-Signature: v1=x",
        b"Content-Type: application/json",
        f"Host: 127.0.0.1:{server.port}".encode(),
    ):
        assert line in head.split(b"\r\n")


@pytest.mark.parametrize("status", [200, 301, 307, 404, 500])
async def test_the_status_is_told_and_no_redirect_followed(status: int) -> None:
    async with listening() as server:
        url = f"http://127.0.0.1:{server.port}/"
        server.answer = f"HTTP/1.1 {status} X\r\nLocation: {url}more\r\nContent-Length: 0\r\n\r\n".encode()
        assert await receivers().post(url, b"{}", {}) == status
    assert server.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_nothing_inside_is_reached_by_whatever_name(host: str) -> None:
    async with listening() as server:
        url = f"http://{host}:{server.port}/"
        assert await receivers(inside=False).post(url, b"{}", {}) == Fault.NOT_ALLOWED
    assert server.connections == 0


async def test_names_are_looked_up_in_threads_of_their_own() -> None:
    loop, end = asyncio.get_running_loop(), Event()
    threads = ThreadPoolExecutor(1)
    loop.set_default_executor(threads)
    busy = loop.run_in_executor(None, end.wait)
    try:
        assert await receivers(inside=False).post("https://localhost:1/", b"{}", {}) is Fault.NOT_ALLOWED
    finally:
        end.set()
        await busy


async def test_one_that_does_not_answer_is_not_waited_for() -> None:
    async with listening(answer=b"") as server:
        began = time.monotonic()
        url = f"http://127.0.0.1:{server.port}/"
        assert await receivers(seconds=0.3).post(url, b"{}", {}) is Fault.NO_ANSWER
        assert time.monotonic() - began < 2


async def test_an_endless_answer_is_not_read() -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"a\r\n0123456789\r\n" * 100_000
    async with listening(endless) as server:
        assert await receivers().post(f"http://127.0.0.1:{server.port}/", b"{}", {}) == 200


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000])
async def test_what_is_not_http_is_no_answer(answer: bytes) -> None:
    async with listening(answer) as server:
        assert await receivers().post(f"http://127.0.0.1:{server.port}/", b"{}", {}) is Fault.NO_ANSWER


async def test_nobody_there_or_without_tls_is_no_answer() -> None:
    async with listening() as server:
        assert await receivers(seconds=0.3).post(f"https://127.0.0.1:{server.port}/", b"{}", {}) is Fault.NO_ANSWER
        port = server.port
    assert await receivers().post(f"http://127.0.0.1:{port}/", b"{}", {}) is Fault.NO_ANSWER
    for inside in (True, False):
        for name in ("no-such-name.invalid", "a..b", "a" * 70):
            assert await receivers(inside=inside).post(f"https://{name}/", b"{}", {}) is Fault.NO_ANSWER
