"""`/audiences`: uploads, and what became of them."""

import asyncio
import json
from typing import Annotated, Any, BinaryIO
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, status
from pydantic import AwareDatetime
from starlette.datastructures import FormData, UploadFile

from api.dependencies import Asked, Now, Services, With
from api.problems import responses
from api.schemas.audiences import AudienceOut, AudiencesOut, DroppedOut, DroppedPageOut, UploadedOut
from domain.audience import FileError
from domain.errors import Invalid
from storage.audiences import StoredAudience
from storage.files.columns import MAX_CELL
from storage.files.sources import Detected, Overrides, Source

router = APIRouter(prefix="/audiences", tags=["audiences"])

_DROPPED_SHOWN = 100
_NAME_LENGTH = 200
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV, or a JSON list of objects or strings",
                        },
                        "name": {
                            "type": "string",
                            "maxLength": _NAME_LENGTH,
                            "description": "default: the file's",
                        },
                        "mapping": {
                            "type": "string",
                            "description": "JSON: username, phone, user_id, first_name, last_name or contact, "
                            "each with the file's column (its header, or its number from 1 on)",
                            "examples": ['{"username": "Ник клиента"}'],
                        },
                        "encoding": {"type": "string", "examples": ["windows-1251"]},
                        "delimiter": {"type": "string", "examples": [";"]},
                        "default_country": {
                            "type": "string",
                            "examples": ["RU"],
                            "description": "ISO code: whose numbers phones without a country code are",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=UploadedOut,
    responses=responses("bad-request", "too-large", "bad-file", "invalid"),
    openapi_extra=_FORM,
    summary="Upload a list of people",
)
async def upload(request: Request, asked: Asked, found: With, now: Now) -> UploadedOut:
    """Read, clean and store a list: delimiter, encoding, header and columns are found out unless given."""
    # Read here and not by a parameter: that would be read before the token is looked at.
    async with request.form(max_files=1, max_fields=10, max_part_size=64 * 1024) as form:
        file, overrides, name = _fields(form)
        source = await asyncio.to_thread(Source, file, overrides)
        try:
            most = found.settings.max_rows
            stored = await found.audiences.store(asked.owner, name, source.lines(), now, most)
        finally:
            source.close()
    _audit(asked.owner, stored)
    return await _uploaded(found, asked.owner, stored, source.detected)


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


@router.get("/{audience_id}/dropped", responses=responses("not-found", "invalid"), summary="Lines that were not taken")
async def dropped(
    audience_id: UUID,
    asked: Asked,
    found: With,
    after: Annotated[int, Query(ge=0, lt=2**31, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> DroppedPageOut:
    """The lines of the file that were not taken, each with the reason."""
    lines = await found.audiences.dropped(asked.owner, audience_id, after, limit)
    end = lines[-1].line if len(lines) == limit else None
    return DroppedPageOut(items=[DroppedOut.of(each) for each in lines], next=end)


def _fields(form: FormData) -> tuple[BinaryIO, Overrides, str]:
    unknown = sorted(set(form) - {"file", "name", "mapping", "encoding", "delimiter", "default_country"})
    if unknown:
        raise Invalid(_printable(unknown[0])[:50], "Unknown field.")
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise FileError("Send the file as the field `file` of a multipart/form-data body.")
    texts = {key: _text(form, key) for key in ("name", "encoding", "delimiter", "default_country")}
    overrides = Overrides(
        mapping=_mapping(_text(form, "mapping")),
        encoding=texts["encoding"],
        delimiter=texts["delimiter"],
        default_country=texts["default_country"],
    )
    name = _printable(texts["name"] or file.filename or "").strip()[:_NAME_LENGTH] or "audience"
    return file.file, overrides, name


def _text(form: FormData, key: str) -> str | None:
    value = form.get(key)
    if isinstance(value, UploadFile):
        raise Invalid(key, "This is not a file.")
    return value or None


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _mapping(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        mapping = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("mapping", "This is not JSON.") from None
    if not isinstance(mapping, dict) or len(mapping) > 10:
        raise Invalid("mapping", 'Give an object such as {"username": "Ник клиента"}.')
    if not all(isinstance(column, str) and len(column) <= MAX_CELL for column in mapping.values()):
        raise Invalid("mapping", "Each value must be a column: its header, or its number as a string.")
    return mapping


async def _uploaded(found: Services, owner: str, stored: StoredAudience, detected: Detected) -> UploadedOut:
    lines = await found.audiences.dropped(owner, stored.id, 0, _DROPPED_SHOWN) if stored.dropped else []
    return UploadedOut.made(stored, detected, [DroppedOut.of(line) for line in lines])


def _audit(owner: str, stored: StoredAudience) -> None:
    structlog.get_logger("audit").info(
        "audience_uploaded",
        owner=owner,
        audience=str(stored.id),
        stored=stored.stored,
        dropped=stored.dropped,
    )
