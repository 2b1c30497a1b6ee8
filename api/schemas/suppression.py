"""Shapes of the do-not-contact list."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.audiences import DroppedOut
from api.schemas.common import ONE_LINE, Body
from domain.suppression import Source, Suppressed, written
from storage.erasing import Erased

_ADD: dict[str, Any] = {"identifiers": ["@anna_k", "+79001234567"], "reason": "asked us to stop"}

Written = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256), ONE_LINE]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), ONE_LINE]


class SuppressIn(Body):
    """People who must not be contacted."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _ADD})

    identifiers: list[Written] = Field(min_length=1, max_length=10_000, description="names, links, phones or ids")
    reason: Remark = Field("", description="for yourself")


class SuppressedOut(BaseModel):
    """What was put onto the list. `known`: identifiers that were on it already. `dropped`: the first 100 faults."""

    added: int = Field(examples=[2])
    known: int = Field(examples=[0])
    dropped_count: int = Field(examples=[0])
    dropped: list[DroppedOut]


class SuppressionOut(BaseModel):
    """One entry. `identifier`: none for a person who was erased."""

    identifier: str | None = Field(examples=["@anna_k"])
    source: Source
    reason: str
    added_at: datetime

    @classmethod
    def of(cls, entry: Suppressed) -> "SuppressionOut":
        """From the store's."""
        return cls(
            identifier=None if entry.identifier is None else written(entry.identifier),
            source=entry.source,
            reason=entry.reason,
            added_at=entry.added_at,
        )


class SuppressionPageOut(BaseModel):
    """A page of the list. `next`: give it as `after` for the next page; none: that was all."""

    items: list[SuppressionOut]
    next: str | None


class ErasedOut(BaseModel):
    """Where the person was. `addresses`: how our accounts knew them."""

    campaigns: int = Field(examples=[2])
    listed: int = Field(examples=[1], description="in audiences")
    dropped_lines: int = Field(examples=[0], description="lines of files that were not taken")
    addresses: int = Field(examples=[3])

    @classmethod
    def of(cls, erased: Erased) -> "ErasedOut":
        """From the store's."""
        return cls.model_validate(erased, from_attributes=True)
