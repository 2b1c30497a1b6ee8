"""`/hooks`: services beside this one tell that something has changed. That is looked at, and never believed."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Request, Response, status
from structlog.contextvars import bind_contextvars

from api.dependencies import NeighbourAsked, Now, With, have_looked
from api.problems import responses
from api.schemas.hooks import AccountHookIn, TakenOut
from domain.audit import Act, Event
from domain.errors import NotFound
from domain.signatures import SIGNATURE, TIMESTAMP, NotGenuine, check

PATH = "/hooks/integration"
BODY_LIMIT = 16 * 1024
"""Bytes: before anything is known of who sends them."""

router = APIRouter(tags=["hooks"])

_log = structlog.get_logger("execution")


async def genuine(
    request: Request,
    by: NeighbourAsked,
    found: With,
    now: Now,
    timestamp: Annotated[str, Header(alias=TIMESTAMP, description="seconds since 1970, when it was signed")] = "",
    signature: Annotated[str, Header(alias=SIGNATURE, description="`v1=` and the HMAC-SHA256 in hexadecimal")] = "",
) -> None:
    """Whether the request is signed, and just now. Raises `NotGenuine`; `NotFound` where no hooks are taken."""
    settings = found.settings
    if not settings.hook_secrets:
        raise NotFound("hook here: INVITE_HOOK_SECRET is not set")
    try:
        headers = {TIMESTAMP: timestamp, SIGNATURE: signature}
        check(settings.hook_secrets, headers, await request.body(), now, settings.hook_window)
    except NotGenuine as refused:
        _log.warning("hook_refused", actor=by.actor, what=str(refused))
        raise


@router.post(
    PATH,
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        **responses("not-genuine", "not-found", "invalid"),
        status.HTTP_200_OK: {"model": TakenOut, "description": "It was taken before: nothing is done"},
    },
    dependencies=[Depends(genuine)],
    summary="An account has changed",
)
async def account_changed(
    body: AccountHookIn, by: NeighbourAsked, found: With, now: Now, response: Response
) -> TakenOut:
    """integration-service tells that an owner's account was added, removed, enabled, disabled or banned, or that its
    credentials were changed: campaigns that may use it read the list of accounts at once, not at their next poll.

    It takes a token with the role `service` **and** a signature, as docs/hooks.md shows. Nothing is believed: the list
    tells what is true, and an owner or account that is not known answers 202 too. Sent again with the same `id` within
    some minutes, it answers 200 and does nothing.
    """
    bind_contextvars(owner=body.user_id)
    told = body.told()
    campaigns = await found.hooks.take(told, now, found.settings.hook_window, Act(Event.ACCOUNT_TOLD_OF, by, now))
    if campaigns is None:
        response.status_code = status.HTTP_200_OK
        return TakenOut(id=body.id, repeated=True)
    _log.info("account_told_of", account_id=told.account_id, change=told.change.value, campaigns=len(campaigns))
    await have_looked(found, campaigns)
    return TakenOut(id=body.id, repeated=False)
