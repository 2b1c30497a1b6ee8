"""A span for each request, named by its route's pattern: never by what the caller wrote into it."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from api.context import request_id
from api.dependencies import named
from api.problems import route

_UNTRACED = frozenset({"/livez", "/readyz"})
"""Machines ask these all the time."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_tracer = trace.get_tracer("invite-service")


class Traced:
    """Begins a trace for each request. A caller's own is not gone on with: nobody outside decides what we tell."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        with _tracer.start_as_current_span(method, Context(), SpanKind.SERVER) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, noting)
            finally:
                request = Request(scope)
                pattern = route(request)
                span.update_name(f"{method} {pattern}")
                span.set_attributes({"http.request.method": method, "http.route": pattern})
                span.set_attributes({"request_id": request_id(scope), "owner": get_contextvars().get("owner", "")})
                span.set_attributes(named(request))
