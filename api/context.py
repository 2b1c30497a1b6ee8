"""What every line that is logged during a request carries: the request's id; once the token is known, the owner and the
ids within the path (`api.dependencies.known`)."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

_HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContext:
    """Names each request: as the caller did in `X-Request-ID`, if that can be a name; the answer says how."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_HEADER, "")
        name = given if _GIVEN.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = name
        clear_contextvars()  # a connection's earlier request, where the server keeps its context
        bind_contextvars(request_id=name)

        async def naming(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_HEADER] = name
            await send(message)

        await self._app(scope, receive, naming)


def request_id(scope: Scope) -> str:
    """The request's name."""
    return str(scope.get("state", {}).get("request_id", ""))
