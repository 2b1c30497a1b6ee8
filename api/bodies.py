"""Bounds on what a request may carry, kept while it streams in: too much answers 413 before it is stored, and a body
that does not come, or comes byte by byte, answers 408."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

JSON_LIMIT = 1024 * 1024
"""Bytes of any body but an upload."""
SLOWEST = 8 * 1024
"""Bytes a second that a body must come with on the whole, beside one pause."""


class BodyLimit:
    """Counts the bytes of a body. `exceptions`: other bounds, by path. `pause`: between two pieces of it, at most."""

    def __init__(self, app: ASGIApp, default: int, exceptions: Mapping[str, int], pause: timedelta) -> None:
        self._app = app
        self._default = default
        self._exceptions = exceptions
        self._pause = pause.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._exceptions.get(scope["path"], self._default)
        if _announced(scope) > most:
            await problem("too-large", _words(most))(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most, self._pause).receive, send)


class _Counted:
    def __init__(self, receive: Receive, most: int, pause: float) -> None:
        self._receive = receive
        self._most = most
        self._pause = pause
        self._got = 0
        self._whole = False
        self._waited = 0.0

    async def receive(self) -> Message:
        if self._whole:  # what is waited for now is the client's leaving
            return await self._receive()
        began = time.monotonic()
        left = self._pause + self._got / SLOWEST - self._waited
        try:
            async with asyncio.timeout(min(self._pause, left)):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"The body did not come within {self._pause:g} s, or too slowly.") from None
        self._waited += time.monotonic() - began  # what we do with it in between is not the client's fault
        self._whole = not message.get("more_body", False)
        self._got += len(message.get("body", b""))
        if self._got > self._most:
            raise HTTPException(413, _words(self._most))
        return message


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value[:20]) if value.isdigit() else 0
    return 0


def _words(most: int) -> str:
    return f"The request may be {most} bytes long at most."
