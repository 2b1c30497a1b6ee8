"""An account's proxy: what Telethon must be given so that it connects through it, or not at all."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from telethon.network.connection import ConnectionTcpMTProxyRandomizedIntermediate
from telethon.network.connection import connection as telethon_connection
from telethon.network.connection.connection import ObfuscatedConnection

from domain.errors import Unavailable

_HEX_SECRET = re.compile(r"(?:dd)?([0-9a-f]{32})")
_SECRET_BYTES = 16
_PADDED = 0xDD
_MOST_BYTES = 255
"""Of a name or password in SOCKS5."""


class MtProxyConnection(ConnectionTcpMTProxyRandomizedIntermediate):  # type: ignore[misc]
    """Through Telegram's own kind of proxy."""

    async def _connect(self, *given: Any, **options: Any) -> None:
        # Past TcpMTProxy's own: it waits two seconds each time for a proxy that hangs up. One that does is
        # noticed at the first request.
        await ObfuscatedConnection._connect(self, *given, **options)


def route(proxy: Mapping[str, str] | None) -> dict[str, Any] | None:
    """Telethon's options for this proxy; none of them without a proxy, None for one that cannot be used.

    `{type: socks5, host, port, username?, password?}` or `{type: mtproto, host, port, secret}`.
    Raises `Unavailable` if the library for it is missing.
    """
    if proxy is None:
        return {}
    kind, host, port = str(proxy.get("type", "")).lower(), proxy.get("host"), _port(proxy.get("port"))
    if not isinstance(host, str) or not host.strip() or port is None:
        return None
    if kind == "socks5":
        return _socks5(host.strip(), port, proxy)
    return _mtproto(host.strip(), port, proxy) if kind == "mtproto" else None


def _socks5(host: str, port: int, proxy: Mapping[str, str]) -> dict[str, Any] | None:
    username, password = proxy.get("username"), proxy.get("password")
    # One without the other would be left out, and the proxy asked as somebody else.
    if not _both_or_none(username, password):
        return None
    if telethon_connection.python_socks is None:
        # Telethon warns only, and takes another library, whose sockets asyncio may connect past the proxy.
        raise Unavailable("python-socks", "it is not installed, and the account has a SOCKS5 proxy")
    given = {"username": username, "password": password} if username else {}
    return {"proxy": {"proxy_type": "socks5", "addr": host, "port": port, "rdns": True, **given}}


def _mtproto(host: str, port: int, proxy: Mapping[str, str]) -> dict[str, Any] | None:
    secret = _secret(proxy.get("secret"))
    return None if secret is None else {"connection": MtProxyConnection, "proxy": (host, port, secret)}


def _port(given: object) -> int | None:
    text = str(given)
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return port if 0 < port < 2**16 else None


def _both_or_none(username: object, password: object) -> bool:
    given = [each for each in (username, password) if each]
    texts = all(isinstance(each, str) and len(each.encode()) <= _MOST_BYTES for each in given)
    return len(given) in (0, 2) and texts


def _secret(given: object) -> str | None:
    """The secret in the one spelling that Telethon reads right; None for a TLS one, which it cannot speak."""
    if not isinstance(given, str):
        return None
    spelled = _HEX_SECRET.fullmatch(given.strip().lower())
    if spelled:
        return "dd" + spelled[1]
    try:
        decoded = base64.b64decode(given.strip() + "=" * (-len(given.strip()) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(decoded) == _SECRET_BYTES + 1 and decoded[0] == _PADDED:
        decoded = decoded[1:]
    return "dd" + decoded.hex() if len(decoded) == _SECRET_BYTES else None
