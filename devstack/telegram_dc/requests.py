"""Requests as they come in: bytes into TL objects, wrappers taken off, and the name of what is left."""

import struct
from dataclasses import dataclass
from typing import Any

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from devstack.telegram_dc.errors import ProtocolError

_WRAPPERS = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeWithoutUpdatesRequest,
    functions.InvokeAfterMsgRequest,
    functions.InvokeAfterMsgsRequest,
)
_CONNECTING = frozenset({"help.GetConfig", "updates.GetState", "updates.GetDifference"})


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The request inside its wrappers, and the api_id if one of them introduced the client."""

    request: Any
    api_id: int | None

    @property
    def method(self) -> str:
        """Its name as Telegram's documentation has it, such as 'channels.InviteToChannel'."""
        return method_name(type(self.request))

    @property
    def connecting(self) -> bool:
        """Whether clients send it by themselves when they connect."""
        return self.method in _CONNECTING or _asks_for_self(self.request)


def parsed(body: bytes) -> Any:
    """The TL object; None if its constructor is not in this layer."""
    try:
        return BinaryReader(body).tgread_object()
    except TypeNotFoundError:
        return None
    except (struct.error, BufferError, ValueError, RuntimeError) as failure:
        raise ProtocolError("not a TL object") from failure


def unwrapped(request: Any) -> Unwrapped:
    """The request that is to be executed."""
    api_id = None
    while isinstance(request, _WRAPPERS):
        if isinstance(request, functions.InitConnectionRequest):
            api_id = request.api_id
        request = request.query
    return Unwrapped(request, api_id)


def method_name(request: type[Any]) -> str:
    """The documented name of a request class."""
    space = request.__module__.removeprefix("telethon.tl.functions").removeprefix(".")
    name = request.__name__.removesuffix("Request")
    return f"{space}.{name}" if space else name


def _asks_for_self(request: Any) -> bool:
    if not isinstance(request, functions.users.GetUsersRequest):
        return False
    return len(request.id) == 1 and isinstance(request.id[0], types.InputUserSelf)
