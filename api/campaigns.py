"""`/invite`: campaigns are made, read and commanded."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query, Response, status
from pydantic import AwareDatetime, BaseModel

from adapters.registry import Platform, platform
from api.auth import Caller
from api.dependencies import Asked, Now, Services, With, patiently, require_known_accounts
from api.inline import audience_of
from api.problems import responses
from api.schemas.campaigns import CampaignOut, CampaignsOut, EditIn, NewCampaignIn, RetryIn
from api.schemas.messages import MessageIn
from api.written import Checked, asked_for, checked
from domain.audit import Event
from domain.campaign import ENDS, Command, Wanted
from domain.errors import Forbidden, Unavailable
from domain.platform import DRY_RUN, Action
from domain.request import check, check_audience, retryable
from domain.terms import Terms
from domain.terms import check as check_terms
from storage.campaigns import CampaignView, Edit, NewCampaign, NewMessage
from storage.messages import Crowd
from storage.recipients import Again

router = APIRouter(prefix="/invite", tags=["campaigns"])

_log = structlog.get_logger("execution")

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="the same key and body answer the same campaign",
        examples=["8f6f2d1e"],
    ),
]

MADE_BEFORE: dict[int | str, dict[str, Any]] = {
    200: {"model": CampaignOut, "description": "Made before, with the same `Idempotency-Key`"}
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=MADE_BEFORE | responses("not-found", "forbidden-now", "invalid"),
    summary="Make a campaign",
)
async def create(
    body: NewCampaignIn,
    response: Response,
    asked: Asked,
    found: With,
    now: Now,
    idempotency_key: IdempotencyKey = None,
) -> CampaignOut:
    """Make a campaign of an audience, or of the people in the request; it starts at once, unless `start` is false."""
    creation = Creation(Event.CAMPAIGN_CREATED, body, idempotency_key, {"start": body.start})
    return await creation.answer(lambda: _checked(body, asked, found, now), response, asked, found, now)


@router.get("", responses=responses("invalid"), summary="The campaigns")
async def campaigns(
    asked: Asked,
    found: With,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[AwareDatetime | None, Query(description="`next` of the page before")] = None,
    tests: Annotated[bool, Query(description="test messages instead")] = False,
) -> CampaignsOut:
    """Your campaigns, newest first."""
    items = await found.campaigns.list(asked.owner, limit, before, tests=tests)
    end = items[-1].created_at if len(items) == limit else None
    return CampaignsOut(items=[CampaignOut.of(each) for each in items], next=end)


@router.get("/{campaign_id}", responses=responses("not-found", "invalid"), summary="One campaign")
async def campaign(campaign_id: UUID, asked: Asked, found: With) -> CampaignOut:
    """What was asked for, and how it stands."""
    return CampaignOut.of(await found.campaigns.get(asked.owner, campaign_id))


_COMMANDED = responses("not-found", "forbidden-now", "invalid")


@router.post("/{campaign_id}/start", responses=_COMMANDED, summary="Start a draft")
async def start(campaign_id: UUID, asked: Asked, found: With, now: Now) -> CampaignOut:
    """Start a draft, or have a campaign that failed go on where it stood. Repeated, it changes nothing."""
    return await _command(campaign_id, Command.START, asked, found, now)


@router.post("/{campaign_id}/pause", responses=_COMMANDED, summary="Pause")
async def pause(campaign_id: UUID, asked: Asked, found: With, now: Now) -> CampaignOut:
    """Pause at once: the actions in flight end, no further one begins. Repeated, it changes nothing."""
    return await _command(campaign_id, Command.PAUSE, asked, found, now)


@router.post("/{campaign_id}/resume", responses=_COMMANDED, summary="Go on after a pause")
async def resume(campaign_id: UUID, asked: Asked, found: With, now: Now) -> CampaignOut:
    """Go on after a pause, or after the campaign held itself. Repeated, it changes nothing."""
    return await _command(campaign_id, Command.RESUME, asked, found, now)


@router.post("/{campaign_id}/cancel", responses=_COMMANDED, summary="End for good")
async def cancel(campaign_id: UUID, asked: Asked, found: With, now: Now) -> CampaignOut:
    """End for good: who was not handled is marked cancelled. Repeated, it changes nothing."""
    return await _command(campaign_id, Command.CANCEL, asked, found, now)


@router.post("/{campaign_id}/finish", responses=_COMMANDED, summary="End a campaign that waits")
async def finish(campaign_id: UUID, asked: Asked, found: With, now: Now) -> CampaignOut:
    """End a campaign that waits, as it stands: who was not handled is failed. Repeated, it changes nothing."""
    return await _command(campaign_id, Command.FINISH, asked, found, now)


@router.post(
    "/{campaign_id}/retry",
    status_code=status.HTTP_201_CREATED,
    responses=MADE_BEFORE | responses("not-found", "forbidden-now", "invalid"),
    summary="Try again those who were not reached",
)
async def retry(
    campaign_id: UUID,
    body: RetryIn,
    response: Response,
    asked: Asked,
    found: With,
    now: Now,
    idempotency_key: IdempotencyKey = None,
) -> CampaignOut:
    """Make a campaign, on the same terms, of those whom one that has ended did not reach for reasons that can pass.

    Who refused for good, is on the do-not-contact list, or was perhaps reached, is never in it.
    """
    earlier = await found.campaigns.get(asked.owner, campaign_id)

    async def again() -> NewCampaign:
        return _again(body, earlier)

    creation = Creation(Event.CAMPAIGN_RETRIED, body, idempotency_key, {"of": str(campaign_id)})
    return await creation.answer(again, response, asked, found, now)


@router.patch("/{campaign_id}", responses=_COMMANDED, summary="Change a campaign, while it runs too")
async def edit(campaign_id: UUID, body: EditIn, asked: Asked, found: With, now: Now) -> CampaignOut:
    """Change priority, pace, limits, schedule, accounts or texts. It takes effect with the next action."""
    campaign = await found.campaigns.get(asked.owner, campaign_id)
    changes = await _changes(body, campaign, asked, found)
    act = asked.act(Event.CAMPAIGN_EDITED, now, fields=sorted(body.model_fields_set))
    edited = await found.campaigns.edit(asked.owner, campaign_id, changes, now, act)
    if edited.revision != campaign.revision:
        await _tell_of_edit(found, edited)
    return CampaignOut.of(edited)


async def _changes(body: EditIn, campaign: CampaignView, asked: Caller, found: Services) -> Edit:
    terms = body.terms(campaign.terms)
    check_terms(terms, found.limits().of(campaign.adapter))
    chosen = None if body.account_ids == "all" else body.account_ids
    if chosen is not None:
        await require_known_accounts(found, asked, campaign.platform, chosen)
    return Edit(
        terms=terms,
        message=None if body.message is None else await _rewritten(body.message, campaign, asked, found),
        account_ids=None if body.account_ids is None else sorted(set(chosen or ())),
    )


async def _rewritten(body: MessageIn, campaign: CampaignView, asked: Caller, found: Services) -> NewMessage:
    chosen = platform(campaign.platform)
    message = asked_for(body, chosen)
    check(
        campaign.action,
        campaign.destination,
        message,
        campaign.message_when_refused,
        campaign.add_contact_first,
        chosen.capabilities,
    )
    written = await checked(found, asked.owner, Crowd.of_campaign(campaign.id), message, chosen)
    return NewMessage(written.message, written.budget, written.hints)


async def _tell_of_edit(found: Services, campaign: CampaignView) -> None:
    """Have the workflow act by it at once. It stands in the database: every turn begins with it anyway."""
    if campaign.wanted is Wanted.NONE:
        return
    try:
        async with patiently(found.settings.temporal_timeout):
            await found.control.edited(campaign.id, campaign.revision, campaign.control_no)
    except Unavailable as error:
        _log.warning("edit_not_delivered", campaign_id=str(campaign.id), revision=campaign.revision, what=error.what)


async def _command(campaign_id: UUID, command: Command, asked: Caller, found: Services, now: Now) -> CampaignOut:
    act = asked.act(Event.CAMPAIGN_COMMANDED, now)
    campaign = await found.campaigns.command(asked.owner, campaign_id, command, now, act)
    await deliver(found, campaign)
    return CampaignOut.of(campaign)


async def deliver(found: Services, campaign: CampaignView) -> None:
    """Wake the workflow. The wish is stored: if Temporal is away the reconciler delivers it later."""
    if campaign.wanted is Wanted.NONE or campaign.acknowledged_no >= campaign.control_no:
        return
    try:
        async with patiently(found.settings.temporal_timeout):
            await found.control.deliver(
                campaign.owner, campaign.id, campaign.platform, campaign.wanted, campaign.control_no
            )
    except Unavailable as error:
        _log.warning("command_not_delivered", campaign_id=str(campaign.id), no=campaign.control_no, what=error.what)


async def _checked(body: NewCampaignIn, asked: Caller, found: Services, now: datetime) -> NewCampaign:
    chosen = platform(body.platform)
    destination = chosen.destination(body.destination) if body.destination else ""
    message = asked_for(body.message, chosen)
    check(
        body.action,
        destination,
        message,
        body.message_when_refused,
        body.add_contact_first,
        chosen.capabilities,
    )
    check_terms(body.terms(Terms()), found.limits().of(DRY_RUN if body.dry_run else body.platform))
    async with audience_of(body, asked.owner, found, now) as audience_id:
        audience = await found.audiences.get(asked.owner, audience_id)
        check_audience(audience.stored, audience.state)
        written = await checked(found, asked.owner, Crowd(audience_id), message, chosen)
        try:
            await require_known_accounts(found, asked, body.platform, body.account_ids)
        except Unavailable as error:  # the campaign waits for it, and says so
            _log.warning("accounts_not_checked", owner=asked.owner, what=error.what)
        return _new(body, audience_id, destination, chosen, written)


def _new(body: NewCampaignIn, audience_id: UUID, destination: str, chosen: Platform, written: Checked) -> NewCampaign:
    return NewCampaign(
        name=body.name,
        platform=body.platform,
        adapter=DRY_RUN if body.dry_run else body.platform,
        audience_id=audience_id,
        action=body.action,
        destination=destination,
        message=written.message,
        message_budget=written.budget,
        message_hints=written.hints,
        message_when_refused=body.message_when_refused,
        account_ids=None if body.account_ids is None else sorted(set(body.account_ids)),
        start=body.start,
        add_contact_first=body.add_contact_first and body.action is not Action.ADD_CONTACT,
        join_destination=body.join_destination,
        reaches=chosen.capabilities.reaches,
        reached_by=body.exclude_reached_by,
        skip_refused=body.skip_refused,
        terms=body.terms(Terms()),
    )


def _again(body: RetryIn, earlier: CampaignView) -> NewCampaign:
    if earlier.phase not in ENDS:
        raise Forbidden("The campaign has not ended: it goes on with them by itself.")
    if earlier.test:
        raise Forbidden("This was a test message: send another one.")
    return NewCampaign(
        name=body.name or earlier.name,
        platform=earlier.platform,
        adapter=earlier.adapter,
        audience_id=earlier.audience_id,
        action=earlier.action,
        destination=earlier.destination,
        message=earlier.message,
        message_budget=earlier.message_budget,
        message_hints=earlier.message_hints,
        message_when_refused=earlier.message_when_refused,
        account_ids=earlier.account_ids,
        start=body.start,
        add_contact_first=earlier.add_contact_first,
        join_destination=earlier.join_destination,
        reaches=platform(earlier.platform).capabilities.reaches,
        skip_refused=True,
        again=Again(earlier.id, retryable(body.reasons)),
        terms=replace(earlier.terms, schedule=replace(earlier.terms.schedule, start_at=None)),
    )


@dataclass(frozen=True, slots=True)
class Creation:
    """A request that makes a campaign, once for its key. `event`, `told`: what the audit trail says of it."""

    event: Event
    body: BaseModel
    key: str | None
    told: dict[str, Any]

    async def answer(
        self,
        checked_new: Callable[[], Awaitable[NewCampaign]],
        response: Response,
        asked: Caller,
        found: Services,
        now: datetime,
    ) -> CampaignOut:
        """Make it and have it start (201), or find what the same request made before (200)."""
        requested = self._fingerprint()
        campaign = await found.campaigns.made_before(asked.owner, self.key, requested)
        made = campaign is None
        if campaign is None:
            act = asked.act(self.event, now, **self.told)
            new = await checked_new()
            campaign, made = await found.campaigns.create(asked.owner, new, self.key, requested, now, act)
        response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
        response.headers["Location"] = f"/invite/{campaign.id}"
        await deliver(found, campaign)
        return CampaignOut.of(campaign)

    def _fingerprint(self) -> str:
        """By what the request is recognised when it is repeated."""
        asked = self.body.model_dump(mode="json") | self.told  # who is told of may stand in the path alone
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
