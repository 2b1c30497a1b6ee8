"""`/invite/{id}/status` and `/report`: a campaign in numbers, and whom it did not reach."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.auth import Caller
from api.dependencies import Asked, Now, Services, With, patiently
from api.problems import responses
from api.schemas.status import StatusOut
from api.streams import csv_rows, json_report
from storage.campaigns import CampaignView

router = APIRouter(prefix="/invite", tags=["statistics"])


class StatusSource(StrEnum):
    """Who is asked for the numbers."""

    DATABASE = "database"
    WORKFLOW = "workflow"


class ReportFormat(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"


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
    return StatusOut.of(campaign.name, snapshot, await labels(found, asked, campaign))


_EXAMPLE_ROW: dict[str, Any] = {
    "username": "anna_k",
    "phone": None,
    "user_id": None,
    "first_name": "Анна",
    "last_name": "",
    "outcome": "refused",
    "reason": "privacy",
    "text": {
        "en": "The person's privacy settings do not allow it.",
        "ru": "Этого не позволяют настройки приватности человека.",
    },
    "account_id": "a1",
    "settled_at": "2026-03-01T09:15:00Z",
}
_REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The status, and everybody who was not reached, with the reason",
        "content": {
            "application/json": {
                "example": {"status": {"state": "done", "…": "as /status"}, "not_reached": [_EXAMPLE_ROW]}
            },
            "text/csv": {"example": "username,phone,user_id,first_name,last_name,outcome,reason,text_en,text_ru,…"},
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
    asked: Asked,
    found: With,
    now: Now,
    written: Annotated[
        ReportFormat, Query(alias="format", description="CSV: UTF-8 with BOM, as Excel reads it")
    ] = ReportFormat.JSON,
) -> StreamingResponse:
    """The numbers and everybody who was not reached (or not yet), streamed."""
    campaign = await found.campaigns.get(asked.owner, campaign_id)
    people = found.reports.people(asked.owner, campaign_id)
    if written is ReportFormat.CSV:
        return _file(csv_rows(people), "text/csv; charset=utf-8", campaign_id, "csv")
    snapshot = await found.reports.snapshot(asked.owner, campaign_id, now)
    totals = StatusOut.of(campaign.name, snapshot, await labels(found, asked, campaign))
    return _file(json_report(totals, people), "application/json", campaign_id, "json")


async def labels(found: Services, asked: Caller, campaign: CampaignView) -> dict[str, str]:
    """The accounts' names, by id."""
    return {each.account_id: each.label for each in await found.accounts.of(asked.owner, campaign.adapter)}


def _file(content: object, media_type: str, campaign_id: UUID, suffix: str) -> StreamingResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="report-{campaign_id}.{suffix}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(content, media_type=media_type, headers=headers)  # type: ignore[arg-type]
