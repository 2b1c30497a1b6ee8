"""The HTTP facade: what is asked goes to a store or to Temporal. It has no state and no rule of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import structlog
import temporalio.client
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from api import (
    accounts,
    admin_check,
    audiences,
    audit,
    campaigns,
    events,
    health,
    hooks,
    messages,
    owners,
    plan,
    reports,
    suppression,
    webhook,
)
from api.at_once import AtOnce
from api.auth import Tokens
from api.bodies import JSON_LIMIT, BodyLimit
from api.context import RequestContext
from api.dependencies import Services
from api.headers import SecurityHeaders
from api.keys import KeySource, PublishedKeys
from api.last_resort import LastResort
from api.listening import Listeners
from api.problems import BODY_PROBLEMS, Problem, install, responses
from api.rates import AddressRate, Rate
from api.report_files.folders import sweep
from api.tracing import Traced
from api.watching import watching
from runtime.clock import SystemClock
from runtime.limits import LimitsFile
from runtime.metrics import Metrics
from runtime.settings import ApiSettings
from runtime.temporal import connect
from runtime.tls import neighbours_client
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
from workflows.control import CampaignControl
from workflows.tracing import Traces

_log = structlog.get_logger("execution")

_UPLOADS = ("/audiences", "/suppression/upload")
"""Where files come."""
_FORM_OVERHEAD = 256 * 1024
"""Bytes that the multipart form may add to an upload."""
_DESCRIPTION = """
Invites people to groups and channels, and writes to them, from your own accounts.

Upload a list (`POST /audiences`), make a campaign of it (`POST /invite`), watch it (`GET /invite/{id}/status`),
and read what became of everybody (`GET /invite/{id}/report`). Errors are `application/problem+json` with a stable
`type`.
"""
_TAGS = [
    {"name": "audiences", "description": "Lists of people: uploaded, cleaned, stored."},
    {"name": "messages", "description": "What is written: previews of it, and tests on oneself."},
    {"name": "campaigns", "description": "What is done to whom, and its control."},
    {"name": "statistics", "description": "How a campaign goes, and how it went."},
    {"name": "accounts", "description": "The accounts that do it, and their rights."},
    {"name": "suppression", "description": "Who must not be contacted, and who is to be forgotten."},
    {"name": "webhooks", "description": "Your server is told what happens to your campaigns."},
    {"name": "audit", "description": "Who did what, when and from where."},
    {"name": "owners", "description": "For administrators."},
    {"name": "hooks", "description": "For the services beside this one, which tell that something has changed."},
    {"name": "health", "description": "For those who run the service."},
]

_NONE_OF_ITS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's spans hold the path and the query string, in which people are; ours are `api.tracing`'s."""

_RESOURCES = (
    *(audiences, messages, campaigns, plan, reports, events),
    *(accounts, admin_check, suppression, webhook, audit, owners, hooks, health),
)


def create_app(settings: ApiSettings, services: Services | None = None, keys: KeySource | None = None) -> FastAPI:
    """The application. `services` ready-made are used as they are; else they are built when it starts.

    `keys`: what tokens are checked with; none: what the settings say.
    """
    app = FastAPI(
        title="Invite Service",
        version="0.1.0",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        lifespan=_lifespan(settings) if services is None else None,
        redoc_url=None,
        redirect_slashes=False,  # to where the request says that we are: behind TLS, a token would follow without it
        telemetry=_NONE_OF_ITS_OWN,
    )
    app.state.services = services
    app.state.tokens = Tokens(settings, keys)
    app.state.listeners = Listeners(settings.events_every.total_seconds(), settings.streams_per_owner, time.monotonic)
    app.state.leaving = False
    app.state.unforeseen = lambda: None
    app.state.at_once = AtOnce(settings.requests_at_once)
    app.state.owner_rate = Rate(settings.requests_per_owner, time.monotonic)
    for resource in _RESOURCES:
        app.include_router(resource.router)
    install(app)
    # The last one added is the outermost.
    app.add_middleware(
        BodyLimit,
        default=JSON_LIMIT,
        exceptions={
            **dict.fromkeys(_UPLOADS, settings.max_upload_bytes + _FORM_OVERHEAD),
            hooks.PATH: hooks.BODY_LIMIT,
        },
        pause=settings.body_timeout,
    )
    app.add_middleware(LastResort)
    app.add_middleware(AddressRate, rate=Rate(settings.requests_per_address, time.monotonic))
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-ID"],
            expose_headers=["Location", "Retry-After", "Content-Disposition", "X-Request-ID"],
        )
    app.add_middleware(Traced)
    app.add_middleware(RequestContext)
    app.add_middleware(SecurityHeaders, strict_transport=settings.strict_transport)
    _document_problems(app)
    return app


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def _lifespan(settings: ApiSettings) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        timeout = httpx.Timeout(settings.integration_timeout.total_seconds())
        database = Database(settings.database_url.get_secret_value(), settings.database_pool)
        metrics = Metrics()
        left = await asyncio.to_thread(sweep)
        if left:
            _log.info("report_folders_removed", folders=left)
        app.state.unforeseen = metrics.unforeseen
        try:
            # The issuer is none of the services beside ours: it sees no certificate, and others vouch for it.
            async with (
                neighbours_client(settings.neighbour_tls, settings.integration_timeout) as neighbours,
                httpx.AsyncClient(timeout=timeout, follow_redirects=False) as issuer,
            ):
                address, namespace = settings.temporal_address, settings.temporal_namespace
                temporal = await connect(address, namespace, settings.temporal_secured, [Traces()], lazy=True)
                services = await _services(settings, database, neighbours, temporal, metrics)
                app.state.services = services
                if settings.jwt_jwks_url:
                    app.state.tokens = Tokens(settings, _published(settings, settings.jwt_jwks_url, issuer))
                async with watching(metrics, services, temporal):
                    yield
        finally:
            await database.close()

    return lifespan


def _published(settings: ApiSettings, url: str, client: httpx.AsyncClient) -> PublishedKeys:
    return PublishedKeys(
        url,
        settings.jwt_algorithm,
        client,
        keep=settings.jwt_jwks_keep.total_seconds(),
        pause=settings.jwt_jwks_pause.total_seconds(),
        monotonic=time.monotonic,
    )


async def _services(
    settings: ApiSettings,
    database: Database,
    client: httpx.AsyncClient,
    temporal: temporalio.client.Client,
    metrics: Metrics,
) -> Services:
    limits = LimitsFile(settings.limits_file, metrics.limits_file)
    return Services(
        settings=settings,
        clock=SystemClock(),
        database=database,
        audit=AuditTrail(database),
        audiences=Audiences(database),
        imports=Imports(database, settings.file_limits),
        campaigns=Campaigns(database),
        messages=Messages(database),
        accounts=OwnedAccounts(database),
        owners=Owners(database),
        reports=Reports(database),
        events=Events(database),
        suppression=SuppressionList(database),
        erasing=Erasing(database),
        hooks=Hooks(database),
        planning=Planning(database, limits),
        integration=IntegrationService(settings.integration_url, client),
        control=CampaignControl(temporal, settings.temporal_task_queue, settings.temporal_timeout),
        limits=limits,
    )


def _document_problems(app: FastAPI) -> None:
    """Put the shape of errors into the OpenAPI, what may be wrong with any body, and let FastAPI's own 422 be the one
    that is answered."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            shapes = document.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            shapes.update(problem.pop("$defs", {}))
            shapes["Problem"] = problem
            shapes.pop("HTTPValidationError", None)
            shapes.pop("ValidationError", None)
            for operation in (each for path in document["paths"].values() for each in path.values()):
                if "requestBody" in operation:
                    for status, told in responses(*BODY_PROBLEMS).items():
                        operation["responses"].setdefault(str(status), told)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
