"""One Telethon client for the life of one connection: how it is made, asked, kept alive and closed."""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from telethon import TelegramClient
from telethon.sessions import StringSession
from telethon.tl import functions

from adapters.telegram.application import Application
from adapters.telegram.errors import PLATFORM, Lost
from domain.account import Credentials
from domain.errors import Unavailable
from domain.ports import Throttle

CLOSING = timedelta(seconds=2)
"""How long a close may take; it must fit into the lease's closing margin."""
PATIENCE = timedelta(seconds=10)
"""How long a request waits until its application may make it."""


class QuietClient(TelegramClient):  # type: ignore[misc]
    """A client that asks for nothing by itself."""

    def __init__(
        self,
        *args: Any,
        application: Application,
        disconnect_after: timedelta,
        still: Callable[[], bool],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._sender._updates_queue = _Nowhere()
        self._plain_connect = self._sender.connect
        self._sender.connect = self._connect_armed
        self._disconnect_after = disconnect_after
        self._still = still
        self.application = application

    async def _connect_armed(self, connection: Any) -> bool:
        # The first thing said, before the key is used for anything: were this process stopped while it signs in,
        # Telegram would keep the connection, and the next holder's would be a second one, which destroys the session.
        if not await self._plain_connect(connection):
            return False
        if not self._still():  # stopped while the connection was made: by now somebody else may use the key
            raise Unavailable(PLATFORM, "the right to sign in has ended")
        self._sender.send(_ping(self._disconnect_after)).add_done_callback(_seen)
        # Connecting goes on with a request. Nobody pings yet: it must not wait until Telegram drops the connection.
        await self.application.request(self._disconnect_after / 3)
        return True

    async def get_me(self, input_peer: bool = False) -> None:
        """Nobody."""
        # With an answer, connecting would go on to fetch the account's state and difference. Without, it ends
        # here, and the session asks itself: Telethon's own question sleeps at some errors and hides others.

    async def _update_loop(self) -> None:
        # A client without updates sees a gap after each message of its own. Telethon's loop would then fetch
        # what the account was sent meanwhile: uncounted requests, for messages that are none of our business.
        return None


class _Nowhere:
    """Where updates go, instead of a queue that nobody would empty."""

    def put_nowait(self, update: object) -> None:
        pass


def client_of(
    credentials: Credentials,
    deadline: timedelta,
    disconnect_after: timedelta,
    route: Mapping[str, Any],
    still: Callable[[], bool],
    pace: Throttle | None = None,
) -> QuietClient | None:
    """A client that is not connected yet; None where the credentials cannot be meant.

    `disconnect_after`: Telegram ends its connection after that time, unless it is pinged meanwhile. `route`: options
    that lead through a proxy. `still`: whether the key may be used, asked once connected. `pace`: how often the
    application may ask something; None: as often as it likes.
    """
    try:
        session = StringSession(credentials["session"])
        api_id, api_hash = int(credentials["api_id"]), credentials["api_hash"]
    except (KeyError, TypeError, ValueError, struct.error):
        return None
    # Without a key Telethon would agree on a new one, and so sign up as a client that nobody knows.
    if session.auth_key is None or not 0 < api_id < 2**31 or not api_hash:
        return None
    return QuietClient(
        session,
        api_id,
        api_hash,
        # With the wrong family Telethon quietly goes to an address of its own instead of the session's.
        use_ipv6=":" in session.server_address,
        timeout=deadline.total_seconds(),
        request_retries=0,
        connection_retries=0,
        retry_delay=0,
        auto_reconnect=False,
        flood_sleep_threshold=0,
        raise_last_call_error=True,
        receive_updates=False,
        application=Application(str(api_id), pace),
        disconnect_after=disconnect_after,
        still=still,
        **route,
    )


async def connect(client: QuietClient, deadline: timedelta) -> "Link":
    """The client, connected. Raises what Telegram or the network said, or `Lost`; nothing stays open then."""
    # Not wait_for: a future that Telethon cancels would look like the cancellation of our own task.
    connecting = asyncio.ensure_future(client.connect())
    connecting.add_done_callback(_seen)
    try:
        await asyncio.wait({connecting}, timeout=deadline.total_seconds())
        if not connecting.done() or connecting.cancelled():
            raise Lost("connecting")
        connecting.result()
    except BaseException:
        # wait_for, which Telethon uses, may swallow the cancellation in Python 3.11 and go on. So the task is
        # waited for, and the client disconnected in any case.
        connecting.cancel()
        await asyncio.wait({connecting}, timeout=CLOSING.total_seconds())
        await _bounded(client.disconnect())
        raise
    return Link(client, deadline)


class Link:
    """A connection that works, until it ends for good.

    Requests go to the client's sender, past `client()`: that one sleeps two seconds after an internal error
    of the server, moves to other data centres by itself, and waits for ever where no answer comes.
    """

    def __init__(self, client: QuietClient, deadline: timedelta) -> None:
        self._client: QuietClient | None = client
        self._application = client.application
        self._deadline = deadline
        self._gone: asyncio.Future[None] = client.disconnected
        self._gone.add_done_callback(_seen)

    @property
    def connected(self) -> bool:
        """False for good once the connection is gone."""
        return self._client is not None and bool(self._client._sender._transport_connected())

    async def hand_over(self, request: Any) -> asyncio.Future[Any]:
        """Give the request to the sender, when the application may. Raises `Unavailable` if it surely was not sent."""
        await self._application.request(PATIENCE)
        return self._send(functions.InvokeWithoutUpdatesRequest(request))

    async def answer_to(self, handed_over: asyncio.Future[Any]) -> Any:
        """What Telegram answers, errors raised. `Lost` if no answer comes."""
        return await self._within(self._deadline, handed_over)

    async def ping(self, disconnect_after: timedelta) -> None:
        """Have Telegram end this connection after that time, unless pinged again. `Lost` if unanswered."""
        # Not wrapped as requests are, and waiting for no turn of the application: it is answered below the API's layer,
        # and must not be late. Half the time is waited for that, so that the caller hears of a dead connection before
        # Telegram's own timer ends it.
        pong = self._send(_ping(disconnect_after))
        await self._within(min(self._deadline, disconnect_after / 2), pong)

    async def close(self) -> None:
        """Disconnect and forget the client. Never raises."""
        client, self._client = self._client, None
        if client is not None:
            await _bounded(client.disconnect())

    def _send(self, request: Any) -> asyncio.Future[Any]:
        if self._client is None or not self.connected:
            raise Unavailable(PLATFORM, "the connection is gone")
        future: asyncio.Future[Any] = self._client._sender.send(request)
        future.add_done_callback(_seen)
        return future

    async def _within(self, deadline: timedelta, future: asyncio.Future[Any]) -> Any:
        # Neither wait_for nor cancel: Telethon sets late answers on futures without looking. What is handed
        # over in the moments in which the connection ends is never answered, so that end is waited for too.
        awaited = {future, self._gone}
        await asyncio.wait(awaited, timeout=deadline.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        if future.done() and not future.cancelled():
            return future.result()
        lost = Lost("the connection broke" if self._gone.done() else "no answer within the deadline")
        # On a connection that stays, Telethon may send it again (wrong salt) after we said that nobody knows.
        await self.close()
        raise lost


def _ping(disconnect_after: timedelta) -> Any:
    seconds = max(1, int(disconnect_after.total_seconds()))
    return functions.PingDelayDisconnectRequest(random.getrandbits(63), seconds)


async def _bounded(disconnecting: Awaitable[None]) -> None:
    task = asyncio.ensure_future(disconnecting)
    task.add_done_callback(_seen)
    await asyncio.wait({task}, timeout=CLOSING.total_seconds())


def _seen(future: asyncio.Future[Any]) -> None:
    """Take note of a failure that nobody waits for, or asyncio logs it."""
    if not future.cancelled():
        future.exception()
