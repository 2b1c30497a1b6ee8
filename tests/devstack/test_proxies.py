"""The loopback proxies, with a real TelegramClient behind them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from telethon import TelegramClient, errors
from telethon.network import connection as transports

from devstack.proxies import MtProxy, Socks5Proxy
from devstack.telegram_dc.scenario import Account, Scenario
from devstack.telegram_dc.server import TelegramDC
from tests.devstack.test_telegram_dc import API_ID, PATIENCE, call, health, make_client, retire, until

Proxy = Socks5Proxy | MtProxy


@pytest.fixture
async def dc() -> AsyncIterator[TelegramDC]:
    scenario = Scenario([Account(name, number, f"+{number}", API_ID, "hash") for number, name in enumerate("ab", 1)])
    async with TelegramDC(scenario) as running:
        yield running


pytestmark = pytest.mark.filterwarnings("ignore:proxy argument will be ignored")


class ThroughSocks5(transports.ConnectionTcpFull):  # type: ignore[misc]
    """Telethon's connection with a SOCKS5 handshake of our own, for want of a proxy library."""

    async def _proxy_connect(self, **_timeouts: Any) -> socket.socket:
        _, host, port, _, user, password = self._proxy
        return await handshake((host, port), (self._ip, self._port), user, password)


class ThroughMtProxy(transports.ConnectionTcpMTProxyRandomizedIntermediate):  # type: ignore[misc]
    """Telethon's own, but for the socket that it forgets to close when the proxy turns it away."""

    async def _connect(self, **options: Any) -> None:
        try:
            await super()._connect(**options)
        except ConnectionError:
            self._writer.close()
            raise


async def handshake(
    proxy: tuple[str, int], target: tuple[str, int], user: str | None = None, password: str | None = None
) -> socket.socket:
    """A socket that the proxy has connected; ConnectionError with what it said if not."""
    sock = socket.socket()
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, proxy)
        await greet(sock, target, user, password)
    except BaseException:
        sock.close()
        raise
    return sock


async def greet(sock: socket.socket, target: tuple[str, int], user: str | None, password: str | None) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, b"\x05\x02\x00\x02" if user else b"\x05\x01\x00")
    method = (await received(sock, 2))[1]
    if method == 2:
        name, secret = (user or "").encode(), (password or "").encode()
        await loop.sock_sendall(sock, bytes([1, len(name)]) + name + bytes([len(secret)]) + secret)
        if (await received(sock, 2))[1]:
            raise ConnectionError("wrong password")
    elif method:
        raise ConnectionError("no way to sign in")
    host = target[0].encode()
    await loop.sock_sendall(sock, b"\x05\x01\x00\x03" + bytes([len(host)]) + host + struct.pack(">H", target[1]))
    code = (await received(sock, 10))[1]
    if code:
        raise ConnectionError(f"reply {code}")


async def received(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, count - len(data)), PATIENCE)
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


async def signed_in(client: TelegramClient) -> int:
    try:
        await asyncio.wait_for(client.connect(), PATIENCE)
        return (await call(client, health()))[0].id
    finally:
        await retire(client)


def socks_client(dc: TelegramDC, proxy: Socks5Proxy, *login: str) -> TelegramClient:
    settings = ("socks5", proxy.host, proxy.port, True, *(login or (None, None)))
    return make_client(dc.session_string("a"), connection=ThroughSocks5, proxy=settings)


class TestSocks5:
    async def test_a_client_signs_in_through_it(self, dc: TelegramDC) -> None:
        async with Socks5Proxy() as proxy:
            client = socks_client(dc, proxy)
            await client.connect()
            passage = proxy.connections[0]
            assert proxy.open == [passage]
            assert (await call(client, health()))[0].id == 1
            await client.disconnect()
            await until(lambda: not proxy.open)
        assert proxy.to(dc.host, dc.port) == [passage]
        assert (passage.outcome, passage.user, passage.client[0]) == ("closed", None, "127.0.0.1")
        assert passage.sent > 200 < passage.received

    async def test_it_asks_for_a_password(self, dc: TelegramDC) -> None:
        async with Socks5Proxy("me", "secret") as proxy:
            assert await signed_in(socks_client(dc, proxy, "me", "secret")) == 1
            for login, what in [(("me", "wrong"), "wrong"), (("you", "secret"), "wrong"), ((), "no way")]:
                with pytest.raises(ConnectionError, match=what):
                    await handshake((proxy.host, proxy.port), (dc.host, dc.port), *login)
        assert [passage.user for passage in proxy.connections] == ["me", "me", "you", None]
        refused = ["closed", "wrong password", "wrong password", "no way to sign in"]
        assert [passage.outcome for passage in proxy.connections] == refused
        assert len(proxy.to(dc.host, dc.port)) == 1

    async def test_it_leads_nowhere_else(self, dc: TelegramDC) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            async with Socks5Proxy() as proxy:
                here = (proxy.host, proxy.port)
                for target, code in [(("192.0.2.1", 443), 2), (("example.org", 443), 2), (silent.getsockname(), 5)]:
                    with pytest.raises(ConnectionError, match=f"reply {code}"):
                        await handshake(here, target)
                (await handshake(here, ("localhost", dc.port))).close()
        outcomes = [passage.outcome for passage in proxy.connections]
        assert outcomes == ["not on this machine", "not on this machine", "unreachable", "closed"]

    async def test_its_connections_are_cut(self, dc: TelegramDC) -> None:
        async with Socks5Proxy() as proxy:
            client = socks_client(dc, proxy)
            await client.connect()
            await proxy.cut()
            await until(lambda: not client.is_connected())
        with pytest.raises(ConnectionError):
            await handshake((proxy.host, proxy.port), (dc.host, dc.port))

    @pytest.mark.parametrize("login", [(), ("me", "secret")])
    async def test_a_proxy_library_speaks_to_it(self, dc: TelegramDC, login: tuple[str, ...]) -> None:
        pytest.importorskip("python_socks")
        async with Socks5Proxy(*login) as proxy:
            settings = ("socks5", proxy.host, proxy.port, True, *login)
            assert await signed_in(make_client(dc.session_string("a"), proxy=settings)) == 1
        assert len(proxy.to(dc.host, dc.port)) == 1


class TestMtProxy:
    async def test_clients_sign_in_through_it(self, dc: TelegramDC) -> None:
        # Telethon waits two seconds for a proxy that has nothing to say; hence all at once.
        async with MtProxy(dc.host, dc.port) as proxy, MtProxy(dc.host, 1) as deaf:
            results = await asyncio.gather(
                signed_in(mt_client(dc, proxy, "a")),
                signed_in(mt_client(dc, proxy, "b")),
                signed_in(mt_client(dc, proxy, "a", secret="dd" + "00" * 16)),
                signed_in(mt_client(dc, deaf, "a")),
                stranger(dc, proxy),
                return_exceptions=True,
            )
            await until(lambda: not proxy.open)
        assert results[:2] == [1, 2]
        assert [type(result) for result in results[2:]] == [ConnectionError, ConnectionError, errors.AuthKeyNotFound]
        passed = [passage for passage in proxy.connections if passage.dc_id == 2]
        assert len(passed) == len(proxy.to(dc.host, dc.port)) == 3
        assert all(passage.outcome == "closed" and passage.sent and passage.received for passage in passed)
        assert outcomes_of(proxy) == ["closed", "closed", "closed", "wrong secret or transport"]
        assert outcomes_of(deaf) == ["unreachable"]

    def test_it_wants_a_secret_of_its_length(self) -> None:
        with pytest.raises(ValueError, match="16 bytes"):
            MtProxy("127.0.0.1", 1, b"short")
        with pytest.raises(ValueError, match="not on this machine"):
            MtProxy("192.0.2.1", 443)


def mt_client(dc: TelegramDC, proxy: MtProxy, account: str, secret: str | None = None) -> TelegramClient:
    # the address in the session leads nowhere: the proxy decides
    session = dc._scenario.session_string(account, "127.0.0.1", 9)
    return mt_proxied(session, proxy, secret)


def mt_proxied(session: str, proxy: MtProxy, secret: str | None = None) -> TelegramClient:
    settings = (proxy.host, proxy.port, secret or proxy.secret)
    return make_client(session, connection=ThroughMtProxy, proxy=settings)


async def stranger(dc: TelegramDC, proxy: MtProxy) -> int:
    """A key that the data centre does not know: its bare error comes through."""
    session = Scenario([Account("x", 9, "+9", API_ID, "hash")], seed=99).session_string("x", dc.host, dc.port)
    return await signed_in(mt_proxied(session, proxy))


def outcomes_of(proxy: Proxy) -> list[str]:
    return sorted(passage.outcome for passage in proxy.connections)
