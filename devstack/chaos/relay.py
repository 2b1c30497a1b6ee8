"""The wire between our workers and the data centre: cut at will, or deaf in one direction."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

from devstack.ports import HOST

T = TypeVar("T")
_BLOCK = 64 * 1024


class Relay:
    """Passes connections on to `port`. A context manager: it lives in a thread of its own meanwhile."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._upstream = port
        self._loop = asyncio.new_event_loop()
        self._links: set[_Link] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def __enter__(self) -> "Relay":
        """Listen."""
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, HOST, 0), self._loop).result()
        self._server = server
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        """Cut everything."""
        self._do(self._server.close)
        self.cut(1.0, Random(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self, share: float, random: Random) -> int:
        """Cut this share of the connections, one at least if there is one; how many."""
        return self._do(lambda: _each(self._drawn(share, random), _Link.cut))

    def mute(self, share: float, random: Random, seconds: float) -> int:
        """Let no answer through on so many for this time, then cut them: requests still arrive, and are carried out."""

        def mute() -> int:
            links = self._drawn(share, random)
            self._loop.call_later(seconds, lambda: _each(links, _Link.cut))
            return _each(links, _Link.mute)

        return self._do(mute)

    def _drawn(self, share: float, random: Random) -> list["_Link"]:
        links = list(self._links)
        return random.sample(links, min(len(links), max(1, round(share * len(links)))))

    def _do(self, what: Callable[[], T]) -> T:
        async def done() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, self._upstream)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, up_writer)
        self._links.add(link)
        try:
            await asyncio.wait(
                {asyncio.ensure_future(link.up(reader)), asyncio.ensure_future(link.down(up_reader))},
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._links.discard(link)
            link.cut()


class _Link:
    """One connection: two sockets."""

    def __init__(self, client: asyncio.StreamWriter, centre: asyncio.StreamWriter) -> None:
        self._client = client
        self._centre = centre
        self._muted = False

    def cut(self) -> None:
        """Both ends see a reset."""
        self._client.transport.abort()
        self._centre.transport.abort()

    def mute(self) -> None:
        """What the data centre answers is lost from now on."""
        self._muted = True

    async def up(self, reader: asyncio.StreamReader) -> None:
        """Requests."""
        try:
            while block := await reader.read(_BLOCK):
                self._centre.write(block)
                await self._centre.drain()
        except OSError:
            pass

    async def down(self, reader: asyncio.StreamReader) -> None:
        """Answers."""
        try:
            while block := await reader.read(_BLOCK):
                if not self._muted:
                    self._client.write(block)
                    await self._client.drain()
        except OSError:
            pass


def _each(links: Iterable[_Link], what: Callable[[_Link], None]) -> int:
    count = 0
    for link in links:
        what(link)
        count += 1
    return count
