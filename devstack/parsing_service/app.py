"""parsing-service over HTTP: the contract that invite-service relies on, and administration."""

import asyncio
import csv
import io
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from devstack.integration_service import auth, problems

DESCRIPTION = """
Stands in for the real parsing-service: it gives out lists of people page by page.

**Tokens** are those of integration-service's stand-in. `PUT /parsed_data/{id}` and `PUT /fault` take the admin token.
"""
COLUMNS = ("user_id", "username", "phone", "first_name", "last_name", "seen_by_account_id")
HANGS_S = 3600
DataId = Annotated[str, InPath(alias="id", pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class Data(BaseModel):
    """A list of people, and whose it is. `written`: how it is given out."""

    model_config = ConfigDict(extra="forbid")

    owner: str = Field(examples=["demo-owner"])
    platform: str = Field("telegram", examples=["telegram"])
    items: list[dict[str, Any]] = Field(examples=[[{"user_id": 5000, "username": "person_000"}]])
    written: Literal["json", "csv"] = "json"


class Fault(BaseModel):
    """What goes wrong with the next `times` pages: an error 503, no answer, or half of one."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["fail", "hang", "cut"]
    times: int = Field(1, ge=0, le=1_000_000)


def build(folder: Path, jwt_secret: str, admin_token: str) -> FastAPI:
    """Return the application over a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    app = FastAPI(title="parsing-service (devstack)", version="1.0.0", description=DESCRIPTION)
    problems.install(app)
    faults: list[str] = []
    only_admin = [Depends(auth.administrator_from(admin_token))]

    @app.get("/livez", tags=["health"], summary="Is it up?")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/parsed_data/{id}", tags=["contract"], summary="A page of people")
    async def page(
        data_id: DataId,
        caller: Annotated[auth.Caller, Depends(auth.caller_from(jwt_secret))],
        cursor: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> Response:
        data = _read(folder, data_id)
        if data is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there are no such data")
        caller.must_own(data.owner)
        fault = faults.pop() if faults else ""
        if fault == "fail":
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "told to fail")
        if fault == "hang":
            await asyncio.sleep(HANGS_S)
        answer = _page(data_id, data, cursor, limit)
        return (
            Response(answer.body[: len(answer.body) // 2], media_type=answer.media_type) if fault == "cut" else answer
        )

    @app.put("/parsed_data/{id}", tags=["administration"], status_code=HTTPStatus.NO_CONTENT, dependencies=only_admin)
    async def put(data_id: DataId, data: Data) -> Response:
        _file(folder, data_id).write_text(data.model_dump_json())
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.put("/fault", tags=["administration"], status_code=HTTPStatus.NO_CONTENT, dependencies=only_admin)
    async def put_fault(fault: Fault) -> Response:
        faults[:] = [fault.kind] * fault.times
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return app


def _file(folder: Path, data_id: str) -> Path:
    return folder / f"{data_id}.json"


def _read(folder: Path, data_id: str) -> Data | None:
    path = _file(folder, data_id)
    return Data.model_validate_json(path.read_bytes()) if path.exists() else None


def _page(data_id: str, data: Data, cursor: int, limit: int) -> Response:
    items, end = data.items[cursor : cursor + limit], cursor + limit
    next_cursor = str(end) if end < len(data.items) else None
    if data.written == "csv":
        headers = {"X-Platform": data.platform, "X-Total": str(len(data.items))}
        if next_cursor is not None:
            headers["X-Next-Cursor"] = next_cursor
        return Response(_csv(items), headers=headers, media_type="text/csv")
    body = {"id": data_id, "platform": data.platform, "total": len(data.items), "items": items}
    return Response(json.dumps(body | {"next_cursor": next_cursor}), media_type="application/json")


def _csv(items: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(items)
    return text.getvalue()
