"""`/audit`: who did what to the owner's, when and from where."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.dependencies import Asked, With
from api.problems import responses
from api.schemas.audit import ActOut, AuditOut
from domain.audit import Event

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", responses=responses("invalid"), summary="Who did what")
async def audit(
    asked: Asked,
    found: With,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")] = None,
    campaign_id: Annotated[UUID | None, Query(description="what was done to this campaign only")] = None,
    event: Annotated[Event | None, Query(description="this only")] = None,
) -> AuditOut:
    """What was done to your campaigns, audiences, accounts and lists, newest first; also who else looked at them.

    Nothing of it can be changed or deleted; it goes when it was kept long enough (two years, unless your operators
    chose otherwise). What changed nothing, such as a command given twice, is not in it.
    """
    items = await found.audit.page(asked.owner, limit, before, campaign_id, event)
    end = items[-1].number if len(items) == limit else None
    return AuditOut(items=[ActOut.of(each) for each in items], next=end)
