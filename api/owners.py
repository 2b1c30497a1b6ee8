"""`/owners`: for administrators."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.auth import ADMIN, RoleMissing
from api.dependencies import Asked, Now, With
from api.problems import responses
from domain.audit import Event
from storage.owners import OwnerView

router = APIRouter(prefix="/owners", tags=["owners"])


class OwnerOut(BaseModel):
    """An owner, in numbers."""

    owner: str = Field(examples=["user-17"], description="as `owner=…` of every route that reads")
    campaigns: int = Field(examples=[12])
    live: int = Field(examples=[2], description="campaigns that were started and have not ended")
    recipients: int = Field(examples=[4_200], description="of all campaigns")
    last_made_at: datetime

    @classmethod
    def of(cls, found: OwnerView) -> "OwnerOut":
        """As it is shown."""
        return cls(
            owner=found.owner,
            campaigns=found.campaigns,
            live=found.live,
            recipients=found.recipients,
            last_made_at=found.last_made_at,
        )


class OwnersOut(BaseModel):
    """A page of owners."""

    items: list[OwnerOut]
    next: str | None = Field(description="`after` of the next page; none: this was the last")


@router.get("", responses=responses("invalid"), summary="The owners")
async def owners(
    asked: Asked,
    found: With,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[str, Query(max_length=200, pattern="^[^\x00]*$", description="`next` of the page before")] = "",
) -> OwnersOut:
    """For administrators: everybody who has campaigns, by name. Add `owner=…` to any route that reads to see theirs."""
    if ADMIN not in asked.roles:
        raise RoleMissing("Only administrators may see who the owners are.")
    await found.audit.record(asked.by.actor, asked.act(Event.OWNERS_READ, now))
    items = await found.owners.list(after, limit)
    end = items[-1].owner if len(items) == limit else None
    return OwnersOut(items=[OwnerOut.of(each) for each in items], next=end)
