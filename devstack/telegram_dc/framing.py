"""TCP transports: where one packet ends and the next begins. Bytes in, packets out; no I/O."""

import struct
from collections.abc import Iterator
from typing import Protocol
from zlib import crc32

from devstack.telegram_dc.errors import ProtocolError

MAX_PACKET_BYTES = 1 << 24
_ABRIDGED_TAG = b"\xef"
INTERMEDIATE_TAG = b"\xee\xee\xee\xee"
_TAG_BYTES = 4


class Framing(Protocol):
    """One of Telegram's TCP transports, for one connection."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the first whole packet from the buffer, or None if it is not whole yet."""

    def wrap(self, packet: bytes) -> bytes:
        """The bytes that carry this packet."""


class Full:
    """Length, sequence number, packet, CRC32."""

    _OVERHEAD = 12

    def __init__(self) -> None:
        self._received = 0
        self._sent = 0

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the first whole packet from the buffer, or None if it is not whole yet."""
        if len(buffer) < 8:
            return None
        length, number = struct.unpack_from("<ii", buffer)
        _check_length(length, self._OVERHEAD)
        if len(buffer) < length:
            return None
        frame = bytes(buffer[:length])
        del buffer[:length]
        if number != self._received or frame[-4:] != struct.pack("<I", crc32(frame[:-4])):
            raise ProtocolError("wrong sequence number or checksum")
        self._received += 1
        return frame[8:-4]

    def wrap(self, packet: bytes) -> bytes:
        """The bytes that carry this packet."""
        frame = struct.pack("<ii", len(packet) + self._OVERHEAD, self._sent) + packet
        self._sent += 1
        return frame + struct.pack("<I", crc32(frame))


class Abridged:
    """The length in words of four bytes, in one byte or four."""

    _LONG = 0x7F

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the first whole packet from the buffer, or None if it is not whole yet."""
        if not buffer:
            return None
        head = 1
        words = buffer[0]
        if words >= self._LONG:
            head = 4
            if len(buffer) < head:
                return None
            words = int.from_bytes(buffer[1:head], "little")
        return _cut(buffer, head, words * 4)

    def wrap(self, packet: bytes) -> bytes:
        """The bytes that carry this packet."""
        words = len(packet) // 4
        if words < self._LONG:
            return bytes([words]) + packet
        return bytes([self._LONG]) + words.to_bytes(3, "little") + packet


class Intermediate:
    """The length in four bytes."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the first whole packet from the buffer, or None if it is not whole yet."""
        if len(buffer) < 4:
            return None
        return _cut(buffer, 4, int.from_bytes(buffer[:4], "little"))

    def wrap(self, packet: bytes) -> bytes:
        """The bytes that carry this packet."""
        return struct.pack("<I", len(packet)) + packet


class Incoming:
    """What came in on one connection: finds out which transport the client chose, then splits packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._framing: Framing | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The packets that are whole now. ProtocolError when the bytes make no sense."""
        self._buffer += data
        if self._framing is None:
            self._framing = _chosen(self._buffer)
        while self._framing is not None:
            packet = self._framing.take(self._buffer)
            if packet is None:
                return
            yield packet

    def wrap(self, packet: bytes) -> bytes:
        """The bytes that carry this packet back, in the client's own transport."""
        return (self._framing or Full()).wrap(packet)


def _chosen(buffer: bytearray) -> Framing | None:
    if buffer[:1] == _ABRIDGED_TAG:
        del buffer[:1]
        return Abridged()
    if len(buffer) < _TAG_BYTES:
        return None
    if buffer[:_TAG_BYTES] == INTERMEDIATE_TAG:
        del buffer[:_TAG_BYTES]
        return Intermediate()
    return Full()


def _cut(buffer: bytearray, head: int, length: int) -> bytes | None:
    _check_length(length, 4)
    if len(buffer) < head + length:
        return None
    packet = bytes(buffer[head : head + length])
    del buffer[: head + length]
    return packet


def _check_length(length: int, least: int) -> None:
    if not least <= length <= MAX_PACKET_BYTES:
        raise ProtocolError(f"a packet of {length} bytes")
