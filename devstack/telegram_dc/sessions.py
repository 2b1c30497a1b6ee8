"""Session strings: they carry the data centre's address and the key, so a client needs nothing else."""

import base64
import ipaddress
import struct
from hashlib import sha256

AUTH_KEY_BYTES = 256
DC_ID = 2
_STRING_SESSION_VERSION = "1"
_BLOCK_BYTES = 32


def auth_key(seed: int, account_name: str) -> bytes:
    """The key of an account that names none itself; the same for the same seed and name."""
    blocks = range(AUTH_KEY_BYTES // _BLOCK_BYTES)
    return b"".join(sha256(f"auth-key:{seed}:{account_name}:{block}".encode()).digest() for block in blocks)


def session_string(host: str, port: int, auth_key: bytes) -> str:
    """What Telethon's StringSession takes. `host` is an IP address."""
    address = ipaddress.ip_address(host).packed
    packed = struct.pack(f">B{len(address)}sH{AUTH_KEY_BYTES}s", DC_ID, address, port, auth_key)
    return _STRING_SESSION_VERSION + base64.urlsafe_b64encode(packed).decode("ascii")
