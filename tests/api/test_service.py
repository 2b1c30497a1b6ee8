"""The service as a whole: health, errors that no route made, the OpenAPI, the settings, the process."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from api.app import create_app
from api.dependencies import Services
from devstack.ports import free_ports
from domain.audience import DroppedLine
from domain.errors import NotFound
from runtime.metrics import Metrics
from runtime.settings import ApiSettings
from storage.audiences import Audiences
from storage.engine import Database
from storage.reports import PersonLine, Reports, Whole
from tests.api.conftest import Client, assert_problem, make_token

ROOT = Path(__file__).parents[2]


async def test_health(nobody: Client) -> None:
    assert (await nobody.get("/livez")).json() == {"status": "ok"}
    assert (await nobody.get("/readyz")).json() == {"status": "ok"}


async def test_without_the_database(app: FastAPI, settings: ApiSettings, owner: str) -> None:
    services: Services = app.state.services
    gone = Database("postgresql+psycopg://invite_api:hunter2@127.0.0.1:9/invite")
    broken = create_app(settings, replace(services, database=gone, campaigns=type(services.campaigns)(gone)))
    async with Client(broken, make_token(owner)) as client:
        for path in ("/readyz", "/invite"):
            answer = await client.get(path)
            assert_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "5"
            assert "hunter2" not in answer.text
        assert (await client.get("/livez")).status_code == 200
    await gone.close()


async def test_unknown_routes_and_methods(client: Client) -> None:
    assert_problem(await client.get("/nothing"), 404, "not-found")
    answer = await client.delete("/invite")
    assert_problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["allow"]
    assert_problem(await client.get("/invite/not-an-id"), 422, "invalid", "campaign_id")
    assert_problem(await client.get("/invite/", headers={"Host": "evil.example"}), 404, "not-found")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=yesterday", "before=2026-01-01T00:00:00"])
@pytest.mark.parametrize("path", ["/invite", "/audiences"])
async def test_bounds_of_lists(client: Client, path: str, query: str) -> None:
    assert_problem(await client.get(f"{path}?{query}"), 422, "invalid", query.split("=")[0])


class Failing:
    """A store that fails as nobody foresaw."""

    async def get(self, owner: str, campaign_id: object) -> None:
        raise RuntimeError("the person's phone is +79001234567")

    async def list(self, owner: str, limit: int, before: object = None, *, tests: bool = False) -> None:
        raise KeyError(owner)  # an error's text may hold anything


async def test_what_nobody_foresaw(app: FastAPI, settings: ApiSettings, owner: str) -> None:
    failing: Any = Failing()
    broken = create_app(settings, replace(app.state.services, campaigns=failing))
    metrics = Metrics()
    broken.state.unforeseen = metrics.unforeseen
    async with Client(broken, make_token(owner)) as client:
        with capture_logs() as logs:
            answer = await client.get("/invite")
        await client.get("/nowhere")
    assert_problem(answer, 500, "internal")
    assert metrics.registry.get_sample_value("invite_api_errors_total") == 1
    assert owner not in answer.text
    assert owner not in str(logs)
    assert logs[0]["error"] == "KeyError"
    assert "test_service.py" in logs[0]["trace"]


class Noting:
    """A store that notes what lines of the log carry when it is asked."""

    carried: dict[str, Any]

    async def get(self, owner: str, campaign_id: object) -> None:
        self.carried = get_contextvars()
        raise NotFound("campaign")


async def test_lines_of_a_request_carry_whose_it_is_and_what_it_is_about(
    app: FastAPI, settings: ApiSettings, owner: str
) -> None:
    noting: Any = Noting()
    watched = create_app(settings, replace(app.state.services, campaigns=noting))
    campaign = str(uuid4())
    async with Client(watched, make_token(owner)) as client:
        await client.get(f"/invite/{campaign}", headers={"X-Request-ID": "my-request"})
    told = {"request_id": "my-request", "owner": owner, "campaign_id": campaign}
    assert noting.carried.items() >= told.items()


class HalfRead(Whole):
    """A report that breaks off behind its first page."""

    async def pages(self, page: int = 1) -> AsyncIterator[Sequence[PersonLine]]:
        async for people in super().pages(page):
            yield people
            raise ConnectionError("hunter2")


class HalfReports(Reports):
    """A store of reports that break off."""

    @asynccontextmanager
    async def whole(
        self, owner: str, campaign_id: UUID, clock: Callable[[], Awaitable[datetime]]
    ) -> AsyncIterator[Whole]:
        async with super().whole(owner, campaign_id, clock) as found:
            found.__class__ = HalfRead
            yield found


@pytest.mark.parametrize("written", ["json", "csv", "xlsx"])
async def test_half_a_report_is_none(
    app: FastAPI, client: Client, settings: ApiSettings, owner: str, database: Database, written: str
) -> None:
    campaign = await client.campaign()
    broken = create_app(settings, replace(app.state.services, reports=HalfReports(database)))
    async with Client(broken, make_token(owner)) as other:
        answer = await other.get(f"/invite/{campaign}/report?format={written}")
    assert_problem(answer, 500, "internal")
    assert "hunter2" not in answer.text


class HalfAudiences(Audiences):
    """A store of which half the dropped lines are read."""

    async def dropped(self, owner: str, audience_id: UUID, after: int, limit: int) -> Sequence[DroppedLine]:
        if after:
            raise ConnectionError("hunter2")
        return await super().dropped(owner, audience_id, after, limit)


async def test_half_a_table_does_not_look_like_a_whole_one(
    app: FastAPI, client: Client, settings: ApiSettings, owner: str, database: Database
) -> None:
    audience = await client.audience(b"@anna\n!\n")
    broken = create_app(settings, replace(app.state.services, audiences=HalfAudiences(database)))
    async with Client(broken, make_token(owner)) as other:
        with pytest.raises(ConnectionAbortedError):  # which makes the server break the connection
            await other.get(f"/audiences/{audience}/dropped?format=csv")


async def test_commands_are_audited_without_anything_personal(client: Client, owner: str) -> None:
    with capture_logs() as logs:
        campaign = await client.campaign(message={"texts": ["a very secret text"]})
        await client.post(f"/invite/{campaign}/pause")
    events = [(each["event"], each.get("command")) for each in logs]
    assert events == [("audience_uploaded", None), ("campaign_created", None), ("campaign_commanded", "pause")]
    assert all(each["owner"] == owner for each in logs)
    assert "secret" not in str(logs)
    assert "anna" not in str(logs)


def test_the_openapi_describes_every_route(app: FastAPI) -> None:
    document = app.openapi()
    assert "bearerFormat" in document["components"]["securitySchemes"]["HTTPBearer"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            if path in ("/livez", "/readyz"):
                continue
            scheme = "ServiceBearer" if path.startswith("/hooks/") else "HTTPBearer"
            assert operation["security"] == [{scheme: []}], (method, path)
            assert {"401", "403", "503"} <= operation["responses"].keys(), (method, path)
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
    assert "HTTPValidationError" not in str(document)
    for name, schema in document["components"]["schemas"].items():
        if name in ("CampaignOut", "NewCampaignIn", "StatusOut", "AudienceOut", "AdminCheckIn", "AdminCheckOut"):
            assert schema["example"], name


async def test_the_documentation_is_served(nobody: Client) -> None:
    assert (await nobody.get("/docs")).status_code == 200
    assert (await nobody.get("/openapi.json")).json()["info"]["title"] == "Invite Service"


async def test_it_starts_and_reads_with_temporal_away(settings: ApiSettings, owner: str) -> None:
    app = create_app(settings.model_copy(update={"temporal_address": "127.0.0.1:9"}))
    async with app.router.lifespan_context(app), Client(app, make_token(owner)) as client:
        assert (await client.get("/invite")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200


async def test_a_broken_limits_file_is_a_metric_of_the_api_too(settings: ApiSettings, tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text(settings.limits_file.read_text())
    [port] = free_ports(1)
    app = create_app(settings.model_copy(update={"limits_file": file, "metrics_port": port}))
    async with app.router.lifespan_context(app), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as operator:
        assert "invite_limits_file_broken 0.0" in (await operator.get("/metrics")).text
        file.write_text("telegram = 5")
        app.state.services.limits()
        assert "invite_limits_file_broken 1.0" in (await operator.get("/metrics")).text


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVITE_")}
    return subprocess.run(
        [sys.executable, "-m", "api", *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_explains_the_settings() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for name in ApiSettings.model_fields:
        assert f"INVITE_{name.upper()}" in answer.stdout


def test_bad_settings_are_one_line_each_without_their_values() -> None:
    answer = run(INVITE_JWT_SECRET="short-secret", INVITE_MAX_ROWS="many-hunter2", INVITE_INTEGRATION_URL="http://x")
    assert answer.returncode == 2
    lines = answer.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == [
        "INVITE_DATABASE_URL",
        "INVITE_WEBHOOK_KEY",
        "INVITE_MAX_ROWS",
    ]
    assert "hunter2" not in answer.stderr
    secret = run(
        INVITE_JWT_SECRET="short-secret",
        INVITE_WEBHOOK_KEY="k" * 32,
        INVITE_DATABASE_URL="postgresql+psycopg://x",
        INVITE_INTEGRATION_URL="http://x",
    )
    assert secret.returncode == 2
    assert "short-secret" not in secret.stderr
    assert len(secret.stderr.splitlines()) == 1
