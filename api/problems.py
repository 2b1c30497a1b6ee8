"""Every error as application/problem+json (RFC 9457), with a stable type; never a secret or a trace."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.auth import RoleMissing, Unauthenticated
from domain.audience import FileError, TooManyRows
from domain.errors import Error, Forbidden, Invalid, NotFound, TooMany, Unavailable
from domain.signatures import NotGenuine
from storage.neighbours import TokenRefused

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds, as a header: when to try again what was unavailable."""

_log = structlog.get_logger("error")


class FieldError(BaseModel):
    """One value that cannot be accepted."""

    field: str = Field(examples=["message.texts.0"], description="where it stands in the request")
    message: str = Field(examples=["It is longer than 4096 characters."])


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(examples=["urn:invite-service:problem:invalid"], description="stable; to be matched on")
    title: str = Field(examples=["A value cannot be accepted"])
    status: int = Field(examples=[422])
    detail: str = Field("", examples=["It is longer than 4096 characters."])
    errors: list[FieldError] = Field([], description="the values that are wrong, where it is about values")


_TITLES = {
    "bad-request": (400, "The request cannot be read"),
    "unauthenticated": (401, "A valid token is needed"),
    "not-genuine": (401, "A valid signature is needed"),
    "no-role": (403, "The token gives no right to this"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This cannot be done here"),
    "timeout": (408, "The request took too long to arrive"),
    "forbidden-now": (409, "The present state does not allow it"),
    "too-large": (413, "It is too large"),
    "unsupported-media-type": (415, "The body is of another type than expected"),
    "invalid": (422, "A value cannot be accepted"),
    "bad-file": (422, "The file cannot be read"),
    "too-many": (429, "Too many for now"),
    "internal": (500, "An error of ours"),
    "unavailable": (503, "Something we need is not available"),
}
_BY_STATUS = {
    400: "bad-request",
    401: "unauthenticated",
    403: "no-role",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    409: "forbidden-now",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many",
    503: "unavailable",
}
BODY_PROBLEMS = ("bad-request", "timeout", "too-large")
"""What may be wrong with any request that has a body (`api.bodies`)."""
_ERRORS: tuple[tuple[type[Error], str], ...] = (  # the first that fits
    (Unauthenticated, "unauthenticated"),
    (NotGenuine, "not-genuine"),
    (RoleMissing, "no-role"),
    (TokenRefused, "no-role"),
    (NotFound, "not-found"),
    (TooManyRows, "too-large"),
    (FileError, "bad-file"),
    (Invalid, "invalid"),
    (Forbidden, "forbidden-now"),
    (TooMany, "too-many"),
    (Unavailable, "unavailable"),
)


def responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """A route's documented errors; 401, 403, 429 and 503 belong to every route, `BODY_PROBLEMS` to all with a body."""
    documented: dict[int | str, dict[str, Any]] = {}
    for kind in ("unauthenticated", "no-role", *kinds, "too-many", "unavailable"):
        status, title = _TITLES[kind]
        example = {"type": _urn(kind), "title": title, "status": status, "detail": "…", "errors": []}
        content = documented.setdefault(status, {"description": title, "content": {MEDIA_TYPE: {"examples": {}}}})
        content["content"][MEDIA_TYPE]["schema"] = {"$ref": "#/components/schemas/Problem"}
        content["content"][MEDIA_TYPE]["examples"][kind] = {"value": example}
    return documented


def problem(
    kind: str,
    detail: str = "",
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for a kind of problem."""
    status, title = _TITLES[kind]
    body = Problem(type=_urn(kind), title=title, status=status, detail=detail, errors=errors or [])
    more = dict(headers or {})
    if status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if status == 503:
        more["Retry-After"] = RETRY_AFTER
    return JSONResponse(body.model_dump(), status, more, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error that is named go through here; what nobody foresaw is `api.last_resort`'s."""
    app.add_exception_handler(Error, _on_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_values)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    for kind_of, kind in _ERRORS:
        if isinstance(error, kind_of):
            return _told(request, kind, error)
    raise error


def _told(request: Request, kind: str, error: Error) -> JSONResponse:
    if isinstance(error, Unavailable):
        _log.warning("unavailable", what=error.what, path=route(request))
        return problem(kind, f"{_sentence(error.what)} is not available at the moment.")
    if isinstance(error, NotFound):
        return problem(kind, f"There is no such {error.what}.")
    if isinstance(error, TooMany):
        return problem(kind, str(error), headers={"Retry-After": str(math.ceil(error.again_in.total_seconds()))})
    detail = str(error)
    return problem(kind, detail, [FieldError(field=error.field, message=detail)] if isinstance(error, Invalid) else [])


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    kind = _BY_STATUS.get(error.status_code, "bad-request" if error.status_code < 500 else "internal")
    own_words = error.detail != HTTPStatus(error.status_code).phrase
    return problem(kind, error.detail if own_words else "", headers=error.headers)


async def _on_bad_values(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [FieldError(field=_field(each), message=_message(each)) for each in error.errors()[:50]]
    detail = "; ".join(f"{each.field}: {each.message}" for each in errors[:5])
    return problem("invalid", detail, errors)


def _field(error: Mapping[str, Any]) -> str:
    """`("body", "message", "texts", 0)` is `message.texts.0`. A key that the caller made up is cut short."""
    location = error["loc"]
    if error["type"] == "json_invalid":
        return "body"
    if len(location) > 1 and location[0] in ("body", "query", "path", "header"):
        location = location[1:]
    return ".".join(str(each) for each in location if each != "[key]")[:100].encode("utf-8", "replace").decode()


def _message(error: Mapping[str, Any]) -> str:
    """pydantic's message, which tells what was expected; where it would repeat a value, ours."""
    if error["type"] == "json_invalid":
        return "This is not valid JSON."
    if error["type"].startswith("uuid"):
        return "This is not a valid id (UUID)."
    message: str = error["msg"].removeprefix("Value error, ")
    return message[:300]


def route(request: Request) -> str:
    """The route's pattern, without what the caller wrote into it."""
    return str(getattr(request.scope.get("route"), "path", "unknown"))


def _urn(kind: str) -> str:
    return f"urn:invite-service:problem:{kind}"
