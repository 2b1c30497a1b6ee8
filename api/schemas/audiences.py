"""Shapes of audiences."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.common import ONE_LINE, Words
from domain.audience import AudienceState, DroppedLine
from domain.preview import Preview
from domain.sentences import sentence
from storage.audiences import StoredAudience
from storage.files.sources import Detected

_EXAMPLE: dict[str, Any] = {
    "id": "0b5c4c1e-6f0a-4f2e-9d39-0d6a3b0f6d11",
    "name": "clients.csv",
    "rows_read": 320,
    "stored": 300,
    "dropped": 20,
    "reasons": {"duplicate": 12, "not_a_name": 8},
    "created_at": "2026-03-01T09:00:00Z",
    "state": "ready",
    "progress": {"read": 320, "total": None},
    "error": None,
}
_IMPORT: dict[str, Any] = {"parsed_data_id": "chat-42", "platform": "telegram", "name": "Readers of the club"}
_LINE: dict[str, Any] = {
    "line": 17,
    "content": "anna k;;",
    "reason": "not_a_name",
    "text": {"en": "This is not a username or a link to a person.", "ru": "Это не имя пользователя."},
    "same_as": None,
}
_PERSON: dict[str, Any] = {
    "line": 2,
    "username": "anna_k",
    "phone": "+79001234567",
    "user_id": None,
    "first_name": "Анна",
    "last_name": "",
    "fields": {"Город": "Томск"},
}


class DroppedOut(BaseModel):
    """One line that was not taken. `content`: its first 200 characters. In a JSON list `line` counts elements."""

    model_config = ConfigDict(json_schema_extra={"example": _LINE})

    line: int
    content: str
    reason: str
    text: Words
    same_as: int | None = Field(None, description="of a duplicate: the earlier line that names the same person")

    @classmethod
    def of(cls, line: DroppedLine) -> "DroppedOut":
        """From the store's."""
        words = Words.of(sentence(line.reason))
        reason = line.reason.value
        return cls(line=line.line, content=line.content, reason=reason, text=words, same_as=line.same_as)


class ImportIn(BaseModel):
    """What parsing-service has gathered, to be made an audience."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _IMPORT})

    parsed_data_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
    platform: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), ONE_LINE] | None = (
        Field(None, description="refuse data of another platform")
    )
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE] | None = (
        Field(None, description="the `parsed_data_id`, unless given")
    )


class ProgressOut(BaseModel):
    """How far an import is, in rows. `total`: as parsing-service tells it; none: it does not."""

    read: int
    total: int | None


class ErrorOut(BaseModel):
    """Why an import has failed for good."""

    code: str
    text: Words


class AudienceOut(BaseModel):
    """A cleaned list of people, in numbers: `rows_read` = `stored` + `dropped` once `state` is `ready`.

    Only then can a campaign be made of it. `importing`: `progress` grows. `failed`: `error` says why; it can be
    deleted, and imported again.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: UUID
    name: str
    rows_read: int
    stored: int
    dropped: int
    reasons: dict[str, int] = Field(description="dropped lines by reason")
    created_at: datetime
    state: AudienceState = AudienceState.READY
    progress: ProgressOut
    error: ErrorOut | None = None

    @classmethod
    def of(cls, audience: StoredAudience) -> "AudienceOut":
        """From the store's."""
        return cls(**_numbers(audience))


class DetectedOut(BaseModel):
    """What the file was taken for. `columns`: what each column was taken for, '' where it is just kept."""

    format: str = Field(examples=["csv"], description="csv, xlsx, json or jsonl")
    encoding: str = Field(examples=["cp1251"], description="'' for a workbook")
    delimiter: str = Field(examples=[";"], description="'' where there is none")
    header: bool
    columns: dict[str, str] = Field(examples=[{"Ник": "username", "Имя": "first_name", "Город": ""}])
    sheet: str = Field("", examples=["Клиенты"], description="the workbook's sheet that was read")
    sheets: list[str] = Field([], examples=[["Клиенты", "Архив"]], description="all of the workbook's sheets")

    @classmethod
    def of(cls, detected: Detected) -> "DetectedOut":
        """From the reader's."""
        return cls.model_validate(detected, from_attributes=True)


class UploadedOut(AudienceOut):
    """An audience just made. `dropped_lines`: the first 100; the others are at `/audiences/{id}/dropped`."""

    detected: DetectedOut
    dropped_lines: list[DroppedOut]

    @classmethod
    def made(cls, audience: StoredAudience, detected: Detected, lines: list[DroppedOut]) -> "UploadedOut":
        """From the store's."""
        return cls(**_numbers(audience), detected=DetectedOut.of(detected), dropped_lines=lines)


class PersonOut(BaseModel):
    """One person as they would be stored. `line`: the first that names them."""

    model_config = ConfigDict(json_schema_extra={"example": _PERSON})

    line: int
    username: str | None
    phone: str | None = Field(description="in E.164")
    user_id: int | None
    first_name: str
    last_name: str
    fields: dict[str, str] = Field(description="the other columns, by name")
    seen_by: str | None = Field(None, description="the account that has seen the person, where the list names one")


class PreviewOut(BaseModel):
    """What would become of a file. `rows`: the first 50 people; `dropped_lines`: the first 100 lines not taken."""

    name: str
    detected: DetectedOut
    rows_read: int
    stored: int
    dropped: int
    reasons: dict[str, int] = Field(description="lines that would be dropped, by reason")
    rows: list[PersonOut]
    dropped_lines: list[DroppedOut]

    @classmethod
    def of(cls, name: str, preview: Preview, detected: Detected) -> "PreviewOut":
        """From the domain's."""
        return cls(
            name=name,
            detected=DetectedOut.of(detected),
            rows_read=preview.rows_read,
            stored=preview.stored,
            dropped=preview.rows_read - preview.stored,
            reasons={reason.value: n for reason, n in preview.reasons.items()},
            rows=[PersonOut(line=line, **person._asdict()) for line, person in preview.people.items()],
            dropped_lines=[DroppedOut.of(line) for line in preview.dropped],
        )


class DeletedOut(BaseModel):
    """An audience that is no more. `campaigns`: those made of it, which keep copies of their people."""

    id: UUID
    campaigns: list[UUID]


class AudiencesOut(BaseModel):
    """Audiences, newest first. `next`: give it as `before` for the next page; none: that was all."""

    items: list[AudienceOut]
    next: datetime | None


class DroppedPageOut(BaseModel):
    """Lines not taken, in order. `next`: give it as `after` for the next page; none: that was all."""

    items: list[DroppedOut]
    next: int | None


def _numbers(audience: StoredAudience) -> dict[str, Any]:
    return {
        "id": audience.id,
        "name": audience.name,
        "rows_read": audience.rows_read,
        "stored": audience.stored,
        "dropped": audience.dropped,
        "reasons": {reason.value: n for reason, n in audience.reasons.items()},
        "created_at": audience.created_at,
        "state": audience.state,
        "progress": ProgressOut(read=audience.rows_read, total=audience.total),
        "error": None
        if audience.fault is None
        else ErrorOut(code=audience.fault.value, text=Words.of(sentence(audience.fault))),
    }
