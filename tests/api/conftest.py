"""The application over ASGI, on a real PostgreSQL as role invite_api; an owner of its own per test."""

import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
import structlog
from fastapi import FastAPI
from starlette.routing import BaseRoute

from api.app import create_app
from api.dependencies import Services
from domain.outcome import Kind, Reason
from runtime.limits import LimitsFile
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
from tests.api.command_line import Invite, serving, surroundings
from tests.api.control import RecordingControl
from tests.api.neighbour import Neighbour, account
from tests.api.settled import PEOPLE, let_in, settle

SECRET = secrets.token_urlsafe(32)


@dataclass
class ManualClock:
    """Time stands until a test moves it."""

    at: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)

    async def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)  # two things made in a row have an order
        return self.at


def make_token(
    owner: str,
    roles: Any = ("user",),
    key: Any = SECRET,
    algorithm: str = "HS256",
    headers: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A token that is right unless `claims` say otherwise; None takes a claim out."""
    everything = {
        "sub": owner,
        "aud": "invite-service",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        "roles": list(roles) if isinstance(roles, tuple) else roles,
    } | claims
    given = {name: value for name, value in everything.items() if value is not None}
    return jwt.encode(given, key, algorithm, dict(headers or {}))


@pytest.fixture(scope="session")
def api_urls(new_database: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """One database for all tests of the API: their owners differ."""
    return new_database()


@pytest.fixture
def settings(api_urls: Mapping[str, str]) -> ApiSettings:
    return ApiSettings(
        database_url=api_urls["invite_api"],
        integration_url="http://integration.test",
        jwt_secret=SECRET,
        webhook_key=SECRET,
        max_upload_bytes=2 * 1024 * 1024,
        max_rows=5_000,
        events_every=timedelta(milliseconds=50),
        streams_per_owner=3,
    )


@pytest.fixture
async def database(settings: ApiSettings) -> AsyncIterator[Database]:
    database = Database(settings.database_url.get_secret_value(), pool_size=5)
    yield database
    await database.close()


@pytest.fixture
async def worker_database(api_urls: Mapping[str, str]) -> AsyncIterator[Database]:
    """As the worker connects: it writes what the API may not."""
    database = Database(api_urls["invite_worker"], pool_size=2)
    yield database
    await database.close()


@pytest.fixture
def owner() -> str:
    return f"owner-{uuid4().hex[:12]}"


@pytest.fixture
def control() -> RecordingControl:
    return RecordingControl()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def neighbour(owner: str) -> Neighbour:
    return Neighbour({owner: [account("a1"), account("a2")]})


@pytest.fixture(scope="session")
def ready_routers() -> list[BaseRoute]:
    """Those of the first application. FastAPI makes routes ready at an application's first request, which takes longer
    than most tests do."""
    return []


@pytest.fixture
def app(
    settings: ApiSettings,
    database: Database,
    control: RecordingControl,
    clock: ManualClock,
    neighbour: Neighbour,
    ready_routers: list[BaseRoute],
) -> FastAPI:
    limits = LimitsFile(settings.limits_file)
    http = httpx.AsyncClient(transport=httpx.MockTransport(neighbour))
    app = create_app(
        settings,
        Services(
            settings=settings,
            clock=clock,
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
            integration=IntegrationService(settings.integration_url, http),
            control=control,
            limits=limits,
        ),
    )
    own = [route for route in app.router.routes if not hasattr(route, "original_router")]
    ready_routers.extend(app.router.routes[len(own) + len(ready_routers) :])
    app.router.routes[:] = [*own, *ready_routers]
    return app


class Client(httpx.AsyncClient):
    """The API as one owner sees it."""

    def __init__(self, app: FastAPI, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(transport=httpx.ASGITransport(app), base_url="http://api.test", headers=headers)

    async def upload(self, content: bytes, **fields: str) -> httpx.Response:
        """Upload a file."""
        return await self.post("/audiences", files={"file": ("people.csv", content)}, data=fields)

    async def audience(self, content: bytes = b"username\n@anna\n@boris\n@vera\n") -> str:
        """Upload a good file; its id."""
        answer = await self.upload(content)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def invite(self, key: str | None = None, **changes: Any) -> httpx.Response:
        """Ask for a campaign; of a new audience unless one is named."""
        body = {
            "name": "Spring",
            "platform": "telegram",
            "audience_id": changes.pop("audience_id", None) or await self.audience(),
            "action": "invite",
            "destination": "https://t.me/Spring_Meeting",
            "message": {"texts": ["Hello!"]},
            "message_when_refused": True,
        } | changes
        body = {name: value for name, value in body.items() if value is not ...}
        return await self.post("/invite", json=body, headers={"Idempotency-Key": key} if key else {})

    async def campaign(self, **changes: Any) -> str:
        """Make a campaign; its id."""
        answer = await self.invite(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture
async def client(app: FastAPI, owner: str) -> AsyncIterator[Client]:
    async with Client(app, make_token(owner)) as client:
        yield client


@pytest.fixture
async def stranger(app: FastAPI, neighbour: Neighbour) -> AsyncIterator[Client]:
    """Another owner, who has accounts of their own."""
    name = f"stranger-{uuid4().hex[:12]}"
    neighbour.accounts[name] = [account("s1")]
    async with Client(app, make_token(name)) as client:
        yield client


@pytest.fixture
async def nobody(app: FastAPI) -> AsyncIterator[Client]:
    """Without a token."""
    async with Client(app, None) as client:
        yield client


def assert_problem(answer: httpx.Response, status: int, kind: str, field: str | None = None) -> dict[str, Any]:
    """It is a problem of this kind, about this field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:invite-service:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    if field is not None:
        assert field in [each["field"] for each in body["errors"]], body
    return body


@pytest.fixture
async def campaign(client: Client, worker_database: Database, owner: str) -> str:
    """One invited, one refused, one without a path, one waiting."""
    campaign = await client.campaign(audience_id=await client.audience(PEOPLE))
    await let_in(worker_database, owner, campaign)
    await settle(worker_database, owner, campaign, 0, Kind.INVITED)
    await settle(worker_database, owner, campaign, 1, Kind.REFUSED, Reason.PRIVACY)
    return campaign


@pytest.fixture
async def invite(app: FastAPI, owner: str, tmp_path: Path) -> AsyncIterator[Invite]:
    """The command `invite` of an owner, against this API on loopback."""
    # Logs go to the real standard error: the command's own streams are looked at.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
    try:
        async with serving(app) as address:
            token = make_token(owner)
            yield Invite(surroundings(tmp_path) | {"INVITE_API": address, "INVITE_TOKEN": token}, token)
    finally:
        structlog.reset_defaults()
