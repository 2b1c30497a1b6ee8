"""Shapes of audiences."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Words
from domain.audience import DroppedLine
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
}
_LINE: dict[str, Any] = {
    "line": 17,
    "content": "anna k;;",
    "reason": "not_a_name",
    "text": {"en": "This is not a username or a link to a person.", "ru": "Это не имя пользователя."},
}


class DroppedOut(BaseModel):
    """One line that was not taken. `content`: its first 200 characters. In JSON `line` counts elements."""

    model_config = ConfigDict(json_schema_extra={"example": _LINE})

    line: int
    content: str
    reason: str
    text: Words

    @classmethod
    def of(cls, line: DroppedLine) -> "DroppedOut":
        """From the store's."""
        words = Words.of(sentence(line.reason))
        return cls(line=line.line, content=line.content, reason=line.reason.value, text=words)


class AudienceOut(BaseModel):
    """A cleaned list of people, in numbers: `rows_read` = `stored` + `dropped`."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: UUID
    name: str
    rows_read: int
    stored: int
    dropped: int
    reasons: dict[str, int] = Field(description="dropped lines by reason")
    created_at: datetime

    @classmethod
    def of(cls, audience: StoredAudience) -> "AudienceOut":
        """From the store's."""
        return cls(**_numbers(audience))


class DetectedOut(BaseModel):
    """What the file was taken for. `columns`: what each column was taken for, '' where it is just kept."""

    format: str = Field(examples=["csv"])
    encoding: str = Field(examples=["cp1251"])
    delimiter: str = Field(examples=[";"])
    header: bool
    columns: dict[str, str] = Field(examples=[{"Ник": "username", "Имя": "first_name", "Город": ""}])


class UploadedOut(AudienceOut):
    """An audience just made. `dropped_lines`: the first 100; the others are at `/audiences/{id}/dropped`."""

    detected: DetectedOut
    dropped_lines: list[DroppedOut]

    @classmethod
    def made(cls, audience: StoredAudience, detected: Detected, lines: list[DroppedOut]) -> "UploadedOut":
        """From the store's."""
        shown = DetectedOut.model_validate(detected, from_attributes=True)
        return cls(**_numbers(audience), detected=shown, dropped_lines=lines)


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
    }
