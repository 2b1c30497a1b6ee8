"""`/invite/{id}/events`: a campaign's status whenever it changes, until the campaign's end (server-sent events)."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.dependencies import Listening, With
from api.listening import Listeners
from api.problems import responses
from api.reports import labels
from api.schemas.status import StatusOut
from domain.campaign import ENDS
from domain.errors import Error
from domain.webhooks import Event
from storage.campaigns import CampaignView

router = APIRouter(prefix="/invite", tags=["statistics"])

_log = structlog.get_logger("execution")
_BY_THE_CLOCK = {"as_of", "speed_per_minute", "expected_end"}
"""These move without anything having happened."""
_RETRY_MS = 3_000
"""When a client whose connection was lost comes back."""
_CHANGES_TOLD = 100
"""Changes of state that one who comes back is told at most: the last ones."""


@dataclass(frozen=True)
class Told:
    """What every listener to a campaign is sent. `id` is the same as long as nothing has happened.

    `changes`: the campaign's last changes of state, in order; `no`: the last one's number, 0 before the first.
    """

    id: str
    no: int
    changes: Sequence[Event]
    status: str
    state: str
    ended: bool


Hearing = Callable[[float], AsyncIterator[Told]]


async def _hearing(
    request: Request,
    campaign_id: UUID,
    asked: Listening,
    found: With,
    accounts: Annotated[bool, Query(description="with a line for each account")] = False,
) -> AsyncIterator[Hearing]:
    """A place among the listeners, given back when the stream ends, however it does. Raises `NotFound`, `TooMany`."""

    async def status(campaign: CampaignView) -> StatusOut:
        snapshot = await found.reports.snapshot(asked.owner, campaign_id, await found.clock.now())
        named = await labels(found, asked, campaign) if accounts else {}
        return StatusOut.of(campaign.name, snapshot, named, campaign.people_removed_at)

    async def read() -> Told:
        campaign = await found.campaigns.get(asked.owner, campaign_id)  # first: what is told of its end is the last
        seen = await status(campaign)
        changes = await found.events.of(asked.owner, campaign_id, _CHANGES_TOLD)
        if changes and changes[-1].state != seen.state:  # it changed meanwhile: a status is not told after its time
            seen = await status(campaign)
        return _told(seen, changes, with_accounts=accounts, ended=campaign.phase in ENDS)

    await found.campaigns.get(asked.owner, campaign_id)
    listeners: Listeners[Told] = request.app.state.listeners
    with listeners.listen(asked.owner, (campaign_id, accounts), read) as hear:
        yield hear


def _told(status: StatusOut, changes: Sequence[Event], *, with_accounts: bool, ended: bool) -> Told:
    shown = status.model_dump(mode="json", exclude=None if with_accounts else {"accounts"})
    lasting = {name: value for name, value in shown.items() if name not in _BY_THE_CLOCK}
    no = changes[-1].no if changes else 0
    return Told(
        id=f"{no}.{hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()[:16]}",
        no=no,
        changes=changes,
        status=json.dumps(shown, ensure_ascii=False),
        state=status.state,
        ended=ended,
    )


@router.get(
    "/{campaign_id}/events",
    response_class=EventSourceResponse,
    responses=responses("not-found", "invalid"),
    summary="How it goes, as it goes",
)
async def events(
    campaign_id: UUID,
    asked: Listening,
    hear: Annotated[Hearing, Depends(_hearing)],
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="the `id` of the last event that you got: it is not sent again")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """`progress`, with the status: at once, and whenever anything has changed. `end`, with the state, is the last one.

    `state` tells each change of the campaign's state, also those between two readings, and those that happened since
    the event named by `Last-Event-ID`. The stream closes after `end`, and when the token expires: connect again with a
    new one.
    """
    yield ServerSentEvent(comment="here")  # proxies send on the head of the answer with its first bytes
    known, heard = last_event_id, _number(last_event_id)
    try:
        async for told in hear(asked.expires - time.time()):
            for change in told.changes:
                if heard is not None and change.no > heard:
                    yield ServerSentEvent(event="state", id=f"{change.no}.", data=_changed(change))
            heard = told.no
            if told.id != known:
                yield ServerSentEvent(event="progress", id=told.id, raw_data=told.status, retry=_RETRY_MS)
            known = told.id
            if told.ended:
                yield ServerSentEvent(event="end", id=told.id, data={"state": told.state})
                return
    except Error as error:  # the answer has begun: the client comes back, and is told then what is wrong
        _log.warning("events_ended", campaign_id=str(campaign_id), why=type(error).__name__)


def _number(event_id: str | None) -> int | None:
    """The last change of state that is known; None: whoever comes anew learns the present state, and no earlier one."""
    number = (event_id or "").partition(".")[0]
    return int(number) if number.isascii() and number.isdigit() else None


def _changed(change: Event) -> dict[str, object]:
    return {"id": str(change.id), "state": change.state, "why": change.why, "until": change.until, "at": change.at}
