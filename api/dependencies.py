"""What the routes work with, and who is asking."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from structlog.contextvars import bind_contextvars

from api.at_once import AtOnce
from api.auth import Caller, Tokens, Unauthenticated
from api.context import request_id
from api.problems import route
from api.rates import Rate, network
from domain.audit import By, Event
from domain.campaign import Wanted
from domain.errors import Unavailable
from domain.ports import AccountRights, Clock, LimitsSource
from domain.request import check_accounts
from domain.statistics import Snapshot
from runtime.settings import ApiSettings
from storage.audiences import Audiences
from storage.audit import AuditTrail
from storage.campaigns import Campaigns
from storage.engine import Database
from storage.erasing import Erasing
from storage.events import Events
from storage.hooks import Hooks
from storage.imports import Imports
from storage.messages import Messages
from storage.neighbours import IntegrationService
from storage.owned_accounts import OwnedAccounts
from storage.owners import Owners
from storage.planning import Planning
from storage.reports import Reports
from storage.suppression import SuppressionList


class Control(Protocol):
    """Temporal, as the API needs it. Every method raises `Unavailable` when it does not answer in time."""

    async def deliver(self, owner: str, campaign_id: UUID, platform: str, wanted: Wanted, control_no: int) -> None:
        """Tell the campaign's workflow of the wish of this number; start it if it is missing."""

    async def edited(self, campaign_id: UUID, revision: int, control_no: int) -> None:
        """Tell the campaign's workflow of an edit, and wait until its accounts act by it."""

    async def accounts_changed(self, campaign_id: UUID) -> None:
        """Tell a campaign that an account was changed."""

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        """Have the owner's server told what has happened to the campaign; None: that there is a ping."""

    async def snapshot(self, campaign_id: UUID) -> Snapshot:
        """The numbers as the workflow has them. Raises `NotFound`."""

    async def start_import(self, owner: str, audience_id: UUID) -> None:
        """Begin to import an audience; one whose import runs is left alone."""

    async def start_admin_check(
        self, owner: str, check_id: UUID, platform: str, destination: str, account_ids: list[str] | None
    ) -> None:
        """Begin to look at each account's rights at a destination."""

    async def admin_check(self, owner: str, check_id: UUID, wait: timedelta) -> list[AccountRights] | None:
        """What an admin check found; None while it goes on. Raises `NotFound`."""


@dataclass(frozen=True)
class Services:
    """What one process works with, built once (`api.app`)."""

    settings: ApiSettings
    clock: Clock
    database: Database
    audit: AuditTrail
    audiences: Audiences
    imports: Imports
    campaigns: Campaigns
    messages: Messages
    accounts: OwnedAccounts
    owners: Owners
    reports: Reports
    events: Events
    suppression: SuppressionList
    erasing: Erasing
    hooks: Hooks
    planning: Planning
    integration: IntegrationService
    control: Control
    limits: LimitsSource


_log = structlog.get_logger("execution")

READS = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""

_bearer = HTTPBearer(
    bearerFormat="JWT",
    auto_error=False,
    description="A JWT with `aud` = `invite-service`, `exp`, `sub` (whose data it is), and `user` or `admin` among "
    "its `roles`.",
)
_service_bearer = HTTPBearer(
    scheme_name="ServiceBearer",
    bearerFormat="JWT",
    auto_error=False,
    description="A JWT with `aud` = `invite-service`, `exp`, `sub` (the service), and `service` among its `roles`.",
)


def services(request: Request) -> Services:
    """The process's services."""
    found: Services = request.app.state.services
    return found


async def known(
    request: Request,
    found: Annotated[Services, Depends(services)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    owner: Annotated[
        str | None,
        Query(min_length=1, max_length=200, pattern="^[^\x00]*$", description="administrators: whose data to read"),
    ] = None,
) -> Caller:
    """Who asks, in whose name. Raises `Unauthenticated`, `RoleMissing`, `TooMany`."""
    own = await _tokens(request).check(_sent(credentials))
    rate: Rate = request.app.state.owner_rate
    rate.take(own.owner)
    asked = own.acting(request.method in READS, owner)
    asked = replace(asked, by=_from_where(own.by, request))
    ids = named(request)
    bind_contextvars(owner=asked.owner, **ids)
    if asked.owner != own.owner:  # kept before anything is shown
        read = asked.act(Event.READ_BY_ADMINISTRATOR, await found.clock.now())
        await found.audit.record(asked.owner, read, route(request), **ids)
    return asked


async def caller(request: Request, asked: Annotated[Caller, Depends(known)]) -> AsyncIterator[Caller]:
    """Who asks, once there is a place for the request (`api.at_once`), held until it is answered. Raises `TooMany`."""
    at_once: AtOnce = request.app.state.at_once
    async with at_once.place(asked.by.actor):
        yield asked


async def neighbour(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_service_bearer)]
) -> By:
    """Which service beside ours asks. Raises `Unauthenticated`, `RoleMissing`."""
    return _from_where(await _tokens(request).check_service(_sent(credentials)), request)


def _tokens(request: Request) -> Tokens:
    found: Tokens = request.app.state.tokens
    return found


def _sent(credentials: HTTPAuthorizationCredentials | None) -> str:
    if credentials is None:
        raise Unauthenticated("Send a token: `Authorization: Bearer …`.")
    return credentials.credentials


def _from_where(by: By, request: Request) -> By:
    address = "" if request.client is None else network(request.client.host)
    return replace(by, address=address, request_id=request_id(request.scope))


def named(request: Request) -> dict[str, str]:
    """The ids within the path: what is no id is not told."""
    found = {}
    for name, value in request.path_params.items():
        with suppress(ValueError):
            found[name] = str(UUID(value))
    return found


async def now(found: Annotated[Services, Depends(services)]) -> datetime:
    """The present moment."""
    return await found.clock.now()


Asked = Annotated[Caller, Depends(caller)]
NeighbourAsked = Annotated[By, Depends(neighbour)]
Listening = Annotated[Caller, Depends(known)]
"""Who asks for what has no end: it must not keep a place."""
With = Annotated[Services, Depends(services)]
Now = Annotated[datetime, Depends(now)]


@asynccontextmanager
async def patiently(limit: timedelta) -> AsyncIterator[None]:
    """Bound a call to Temporal: a connection that is not up yet has no deadline of its own. Raises `Unavailable`."""
    try:
        async with asyncio.timeout(limit.total_seconds()):
            yield
    except TimeoutError:
        raise Unavailable("Temporal", "no answer in time") from None


async def have_looked(found: Services, campaigns: Sequence[UUID]) -> None:
    """Have the campaigns look at their accounts at once; those that are not told look by themselves a little later."""
    try:
        async with patiently(found.settings.temporal_timeout):
            for campaign_id in campaigns:
                await found.control.accounts_changed(campaign_id)
    except Unavailable as error:
        _log.warning("campaigns_not_told", what=error.what)


async def require_known_accounts(found: Services, asked: Caller, platform: str, chosen: Sequence[str] | None) -> None:
    """Ask integration-service for an account that may be used. Raises `Invalid`, `Unavailable`."""
    known = {each.account_id for each in await found.integration.accounts(asked.owner, platform, asked.token)}
    check_accounts(known, chosen)
