"""Telegram, through user sessions with Telethon."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from adapters.telegram import platform
from adapters.telegram.client import client_of, connect
from adapters.telegram.errors import Doing, answer
from adapters.telegram.proxy import route
from adapters.telegram.session import TelegramSession
from domain.account import Credentials
from domain.addresses import is_public
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Capabilities
from domain.ports import AddressBook, Throttle, always


class TelegramAdapter:
    """Signs accounts in. `deadline`: for connecting, and for every request after it. `disconnect_after`: Telegram drops
    a connection by itself that was never pinged, such as that of a process stopped while it signs in.
    `pace`: how often a client application may ask something. `public_only`: a session names the server to connect to,
    and one in our own network is refused."""

    def __init__(
        self,
        *,
        deadline: timedelta = timedelta(seconds=20),
        link_preview: bool = True,
        disconnect_after: timedelta = timedelta(seconds=6),
        pace: Throttle | None = None,
        public_only: bool = False,
    ) -> None:
        self._deadline = deadline
        self._public_only = public_only
        self._disconnect_after = disconnect_after
        self._link_preview = link_preview
        self._pace = pace

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return platform.CAPABILITIES

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool] = always,
    ) -> TelegramSession | Outcome:
        """Sign in with `session`, `api_id` and `api_hash`, through the proxy if there is one."""
        way = route(proxy)
        if way is None:
            # Never directly instead: the owner's address would be shown where the proxy's is meant to be.
            return Outcome(Kind.BLOCKED, Reason.PROXY_UNSUPPORTED)
        client = client_of(credentials, self._deadline, self._disconnect_after, way, still, self._pace)
        if client is None or (self._public_only and not is_public(client.session.server_address)):
            return Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS)
        await client.application.sign_in()
        try:
            link = await connect(client, self._deadline)
        except Exception as error:
            return answer(error, Doing.READ)
        return await _signed_in(TelegramSession(link, book, link_preview=self._link_preview))


async def _signed_in(session: TelegramSession) -> TelegramSession | Outcome:
    try:
        refusal = await session.sign_in()
    except BaseException:
        await session.close()
        raise
    if refusal is None:
        return session
    await session.close()
    return refusal
