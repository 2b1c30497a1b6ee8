"""What nobody foresaw: counted, logged where it happened, answered with a plain 500.

Outside of all handlers, so that nothing passes on to the server's own log: an error's text may hold people's
data.
"""

import traceback

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem, route

_log = structlog.get_logger("error")


class LastResort:
    """Answers every unforeseen error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def noticing(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except Exception as error:
            trace = "".join(traceback.format_tb(error.__traceback__))
            scope["app"].state.unforeseen()
            _log.error("unforeseen", error=type(error).__name__, path=route(Request(scope)), trace=trace)
            if began:  # a half answer must not look like a whole one: the connection has to break
                raise ConnectionAbortedError("the answer could not be finished") from None
            await problem("internal", "Our operators are told. Try again later.")(scope, receive, send)
