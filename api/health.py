"""`/livez` and `/readyz`: for those who run the service."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.dependencies import With
from api.problems import MEDIA_TYPE
from domain.errors import Unavailable

router = APIRouter(tags=["health"])

_PATIENCE_S = 3.0
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "Something it needs is not available",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


class Health(BaseModel):
    """All is well."""

    status: str = "ok"


@router.get("/livez", summary="Is the process alive")
async def livez() -> Health:
    """It answers."""
    return Health()


@router.get("/readyz", responses=_NOT_READY, summary="Can it serve")
async def readyz(request: Request, found: With) -> Health:
    """The database answers, and the process is not about to end. Temporal need not: commands are stored, and delivered
    when it is back."""
    if request.app.state.leaving:
        raise Unavailable("this process")
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await found.database.ping()
    except TimeoutError:
        raise Unavailable("the database") from None
    return Health()
