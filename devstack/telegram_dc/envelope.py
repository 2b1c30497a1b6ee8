"""MTProto 2.0 envelopes as the server sees them: open, take containers apart, number and seal answers."""

import gzip
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from telethon.crypto import AES, AuthKey
from telethon.network.mtprotostate import MTProtoState
from telethon.tl.core import GzipPacked, MessageContainer

from devstack.telegram_dc.errors import ProtocolError

MAX_CONTAINER_MESSAGES = 100
_HEADER = struct.Struct("<qqqii")
_MESSAGE = struct.Struct("<qii")
_CLIENT_KEY_PART = slice(88, 120)
_SERVER_KEY_PART = slice(96, 128)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client: a request or a service message, as bytes."""

    msg_id: int
    seq_no: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """What one encrypted packet held; `outer` is the container, or the one message itself."""

    salt: int
    session_id: int
    outer: Message

    def messages(self) -> Iterator[Message]:
        """The messages in it, containers and compression taken apart."""
        return _unpacked(self.outer)


@dataclass(frozen=True, slots=True)
class Answer:
    """One message to the client. `related`: it wants an acknowledgement; `reply`: it answers a request."""

    body: bytes
    related: bool = True
    reply: bool = True


def key_id(packet: bytes) -> int:
    """Which key the packet was encrypted with; 0 means none."""
    return int.from_bytes(packet[:8], "little")


def opened(auth_key: AuthKey, packet: bytes) -> Packet:
    """The packet decrypted and checked. ProtocolError if it was tampered with."""
    if len(packet) < 24 or (len(packet) - 24) % 16:
        raise ProtocolError("not an encrypted packet")
    msg_key = packet[8:24]
    aes_key, aes_iv = MTProtoState._calc_key(auth_key.key, msg_key, True)
    plain: bytes = AES.decrypt_ige(packet[24:], aes_key, aes_iv)
    if sha256(auth_key.key[_CLIENT_KEY_PART] + plain).digest()[8:24] != msg_key:
        raise ProtocolError("wrong message key")
    salt, session_id, msg_id, seq_no, length = _HEADER.unpack_from(plain)
    body = plain[_HEADER.size : _HEADER.size + length]
    if len(body) != length:
        raise ProtocolError("a message longer than its packet")
    return Packet(salt, session_id, Message(msg_id, seq_no, body))


def compressed(body: bytes, above: int = 4096) -> bytes:
    """The same object, gzipped if it is large."""
    return bytes(GzipPacked(body)) if len(body) > above else body


class Sealer:
    """Numbers and encrypts what goes to one client session."""

    def __init__(self, auth_key: AuthKey, salt: int, session_id: int) -> None:
        self.session_id = session_id
        self._auth_key = auth_key
        self._head = struct.pack("<qq", salt, session_id)
        self._last_time = 0
        self._related = 0

    def seal(self, answers: list[Answer]) -> bytes:
        """One packet with these answers."""
        parts = [self._message(answer) for answer in answers]
        if len(parts) > 1:
            container = struct.pack("<Ii", MessageContainer.CONSTRUCTOR_ID, len(parts)) + b"".join(parts)
            parts = [self._message(Answer(container, related=False, reply=False))]
        return self._encrypted(self._head + parts[0])

    def _message(self, answer: Answer) -> bytes:
        seq_no = self._related * 2 + answer.related
        self._related += answer.related
        return _MESSAGE.pack(self._msg_id(answer.reply), seq_no, len(answer.body)) + answer.body

    def _msg_id(self, reply: bool) -> int:
        # Unix time * 2^32; the two lowest bits are 01 for an answer and 11 for anything else.
        self._last_time = max(self._last_time + 4, int(time.time() * (1 << 32)) & ~3)
        return self._last_time + (1 if reply else 3)

    def _encrypted(self, plain: bytes) -> bytes:
        plain += os.urandom(-(len(plain) + 12) % 16 + 12)
        key = self._auth_key
        msg_key = sha256(key.key[_SERVER_KEY_PART] + plain).digest()[8:24]
        aes_key, aes_iv = MTProtoState._calc_key(key.key, msg_key, False)
        encrypted: bytes = AES.encrypt_ige(plain, aes_key, aes_iv)
        return struct.pack("<Q", key.key_id) + msg_key + encrypted


def _unpacked(message: Message) -> Iterator[Message]:
    constructor = int.from_bytes(message.body[:4], "little")
    if constructor == GzipPacked.CONSTRUCTOR_ID:
        yield from _unpacked(Message(message.msg_id, message.seq_no, _gunzipped(message.body)))
    elif constructor == MessageContainer.CONSTRUCTOR_ID:
        for inner in _contained(message.body):
            yield from _unpacked(inner)
    else:
        yield message


def _contained(body: bytes) -> Iterator[Message]:
    try:
        (count,) = struct.unpack_from("<i", body, 4)
        position = 8
        for _ in range(count):
            msg_id, seq_no, length = _MESSAGE.unpack_from(body, position)
            position += _MESSAGE.size
            yield Message(msg_id, seq_no, body[position : position + length])
            position += length
    except struct.error as failure:
        raise ProtocolError("a container that ends too early") from failure


def _gunzipped(body: bytes) -> bytes:
    # bytes as TL writes them: one byte of length, or 254 and three bytes
    head, length = (5, body[4]) if body[4] < 254 else (8, int.from_bytes(body[5:8], "little"))
    try:
        return gzip.decompress(body[head : head + length])
    except (OSError, EOFError) as failure:
        raise ProtocolError("not gzip") from failure
