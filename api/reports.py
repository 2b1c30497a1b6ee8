"""`/invite/{id}/status`, `/report` and `/recipients`: a campaign in numbers, and what became of its people."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from api.auth import Caller
from api.dependencies import Asked, Now, Services, With, patiently
from api.leaving import while_waited_for
from api.problems import responses
from api.report_files.written import Asking, ReportFormat, sent, write
from api.schemas.report import EXAMPLE_PERSON, RecipientOut, RecipientsOut
from api.schemas.status import StatusOut
from domain.headings import heading
from domain.languages import Language
from domain.outcome import Kind
from domain.outcome import Reason as OutcomeReason
from storage.campaigns import CampaignView
from storage.reports import Which

router = APIRouter(prefix="/invite", tags=["statistics"])


class StatusSource(StrEnum):
    """Who is asked for the numbers."""

    DATABASE = "database"
    WORKFLOW = "workflow"


@router.get("/{campaign_id}/status", responses=responses("not-found", "invalid"), summary="How it goes")
async def status(
    campaign_id: UUID,
    asked: Asked,
    found: With,
    now: Now,
    source: Annotated[
        StatusSource, Query(description="`workflow`: as its query tells, of `as_of`")
    ] = StatusSource.DATABASE,
) -> StatusOut:
    """Counts, who has stayed, accounts, speed, and the expected end: exact, and read without a worker."""
    campaign = await found.campaigns.get(asked.owner, campaign_id)
    if source is StatusSource.WORKFLOW:
        async with patiently(found.settings.temporal_timeout):
            snapshot = await found.control.snapshot(campaign_id)
    else:
        snapshot = await found.reports.snapshot(asked.owner, campaign_id, now)
    named = await labels(found, asked, campaign)
    return StatusOut.of(campaign.name, snapshot, named, campaign.people_removed_at)


_LEFT = 499
"""Nobody reads it: the client closed the connection before there was an answer."""
_MEDIA_TYPES = {
    ReportFormat.JSON: "application/json",
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The status, the totals, and everybody who was not reached, with the reason",
        "content": {
            "application/json": {
                "example": {
                    "status": {"state": "done", "…": "as /status"},
                    "note": {"en": "The campaign has ended: these numbers are final.", "ru": "Кампания завершена: …"},
                    "totals": {
                        "time_zone": "UTC",
                        "by_action": [{"action": "invite", "instead": False, "recipients": 300, "reached": 299}],
                        "by_reason": [{"outcome": "refused", "reason": "privacy", "text": "…", "recipients": 1}],
                        "by_account": [{"account_id": "a1", "recipients": 300, "reached": 299}],
                        "by_day": [{"day": "2026-03-01", "recipients": 300, "reached": 299}],
                    },
                    "not_reached": [EXAMPLE_PERSON],
                }
            },
            "text/csv": {"example": "username,phone,user_id,first_name,last_name,outcome,reason,text,…"},
            _MEDIA_TYPES[ReportFormat.XLSX]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get(
    "/{campaign_id}/report",
    response_class=StreamingResponse,
    responses={**_REPORT, **responses("not-found", "invalid")},
    summary="What became of everybody",
)
async def report(
    campaign_id: UUID,
    request: Request,
    asked: Asked,
    found: With,
    now: Now,
    written: Annotated[
        ReportFormat,
        Query(
            alias="format",
            description="`csv`: those not reached, in UTF-8 with BOM, as Excel reads it; a cell that would be a "
            "formula there, a phone's `+` too, has an apostrophe before it. `xlsx`: sheets with the summary, the "
            "accounts, those not reached, and everybody; all texts as they are",
        ),
    ] = ReportFormat.JSON,
    language: Annotated[
        Language, Query(description="of headings and sentences in tables; JSON has all languages")
    ] = Language.EN,
) -> Response:
    """The numbers and everybody who was not reached (or not yet), as they stood at one moment, `as_of`.

    The file begins to come when it is whole: a workbook of a million people takes minutes.
    """
    campaign = await found.campaigns.get(asked.owner, campaign_id)
    named = await labels(found, asked, campaign)
    asking = Asking(asked.owner, campaign_id, found.clock.now, written, language, named)
    file = await while_waited_for(request, write(found.reports, asking))
    if file is None:
        return Response(status_code=_LEFT)
    headers = {
        "Content-Disposition": _disposition(campaign, language, now, written),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(sent(file), media_type=_MEDIA_TYPES[written], headers=headers)


@router.get(
    "/{campaign_id}/recipients", responses=responses("not-found", "invalid"), summary="Its people, page by page"
)
async def recipients(
    campaign_id: UUID,
    asked: Asked,
    found: With,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    after: Annotated[int, Query(ge=-1, lt=2**31, description="`next` of the page before")] = -1,
    outcome: Annotated[Kind | None, Query(description="only those of this outcome")] = None,
    reason: Annotated[OutcomeReason | None, Query(description="only those of this reason")] = None,
    account_id: Annotated[
        str | None,
        Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$", description="only those settled by it"),
    ] = None,
    waiting: Annotated[bool | None, Query(description="only those without an outcome yet; false: with one")] = None,
) -> RecipientsOut:
    """Everybody in the campaign in the order of the list, and what became of them. All filters given must hold."""
    which = Which(outcome, reason, account_id, waiting)
    people = await found.reports.recipients(asked.owner, campaign_id, which, after, limit)
    end = people[-1].position if len(people) == limit else None
    return RecipientsOut(items=[RecipientOut.of(person) for person in people], next=end)


async def labels(found: Services, asked: Caller, campaign: CampaignView) -> dict[str, str]:
    """The accounts' names, by id."""
    return {each.account_id: each.label for each in await found.accounts.of(asked.owner, campaign.adapter)}


def _disposition(campaign: CampaignView, language: Language, now: datetime, written: ReportFormat) -> str:
    """The campaign's name in the file's; for clients that know ASCII alone, its id."""
    name = re.sub(r'[\\/:*?"<>|]', "_", campaign.name)
    told = quote(f"{name} - {heading('report', language)} {now:%Y-%m-%d}.{written}", safe="")
    return f"attachment; filename=\"report-{campaign.id}.{written}\"; filename*=UTF-8''{told}"
