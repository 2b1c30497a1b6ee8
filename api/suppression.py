"""`/suppression` and `/people`: who must not be contacted, and who is to be forgotten."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, status

from api.audience_form import OPENAPI, PART_BYTES, read_form
from api.dependencies import Asked, Now, With
from api.identifiers import read, read_one
from api.problems import responses
from api.schemas.audiences import DroppedOut
from api.schemas.suppression import (
    ErasedOut,
    SuppressedOut,
    SuppressIn,
    SuppressionOut,
    SuppressionPageOut,
    Written,
)
from domain.audience import SHOWN, Contact, DroppedLine, DropReason, Line
from domain.audit import Event
from domain.suppression import Source as How
from storage.files.sources import Source
from storage.suppression import AT_ONCE

router = APIRouter(tags=["suppression"])

_DROPPED_SHOWN = 100


@router.get("/suppression", responses=responses("invalid"), summary="The do-not-contact list")
async def suppressed(
    asked: Asked,
    found: With,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    after: Annotated[str, Query(pattern="^([0-9a-f]{64})?$", description="`next` of the page before")] = "",
) -> SuppressionPageOut:
    """Who must not be contacted, by none of your campaigns; in no order that means anything."""
    entries = await found.suppression.page(asked.owner, bytes.fromhex(after), limit)
    end = entries[-1].digest.hex() if len(entries) == limit else None
    return SuppressionPageOut(items=[SuppressionOut.of(each) for each in entries], next=end)


@router.post("/suppression", responses=responses("invalid"), summary="Put people onto the list")
async def suppress(body: SuppressIn, asked: Asked, found: With, now: Now) -> SuppressedOut:
    """Have nobody of them contacted any more, by any campaign, from the next action on."""
    lines = [Line(number, text, read(text)) for number, text in enumerate(body.identifiers, start=1)]
    names = list(dict.fromkeys(_names(lines)))
    act = asked.act(Event.SUPPRESSED, now)
    added = await found.suppression.add(asked.owner, names, How.API, body.reason, now, act)
    dropped = _dropped(lines)
    shown = dropped[:_DROPPED_SHOWN]
    return SuppressedOut(added=added, known=len(names) - added, dropped_count=len(dropped), dropped=shown)


@router.post(
    "/suppression/upload",
    status_code=status.HTTP_200_OK,
    responses=responses("bad-file", "invalid"),
    openapi_extra=OPENAPI,
    summary="Put a file's people onto the list",
)
async def upload(request: Request, asked: Asked, found: With, now: Now) -> SuppressedOut:
    """Read a file as an audience is read, and put every identifier in it onto the list."""
    async with request.form(max_files=1, max_fields=10, max_part_size=PART_BYTES) as form:
        sent = read_form(form)
        source = await asyncio.to_thread(Source, sent.file, sent.overrides, found.settings.file_limits)
        try:
            lines = iter(source.lines())
            added = known = faults = 0
            shown: list[DroppedOut] = []
            while chunk := await asyncio.to_thread(lambda: list(islice(lines, AT_ONCE))):
                names = list(dict.fromkeys(_names(chunk)))
                new = await found.suppression.add(asked.owner, names, How.UPLOAD, sent.name, now)
                added, known = added + new, known + len(names) - new
                dropped = _dropped(chunk)
                faults += len(dropped)
                shown += dropped[: _DROPPED_SHOWN - len(shown)]
        finally:
            source.close()
    if added:  # each chunk was a transaction; one that was not kept here tells by itself that it came with a file
        await found.audit.record(asked.owner, asked.act(Event.SUPPRESSED, now), added=added)
    return SuppressedOut(added=added, known=known, dropped_count=faults, dropped=shown)


@router.delete(
    "/suppression/{identifier:path}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses("not-found", "forbidden-now", "invalid"),
    summary="Take somebody off the list",
)
async def allow(identifier: Annotated[Written, Path()], asked: Asked, found: With, now: Now) -> None:
    """Take one identifier off the list: campaigns that are made from now on may contact the person again.

    Whoever has opted out, or was erased, stays on it.
    """
    [name, *_] = read_one(identifier, "identifier").names
    await found.suppression.remove(asked.owner, name, asked.act(Event.ALLOWED_AGAIN, now))


@router.delete("/people/{identifier:path}", responses=responses("invalid"), summary="Erase a person")
async def erase(identifier: Annotated[Written, Path()], asked: Asked, found: With, now: Now) -> ErasedOut:
    """Forget a person everywhere: campaigns, audiences, dropped lines, what your accounts know of them.

    Numbers stay as they are. The person is never contacted again: a digest stays on the do-not-contact list, by which
    they are recognised and not named. Repeated, it finds nothing more.
    """
    [name, *_] = read_one(identifier, "identifier").names
    erased = await found.erasing.erase(asked.owner, name, now, asked.act(Event.ERASED, now))
    return ErasedOut.of(erased)


def _names(lines: list[Line]) -> Iterator[str]:
    for line in lines:
        if isinstance(line.found, Contact):
            yield from line.found.names


def _dropped(lines: list[Line]) -> list[DroppedOut]:
    return [
        DroppedOut.of(DroppedLine(line.number, line.content[:SHOWN], line.found))
        for line in lines
        if isinstance(line.found, DropReason)
    ]
