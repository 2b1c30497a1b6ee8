"""What every answer tells a browser: not to guess, not to keep, not to frame, and to run nothing."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_PAGES = frozenset({"/docs", "/docs/oauth2-redirect"})
"""The API's description for people, which FastAPI has load its scripts from elsewhere."""
_DOCS = (
    "default-src 'none'; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "img-src data: https://cdn.jsdelivr.net https://fastapi.tiangolo.com; "
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'"
)


class SecurityHeaders:
    """Adds the headers to every answer. `strict_transport`: tells browsers to come by TLS only, for a year."""

    def __init__(self, app: ASGIApp, strict_transport: bool) -> None:
        self._app = app
        self._more = {"Strict-Transport-Security": "max-age=31536000"} if strict_transport else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS | self._more)
                headers.setdefault("Cache-Control", "no-store")
                headers["Content-Security-Policy"] = _DOCS if scope["path"] in _PAGES else _NOTHING
            await send(message)

        await self._app(scope, receive, marked)
