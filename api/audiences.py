"""`/audiences`: uploads, and what became of them."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from adapters.registry import platform
from api.audience_form import OPENAPI, PART_BYTES, read_form
from api.dependencies import Asked, Now, Services, With, patiently
from api.problems import responses
from api.schemas.audiences import (
    AudienceOut,
    AudiencesOut,
    DeletedOut,
    DroppedOut,
    DroppedPageOut,
    ImportIn,
    PreviewOut,
    UploadedOut,
)
from api.streams import dropped_table
from domain.audience import DroppedLine
from domain.audit import Event
from domain.errors import Unavailable
from storage.audiences import StoredAudience
from storage.files.sources import Source
from workflows.tracing import to_the_end

router = APIRouter(prefix="/audiences", tags=["audiences"])

_DROPPED_SHOWN = 100
_PAGE = 5_000
_PREVIEWED: dict[int | str, dict[str, Any]] = {
    200: {"model": PreviewOut, "description": "With `preview=true`: what would be stored; nothing is"}
}
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page as JSON; or all of them as CSV",
        "content": {"text/csv": {"example": "line,content,reason,text_en,text_ru,same_as\r\n17,anna k;;,not_a_name,…"}},
    }
}


class DroppedFormat(StrEnum):
    """How dropped lines are written."""

    JSON = "json"
    CSV = "csv"


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=UploadedOut,
    responses={**_PREVIEWED, **responses("bad-file", "invalid")},
    openapi_extra=OPENAPI,
    summary="Upload a list of people, or look at what would become of it",
)
async def upload(
    request: Request,
    asked: Asked,
    found: With,
    now: Now,
    preview: Annotated[
        bool, Query(description="tell what was found out and the first rows as they would be stored; store nothing")
    ] = False,
) -> UploadedOut | Response:
    """Read, clean and store a list: format, encoding, delimiter, header and columns are found out unless given.

    A person given twice, under one identifier or under several, is stored once, with all that the lines say. Whatever
    is not taken is kept with its line and the reason: `GET /audiences/{id}/dropped`.
    """
    # Read here and not by a parameter: that would be read before the token is looked at.
    async with request.form(max_files=1, max_fields=10, max_part_size=PART_BYTES) as form:
        sent = read_form(form)
        source = await asyncio.to_thread(Source, sent.file, sent.overrides, found.settings.file_limits)
        try:
            if preview:
                looked = await found.audiences.preview(asked.owner, source.lines(), found.settings.max_rows)
                told = PreviewOut.of(sent.name, looked, source.detected)
                return Response(told.model_dump_json(), media_type="application/json")
            act = asked.act(Event.AUDIENCE_UPLOADED, now)
            stored = await found.audiences.store(
                asked.owner, sent.name, source.lines(), now, found.settings.max_rows, act
            )
        finally:
            source.close()
    return await _uploaded(found, asked.owner, stored, source)


@router.post(
    "/import",
    status_code=status.HTTP_202_ACCEPTED,
    responses=responses("invalid"),
    summary="Import a list from parsing-service",
)
async def import_parsed(body: ImportIn, response: Response, asked: Asked, found: With, now: Now) -> AudienceOut:
    """Begin to make an audience of what parsing-service has gathered; it is cleaned as files are.

    It goes on by itself, also after parsing-service was away: `GET /audiences/{id}` (the `Location`) tells how far
    it is.
    """
    if body.platform is not None:
        platform(body.platform)
    name = body.name or body.parsed_data_id
    act = asked.act(Event.AUDIENCE_IMPORT_STARTED, now)
    audience_id = await found.imports.begin(asked.owner, name, body.parsed_data_id, body.platform, now, act)
    try:
        async with patiently(found.settings.temporal_timeout):
            with to_the_end():
                await found.control.start_import(asked.owner, audience_id)
    except Unavailable as error:  # it is stored: the reconciler starts it later
        structlog.get_logger("execution").warning("import_not_started", audience_id=str(audience_id), what=error.what)
    response.headers["Location"] = f"/audiences/{audience_id}"
    return AudienceOut.of(await found.audiences.get(asked.owner, audience_id))


@router.get("", responses=responses("invalid"), summary="The audiences")
async def audiences(
    asked: Asked,
    found: With,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[AwareDatetime | None, Query(description="`next` of the page before")] = None,
) -> AudiencesOut:
    """Your audiences, newest first."""
    items = await found.audiences.list(asked.owner, limit, before)
    end = items[-1].created_at if len(items) == limit else None
    return AudiencesOut(items=[AudienceOut.of(each) for each in items], next=end)


@router.get("/{audience_id}", responses=responses("not-found", "invalid"), summary="One audience")
async def audience(audience_id: UUID, asked: Asked, found: With) -> AudienceOut:
    """One audience in numbers."""
    return AudienceOut.of(await found.audiences.get(asked.owner, audience_id))


@router.get(
    "/{audience_id}/dropped",
    response_model=DroppedPageOut,
    responses={**_TABLE, **responses("not-found", "invalid")},
    summary="Lines that were not taken",
)
async def dropped(
    audience_id: UUID,
    asked: Asked,
    found: With,
    after: Annotated[int, Query(ge=0, lt=2**31, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 500,
    written: Annotated[
        DroppedFormat,
        Query(
            alias="format", description="CSV: all lines behind `after` to the end, in UTF-8 with BOM, as Excel reads it"
        ),
    ] = DroppedFormat.JSON,
) -> DroppedPageOut | Response:
    """The lines of the file that were not taken, each with the reason, in their order."""
    if written is DroppedFormat.CSV:
        await found.audiences.get(asked.owner, audience_id)  # what is not there must be told before the first byte
        headers = {
            "Content-Disposition": f'attachment; filename="dropped-{audience_id}.csv"',
            "X-Content-Type-Options": "nosniff",
        }
        table = dropped_table(_pages(found, asked.owner, audience_id, after))
        return StreamingResponse(table, media_type="text/csv; charset=utf-8", headers=headers)
    lines = await found.audiences.dropped(asked.owner, audience_id, after, limit)
    end = lines[-1].line if len(lines) == limit else None
    return DroppedPageOut(items=[DroppedOut.of(each) for each in lines], next=end)


@router.delete("/{audience_id}", responses=responses("not-found", "invalid"), summary="Delete an audience")
async def delete(audience_id: UUID, asked: Asked, found: With, now: Now) -> DeletedOut:
    """Forget an audience: its people, and the lines that were not taken.

    One that is being imported is forgotten too: its import ends. Campaigns made of it have copies of their people: they
    go on, and are named in the answer.
    """
    campaigns = await found.audiences.delete(asked.owner, audience_id, asked.act(Event.AUDIENCE_DELETED, now))
    return DeletedOut(id=audience_id, campaigns=list(campaigns))


async def _pages(found: Services, owner: str, audience_id: UUID, after: int) -> AsyncIterator[list[DroppedLine]]:
    while lines := await found.audiences.dropped(owner, audience_id, after, _PAGE):
        yield list(lines)
        after = lines[-1].line


async def _uploaded(found: Services, owner: str, stored: StoredAudience, source: Source) -> UploadedOut:
    lines = await found.audiences.dropped(owner, stored.id, 0, _DROPPED_SHOWN) if stored.dropped else []
    return UploadedOut.made(stored, source.detected, [DroppedOut.of(line) for line in lines])
