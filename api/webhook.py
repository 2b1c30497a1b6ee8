"""`/webhook`: your server is told what happens to your campaigns."""

import secrets
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, status

from api.dependencies import Asked, Now, With, patiently
from api.problems import responses
from api.schemas.webhook import DeliveriesOut, DeliveryOut, NewWebhookOut, PingOut, WebhookIn, WebhookOut
from domain.audit import Event
from domain.errors import Unavailable
from domain.webhooks import check_url, secret

router = APIRouter(prefix="/webhook", tags=["webhooks"])

_SEED_BYTES = 32

_log = structlog.get_logger("execution")


@router.put("", responses=responses("invalid"), summary="Have your server told")
async def put(body: WebhookIn, asked: Asked, found: With, now: Now) -> NewWebhookOut:
    """Have a POST made to your server whenever a campaign comes into another state.

    It is signed with the `secret` that is answered here, and only here; asked again, there is a new one at once. What
    could not be delivered so far is tried again. docs/webhooks.md tells how to check the signature.
    """
    check_url(body.url, found.settings.webhook_inside)
    seed = secrets.token_bytes(_SEED_BYTES)
    events = list(dict.fromkeys(body.events))
    await found.events.set_webhook(asked.owner, body.url, events, seed, now, asked.act(Event.WEBHOOK_SET, now))
    made = secret(found.settings.webhook_key.get_secret_value().encode(), asked.owner, seed)
    return NewWebhookOut(url=body.url, events=events, made_at=now, secret=made)


@router.get("", responses=responses("not-found", "invalid"), summary="Where you are told")
async def get(asked: Asked, found: With) -> WebhookOut:
    """What was asked for, without the secret."""
    return WebhookOut.of(await found.events.webhook(asked.owner))


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses("not-found", "invalid"),
    summary="Have nothing told any more",
)
async def delete(asked: Asked, found: With, now: Now) -> None:
    """Tell nothing more from now on, nor what has happened and was not delivered yet."""
    await found.events.remove_webhook(asked.owner, asked.act(Event.WEBHOOK_REMOVED, now))


@router.post(
    "/test",
    status_code=status.HTTP_202_ACCEPTED,
    responses=responses("not-found", "invalid"),
    summary="Have a ping sent",
)
async def ping(asked: Asked, found: With, now: Now) -> PingOut:
    """Send an event `ping`, signed as all others are, and once only."""
    event = await found.events.ping(asked.owner, now, asked.act(Event.WEBHOOK_TESTED, now))
    try:
        async with patiently(found.settings.temporal_timeout):
            await found.control.tell_owner(asked.owner, None)
    except Unavailable as error:  # it stands in the database, and is sent when Temporal is back
        _log.warning("ping_not_sent_yet", owner=asked.owner, what=error.what)
    return PingOut(id=event.id)


@router.get("/deliveries", responses=responses("invalid"), summary="How the deliveries go")
async def deliveries(asked: Asked, found: With, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> DeliveriesOut:
    """The last events that your server was to be told, newest first."""
    found_ones = await found.events.deliveries(asked.owner, limit)
    return DeliveriesOut(items=[DeliveryOut.of(each) for each in found_ones])
