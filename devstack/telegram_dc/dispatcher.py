"""One request of one account: what faults say to it, what it answers, and the journal's line about it."""

import struct
from dataclasses import dataclass
from random import Random
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.faults import Call, Faults, held_against, inflict
from devstack.telegram_dc.journal import Journal, Request
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.methods.registry import METHODS
from devstack.telegram_dc.requests import Unwrapped
from devstack.telegram_dc.scenario import Fault, Latency
from devstack.telegram_dc.world import AccountState, World

_BOOL_TRUE = struct.pack("<I", 0x997275B5)
_BOOL_FALSE = struct.pack("<I", 0xBC799737)
_VECTOR = 0x1CB5C415


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: a result or an error after `delay` seconds, nothing at all, or the connection's end."""

    body: bytes | None
    delay: float = 0.0
    cut: bool = False


class Dispatcher:
    """Answers requests. It knows no sockets."""

    def __init__(self, world: World, journal: Journal, faults: list[Fault], latency: Latency | None = None) -> None:
        self.faults = Faults(faults)
        self._world = world
        self._journal = journal
        self._latency = latency or Latency()
        self._random = Random(world.seed)

    def answer(self, account: str, connection: int, wrapped: Unwrapped) -> Reply:
        """Handle one request of this account."""
        state = self._world.accounts[account]
        call = Call(account, wrapped.method, wrapped.connecting)
        now = self._world.now()
        error = held_against(state, call, now)
        fault = None if error else self.faults.striking(call)
        if fault is not None:
            error = inflict(fault, state, now)
        if error is not None:
            return self.refuse(account, connection, wrapped.method, error)
        if fault is not None and fault.kind in ("drop_before", "silence"):
            self._note(account, connection, wrapped.method, fault.kind, answered=False)
            return Reply(None, cut=fault.kind == "drop_before")
        return self._executed(state, connection, wrapped, fault)

    def refuse(self, account: str, connection: int, method: str, error: RpcError) -> Reply:
        """Answer with this error."""
        self._note(account, connection, method, error.name)
        return Reply(_error(error), self.latency())

    def note(self, account: str, connection: int, method: str) -> None:
        """Note a service request, which has no outcome but 'ok'."""
        self._note(account, connection, method, "ok")

    def latency(self) -> float:
        """For how many seconds the next answer is held back."""
        return self._random.uniform(self._latency.low, self._latency.high)

    def _executed(self, state: AccountState, connection: int, wrapped: Unwrapped, fault: Fault | None) -> Reply:
        cut = fault is not None and fault.kind == "drop_after"
        try:
            body, outcome = serialized(self._result(state, wrapped)), "ok"
        except RpcError as error:
            body, outcome = _error(error), error.name
        self._note(state.name, connection, wrapped.method, outcome, answered=not cut)
        if cut:
            return Reply(None, cut=True)
        held = fault.seconds if fault is not None and fault.kind == "delay" else 0.0
        return Reply(body, held + self.latency())

    def _result(self, state: AccountState, wrapped: Unwrapped) -> Answer:
        if wrapped.api_id not in (None, state.account.api_id):
            raise RpcError(400, "API_ID_INVALID")
        method = METHODS.get(type(wrapped.request))
        if method is None:
            raise RpcError(400, "API_METHOD_UNKNOWN")
        return method(Context(state, self._world, self._world.now(), self._world.happen), wrapped.request)

    def _note(self, account: str, connection: int, method: str, outcome: str, answered: bool = True) -> None:
        self._journal.add(Request(self._world.now(), account, method, outcome, connection, answered))


def serialized(answer: Any) -> bytes:
    """A method's answer as TL bytes."""
    if isinstance(answer, bool):
        return _BOOL_TRUE if answer else _BOOL_FALSE
    if isinstance(answer, list):
        return struct.pack("<Ii", _VECTOR, len(answer)) + b"".join(map(bytes, answer))
    return bytes(answer)


def _error(error: RpcError) -> bytes:
    return bytes(types.RpcError(error.code, error.name))
