"""Bounds on what a request may carry, kept while it streams in: too much answers 413 before it is stored."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

JSON_LIMIT = 1024 * 1024
"""Bytes of any body but an upload."""


class BodyLimit:
    """Counts the bytes of a body. `exceptions`: other bounds, by path."""

    def __init__(self, app: ASGIApp, default: int, exceptions: Mapping[str, int]) -> None:
        self._app = app
        self._default = default
        self._exceptions = exceptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._exceptions.get(scope["path"], self._default)
        if _announced(scope) > most:
            await problem("too-large", _words(most))(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most).receive, send)


class _Counted:
    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._got = 0

    async def receive(self) -> Message:
        message = await self._receive()
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
