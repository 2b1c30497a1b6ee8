"""What an MTProto proxy with a 'dd' secret takes off and puts on: AES-CTR and padding. No I/O."""

import os
import struct
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from devstack.telegram_dc.framing import Intermediate

HEADER_BYTES = 64
SECRET_BYTES = 16
PADDED_TAG = b"\xdd\xdd\xdd\xdd"


class Disguise:
    """The obfuscation of one connection, as its first 64 bytes agree on it."""

    def __init__(self, header: bytes, secret: bytes) -> None:
        # Both keys are in the same 48 bytes, the proxy's own in reverse.
        self._from_client = _stream(sha256(header[8:40] + secret).digest(), header[40:56])
        backwards = header[55:7:-1]
        self._to_client = _stream(sha256(backwards[:32] + secret).digest(), backwards[32:48])
        plain = self._from_client.update(header)
        self.tag = plain[56:60]
        self.dc_id: int = struct.unpack("<h", plain[60:62])[0]

    def reveal(self, data: bytes) -> bytes:
        """What the client really sent."""
        return self._from_client.update(data)

    def hide(self, data: bytes) -> bytes:
        """As the client expects it."""
        return self._to_client.update(data)


class Unpadding:
    """From the client's padded packets to plain Intermediate ones."""

    def __init__(self, disguise: Disguise) -> None:
        self._disguise = disguise
        self._frames = Intermediate()
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes:
        """What goes on to the data centre."""
        self._buffer += self._disguise.reveal(data)
        # packets are whole words: what is over is padding
        packets = iter(lambda: self._frames.take(self._buffer), None)
        return b"".join(self._frames.wrap(packet[: len(packet) // 4 * 4]) for packet in packets)


class Padding:
    """From the data centre's Intermediate packets to padded ones."""

    def __init__(self, disguise: Disguise) -> None:
        self._disguise = disguise
        self._frames = Intermediate()
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes:
        """What goes back to the client."""
        self._buffer += data
        packets = iter(lambda: self._frames.take(self._buffer), None)
        return self._disguise.hide(b"".join(self._frames.wrap(packet + _padding()) for packet in packets))


def _stream(key: bytes, start: bytes) -> CipherContext:
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()


def _padding() -> bytes:
    return os.urandom(os.urandom(1)[0] % 4)
