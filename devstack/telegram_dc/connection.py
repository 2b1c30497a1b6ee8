"""One TCP connection: packets in, messages handled in order, answers out."""

import asyncio
import struct
from typing import Any, cast

from telethon.crypto import AuthKey
from telethon.tl import functions, types
from telethon.tl.core import RpcResult

from devstack.telegram_dc import envelope
from devstack.telegram_dc.dispatcher import Dispatcher
from devstack.telegram_dc.envelope import Answer, Message, Packet, Sealer
from devstack.telegram_dc.errors import ProtocolError, RpcError
from devstack.telegram_dc.framing import Incoming
from devstack.telegram_dc.gate import Gate, salt_of
from devstack.telegram_dc.requests import method_name, parsed, unwrapped

_UNKNOWN_KEY = struct.pack("<i", -404)
_WRONG_SALT = 48
_SILENT = (types.MsgsAck, types.MsgsStateReq, types.MsgResendReq, types.MsgsAllInfo)
_SERVICE = (
    functions.PingRequest,
    functions.PingDelayDisconnectRequest,
    functions.GetFutureSaltsRequest,
    functions.DestroySessionRequest,
)


class Connection(asyncio.Protocol):
    """A client's connection, from its first byte to its last."""

    def __init__(self, number: int, gate: Gate, dispatcher: Dispatcher) -> None:
        self.account: str | None = None
        self._number = number
        self._gate = gate
        self._dispatcher = dispatcher
        self._incoming = Incoming()
        self._outgoing: list[Answer] = []
        self._open = False
        self._second = False
        self._key: AuthKey | None = None
        self._sealer: Sealer | None = None
        self._watchdog: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the client is here."""
        self._transport = cast(asyncio.Transport, transport)
        self._open = True
        self._gate.arrive(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came in."""
        try:
            for packet in self._incoming.feed(data):
                self._take(packet)
        except ProtocolError:
            self.cut()
        self._flush()

    def eof_received(self) -> None:
        """asyncio: the client said goodbye; its key is free at once."""
        self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self._farewell()

    def cut(self, *, at_once: bool = False) -> None:
        """End the connection: after what was answered already, or at once."""
        if not self._open:
            return
        self._flush()
        self._farewell()
        if at_once:
            self._transport.abort()
        else:
            self._transport.close()

    def _farewell(self) -> None:
        self._open = False
        self._gate.leave(self)
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _take(self, raw: bytes) -> None:
        if not self._open:
            return
        if self._key is None and not self._identify(envelope.key_id(raw)):
            self._transport.write(self._incoming.wrap(_UNKNOWN_KEY))
            self.cut()
        elif self._key is not None:
            packet = envelope.opened(self._key, raw)
            if self._accepts(self._key, packet):
                self._handle_all(packet)

    def _identify(self, key_id: int) -> bool:
        known = self._gate.key(key_id)
        if known is None:
            return False
        self.account, self._key = known
        self._second = self._gate.is_second(self)
        return True

    def _accepts(self, key: AuthKey, packet: Packet) -> bool:
        salt = salt_of(key)
        if self._sealer is None or self._sealer.session_id != packet.session_id:
            self._sealer = Sealer(key, salt, packet.session_id)
            self._say(types.NewSessionCreated(packet.outer.msg_id, packet.session_id, salt), related=True)
        if packet.salt == salt:
            return True
        self._say(types.BadServerSalt(packet.outer.msg_id, packet.outer.seq_no, _WRONG_SALT, salt))
        return False

    def _handle_all(self, packet: Packet) -> None:
        for message in packet.messages():
            if not self._open:
                return
            self._handle(message)

    def _handle(self, message: Message) -> None:
        request = parsed(message.body)
        if isinstance(request, _SILENT):
            return
        if isinstance(request, _SERVICE):
            self._serve(message, request)
        else:
            self._execute(message, request)

    def _serve(self, message: Message, request: Any) -> None:
        """Service requests are answered bare, not in an rpc_result."""
        if isinstance(request, functions.PingDelayDisconnectRequest):
            self._disconnect_in(request.disconnect_delay)
        self._dispatcher.note(self.account or "", self._number, method_name(type(request)))
        self._answer(bytes(_service_answer(message, request)), self._dispatcher.latency())

    def _execute(self, message: Message, request: Any) -> None:
        wrapped, account = unwrapped(request), self.account or ""
        if self._second:
            error = RpcError(406, "AUTH_KEY_DUPLICATED")
            reply = self._dispatcher.refuse(account, self._number, wrapped.method, error)
        else:
            reply = self._dispatcher.answer(account, self._number, wrapped)
        if reply.body is not None:
            head = struct.pack("<Iq", RpcResult.CONSTRUCTOR_ID, message.msg_id)
            self._answer(head + envelope.compressed(reply.body), reply.delay)
        if reply.cut:
            self.cut()

    def _disconnect_in(self, seconds: float) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = asyncio.get_running_loop().call_later(seconds, self.cut)

    def _answer(self, body: bytes, delay: float) -> None:
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._send, [Answer(body)])
        else:
            self._outgoing.append(Answer(body))

    def _say(self, notice: Any, related: bool = False) -> None:
        self._outgoing.append(Answer(bytes(notice), related, reply=False))

    def _flush(self) -> None:
        waiting, self._outgoing = self._outgoing, []
        for start in range(0, len(waiting), envelope.MAX_CONTAINER_MESSAGES):
            self._send(waiting[start : start + envelope.MAX_CONTAINER_MESSAGES])

    def _send(self, answers: list[Answer]) -> None:
        if self._open and self._sealer is not None:
            self._transport.write(self._incoming.wrap(self._sealer.seal(answers)))


def _service_answer(message: Message, request: Any) -> Any:
    if isinstance(request, functions.DestroySessionRequest):
        return types.DestroySessionNone(request.session_id)
    if isinstance(request, functions.GetFutureSaltsRequest):
        return types.FutureSalts(message.msg_id, now=None, salts=[])
    return types.Pong(message.msg_id, request.ping_id)
