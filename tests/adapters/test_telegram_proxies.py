"""The Telegram adapter behind proxies: through them, or not at all."""

import base64
import logging
import subprocess
import sys
import textwrap

import pytest

from adapters.telegram.proxy import route
from devstack.proxies import MtProxy, Socks5Proxy
from devstack.telegram_dc.server import TelegramDC
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from tests.adapters.book import MemoryBook
from tests.adapters.contract import KEY, signed_in
from tests.adapters.telegram_town import ANNA, PATIENT, credentials

PASSWORD = "correct-horse-battery"
UNSUPPORTED = Outcome(Kind.BLOCKED, Reason.PROXY_UNSUPPORTED)


def socks5(port: int, **more: str) -> dict[str, str]:
    """What integration-service says of such a proxy."""
    return {"type": "socks5", "host": "127.0.0.1", "port": str(port), **more}


def mtproto(proxy: MtProxy, **more: str) -> dict[str, str]:
    """What integration-service says of such a proxy."""
    return {"type": "mtproto", "host": "127.0.0.1", "port": str(proxy.port), "secret": proxy.secret, **more}


class TestSocks5:
    @pytest.mark.parametrize("given", [{}, {"username": "carol", "password": PASSWORD}])
    async def test_leads_to_telegram(self, dc: TelegramDC, given: dict[str, str]) -> None:
        async with Socks5Proxy(given.get("username"), given.get("password")) as proxy:
            session = await signed_in(PATIENT, credentials(dc, "owner"), proxy=socks5(proxy.port, **given))
            assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
            assert len(proxy.to("127.0.0.1", dc.port)) == len(proxy.open) == 1
            await session.close()

    async def test_with_a_wrong_password_leads_nowhere(self, dc: TelegramDC, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with Socks5Proxy("carol", "another") as proxy:
            given = socks5(proxy.port, username="carol", password=PASSWORD)
            with pytest.raises(Unavailable) as failure:
                await PATIENT.connect("owner", credentials(dc, "owner"), given, MemoryBook())
        assert not dc.journal.requests()
        assert PASSWORD not in caplog.text + repr(failure.value) + repr(failure.value.__cause__)

    async def test_that_is_dead_is_unavailable(self, dc: TelegramDC) -> None:
        async with Socks5Proxy() as proxy:
            port = proxy.port
        with pytest.raises(Unavailable):
            await PATIENT.connect("owner", credentials(dc, "owner"), socks5(port), MemoryBook())
        assert not dc.journal.requests()

    async def test_that_dies_takes_the_session_with_it(self, dc: TelegramDC) -> None:
        async with Socks5Proxy() as proxy:
            session = await signed_in(PATIENT, credentials(dc, "owner"), proxy=socks5(proxy.port))
            before = len(dc.journal.requests())
        with pytest.raises(Unavailable):
            await session.find(ANNA)
        assert len(dc.journal.requests()) == before
        assert not session.connected
        await session.close()


class TestMtProto:
    async def test_leads_to_telegram(self, dc: TelegramDC) -> None:
        async with MtProxy(dc.host, dc.port) as proxy:
            session = await signed_in(PATIENT, credentials(dc, "owner"), proxy=mtproto(proxy))
            assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
            assert len(proxy.connections) == 1
            await session.close()

    @pytest.mark.parametrize("secret", ["00" * 16, "dd" + "11" * 16])
    async def test_with_a_wrong_secret_leads_nowhere(self, dc: TelegramDC, secret: str) -> None:
        async with MtProxy(dc.host, dc.port) as proxy:
            with pytest.raises(Unavailable) as failure:
                await PATIENT.connect("owner", credentials(dc, "owner"), mtproto(proxy, secret=secret), MemoryBook())
        assert not dc.journal.requests()
        assert secret not in repr(failure.value) + repr(failure.value.__cause__)

    async def test_that_is_dead_is_unavailable(self, dc: TelegramDC) -> None:
        async with MtProxy(dc.host, dc.port) as proxy:
            given = mtproto(proxy)
        with pytest.raises(Unavailable):
            await PATIENT.connect("owner", credentials(dc, "owner"), given, MemoryBook())
        assert not dc.journal.requests()

    @pytest.mark.parametrize("plain", ["dd" * 16, "ee" * 16, "0123456789abcdef" * 2])
    def test_secrets_have_one_spelling(self, plain: str) -> None:
        """Telethon takes the first two letters of a secret for a mark, also where they are none."""
        binary = bytes.fromhex(plain)
        marked = base64.urlsafe_b64encode(b"\xdd" + binary).decode()
        for spelled in (plain, plain.upper(), f"dd{plain}", marked.rstrip("="), base64.b64encode(binary).decode()):
            options = route({"type": "mtproto", "host": "h", "port": "1", "secret": spelled})
            assert options is not None
            assert options["proxy"] == ("h", 1, f"dd{plain}")


@pytest.mark.parametrize(
    "proxy",
    [
        {},
        {"host": "127.0.0.1", "port": "1"},
        {"type": "http", "host": "127.0.0.1", "port": "1"},
        {"type": "socks4", "host": "127.0.0.1", "port": "1"},
        {"type": "socks5", "port": "1"},
        {"type": "socks5", "host": " ", "port": "1"},
        {"type": "socks5", "host": "127.0.0.1"},
        {"type": "socks5", "host": "127.0.0.1", "port": "0"},
        {"type": "socks5", "host": "127.0.0.1", "port": "65536"},
        {"type": "socks5", "host": "127.0.0.1", "port": "-1"},
        {"type": "socks5", "host": "127.0.0.1", "port": "one"},
        {"type": "socks5", "host": "127.0.0.1", "port": "1", "username": "carol"},
        {"type": "socks5", "host": "127.0.0.1", "port": "1", "password": PASSWORD},
        {"type": "socks5", "host": "127.0.0.1", "port": "1", "username": "c", "password": "x" * 256},
        {"type": "mtproto", "host": "127.0.0.1", "port": "1"},
        {"type": "mtproto", "host": "127.0.0.1", "port": "1", "secret": "short"},
        {"type": "mtproto", "host": "127.0.0.1", "port": "1", "secret": "ee" + "00" * 16 + "6578616d706c65"},
    ],
    ids=str,
)
async def test_what_cannot_be_used_is_refused_and_never_left_out(dc: TelegramDC, proxy: dict[str, str]) -> None:
    assert await PATIENT.connect("owner", credentials(dc, "owner"), proxy, MemoryBook()) == UNSUPPORTED
    assert dc._connections == 0


def test_without_its_library_nothing_connects() -> None:
    code = """
        import asyncio, sys
        sys.modules["python_socks"] = None

        from devstack.proxies import Socks5Proxy
        from devstack.telegram_dc.server import TelegramDC
        from domain.errors import Unavailable
        from tests.adapters.book import MemoryBook
        from tests.adapters.telegram_town import PATIENT, credentials, town

        async def main():
            async with TelegramDC(town()) as dc, Socks5Proxy() as proxy:
                given = {"type": "socks5", "host": "127.0.0.1", "port": str(proxy.port)}
                try:
                    await PATIENT.connect("owner", credentials(dc, "owner"), given, MemoryBook())
                except Unavailable as failure:
                    assert "python-socks" in str(failure)
                else:
                    raise AssertionError("connected")
                await asyncio.sleep(0.2)
                assert dc._connections == 0 and not proxy.connections

        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
