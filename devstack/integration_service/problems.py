"""Errors as application/problem+json."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from devstack.integration_service.schemas import FieldError, Problem

MEDIA_TYPE = "application/problem+json"


def answers(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe the error answers of an operation for the OpenAPI page."""
    return {
        int(status): {"model": Problem, "description": status.phrase, "content": {MEDIA_TYPE: {}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _problem(HTTPStatus(error.status_code), str(error.detail), headers=dict(error.headers or {}))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(field=".".join(map(str, one["loc"])), detail=one["msg"]) for one in jsonable_encoder(error.errors())
    ]
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not valid", errors)


def _problem(
    status: HTTPStatus,
    detail: str,
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    kind = f"/problems/{status.phrase.lower().replace(' ', '-')}"
    problem = Problem(type=kind, title=status.phrase, status=status, detail=detail, errors=errors or [])
    return JSONResponse(problem.model_dump(), status, headers, media_type=MEDIA_TYPE)
