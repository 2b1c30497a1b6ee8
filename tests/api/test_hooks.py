"""`/hooks/integration`: signed, in time, once, by the role `service`; and never more than a reason to look."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.app import create_app
from api.dependencies import Services
from domain.signatures import SIGNATURE, TIMESTAMP, sign
from runtime.clock import SystemClock
from runtime.settings import ApiSettings
from tests.api.conftest import Client, ManualClock, assert_problem, make_token
from tests.api.control import RecordingControl
from tests.api.test_audit import trail

HOOK = "/hooks/integration"
SECRET, BEFORE = "h" * 40, "b" * 40
PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"


@pytest.fixture
def settings(settings: ApiSettings) -> ApiSettings:
    return ApiSettings(**settings.model_dump() | {"hook_secret": SECRET, "hook_secret_before": BEFORE})


@dataclass
class IntegrationService:
    """As it tells of accounts. `at` of a call: when it is signed, from now."""

    app: FastAPI
    clock: ManualClock
    owner: str

    def body(self, **changes: Any) -> bytes:
        told = {
            "id": str(uuid4()),
            "event": "account.enabled",
            "user_id": self.owner,
            "platform": "telegram",
            "account_id": "a1",
        } | changes
        return json.dumps({name: value for name, value in told.items() if value is not None}).encode()

    async def tells(
        self, body: bytes | None = None, *, secret: str = SECRET, at: timedelta = timedelta(0), **changes: Any
    ) -> httpx.Response:
        sent = body or self.body(**changes)
        return await self.sends(sent, sign(secret, self.clock.at + at, sent))

    async def sends(self, body: bytes, headers: Mapping[str, str], app: FastAPI | None = None) -> httpx.Response:
        async with Client(app or self.app, make_token("integration-service", ("service",))) as client:
            more = {"Content-Type": "application/json", **headers}
            return await client.post(HOOK, content=body, headers=more)


@pytest.fixture
def integration(app: FastAPI, clock: ManualClock, owner: str) -> IntegrationService:
    return IntegrationService(app, clock, owner)


async def test_campaigns_look_at_once_and_the_owner_sees_who_told(
    client: Client, integration: IntegrationService, control: RecordingControl
) -> None:
    campaign = await client.campaign()
    paused = await client.campaign(account_ids=["a2"])
    answer = await integration.tells(account_id="a1")
    assert answer.status_code == 202
    assert answer.json()["repeated"] is False
    assert [str(each) for each in control.told] == [campaign]
    await integration.tells(event="account.credentials_changed", account_id="a2")
    assert sorted(str(each) for each in control.told[1:]) == sorted([campaign, paused])
    [_, first] = await trail(client, event="account_told_of")
    assert (first["actor"], first["roles"], first["subject"]) == ("integration-service", ["service"], "a1")
    assert first["details"] == {"change": "account.enabled", "campaigns": 1}


async def test_what_integration_service_would_write_by_the_documentation(
    app: FastAPI, integration: IntegrationService, clock: ManualClock
) -> None:
    page = PAGE.read_text()
    names: dict[str, Any] = {}
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, names)
    [told] = re.findall(r"^    (\{.*?\})\n\n", page, re.DOTALL | re.MULTILINE)
    clock.at = await SystemClock().now()
    headers, body = names["signed"](SECRET, json.loads(told) | {"id": str(uuid4())})
    assert abs(int(headers[TIMESTAMP]) - time.time()) < 60
    assert (await integration.sends(body, headers)).status_code == 202
    example = app.openapi()["components"]["schemas"]["AccountHookIn"]["example"]
    assert example == json.loads(told), "the page and the OpenAPI say the same"


async def test_a_delivery_that_comes_again_does_nothing_by_whichever_process(
    client: Client, integration: IntegrationService, control: RecordingControl, settings: ApiSettings, app: FastAPI
) -> None:
    await client.campaign()
    body = integration.body()
    headers = sign(SECRET, integration.clock.at, body)
    other = create_app(settings, app.state.services)
    assert (await integration.sends(body, headers)).status_code == 202
    for process in (app, other):
        again = await integration.sends(body, headers, process)
        assert (again.status_code, again.json()["repeated"]) == (200, True)
    signed_anew = await integration.tells(body, at=timedelta(minutes=1))
    assert signed_anew.status_code == 200
    assert len(control.told) == 1
    assert len(await trail(client, event="account_told_of")) == 1


@pytest.mark.parametrize("at", [timedelta(seconds=-302), timedelta(seconds=302), timedelta(days=-1)])
async def test_one_that_was_recorded_and_one_that_is_to_come(integration: IntegrationService, at: timedelta) -> None:
    assert_problem(await integration.tells(at=at), 401, "not-genuine")


async def test_forged_ones_learn_nothing_and_are_logged(
    client: Client, integration: IntegrationService, control: RecordingControl
) -> None:
    await client.campaign()
    body = integration.body()
    right = sign(SECRET, integration.clock.at, body)
    forged = [
        (body, {}),
        (body, {TIMESTAMP: right[TIMESTAMP]}),
        (body, {SIGNATURE: right[SIGNATURE]}),
        (body, sign("x" * 40, integration.clock.at, body)),
        (body.replace(b"a1", b"a2"), right),
        (body + b" ", right),
        (b"{}", right),
        (body, right | {TIMESTAMP: str(int(right[TIMESTAMP]) + 1)}),
    ]
    for sent, headers in forged:
        with capture_logs() as logs:
            refused = assert_problem(await integration.sends(sent, headers), 401, "not-genuine")
        assert "not that of this body" in refused["detail"]
        assert [line["event"] for line in logs] == ["hook_refused"]
        assert SECRET not in str(logs)
    assert control.told == []


async def test_both_secrets_are_taken_while_one_follows_the_other(integration: IntegrationService) -> None:
    for secret in (SECRET, BEFORE):
        assert (await integration.tells(secret=secret)).status_code == 202


@pytest.mark.parametrize("roles", [("user",), ("admin",), ("user", "admin"), ()])
async def test_a_signature_alone_is_not_enough(
    app: FastAPI, integration: IntegrationService, nobody: Client, owner: str, roles: tuple[str, ...]
) -> None:
    body = integration.body()
    headers = sign(SECRET, integration.clock.at, body) | {"Content-Type": "application/json"}
    assert_problem(await nobody.post(HOOK, content=body, headers=headers), 401, "unauthenticated")
    async with Client(app, make_token(owner, roles)) as client:
        assert_problem(await client.post(HOOK, content=body, headers=headers), 403, "no-role")


async def test_the_role_service_alone_reads_and_changes_nothing(app: FastAPI, client: Client, owner: str) -> None:
    ids = {"campaign_id": await client.campaign(), "audience_id": await client.audience()}
    ids |= {"account_id": "a1", "identifier": "@anna", "check_id": str(uuid4())}
    asked = 0
    async with Client(app, make_token(owner, ("service",))) as service:
        for path, operations in app.openapi()["paths"].items():
            for method in operations:
                if path not in (HOOK, "/livez", "/readyz"):
                    for named in ({}, {"owner": owner}):
                        answer = await service.request(method, path.format(**ids), params=named)
                        assert_problem(answer, 403, "no-role")
                        asked += 1
        assert_problem(await service.post(HOOK, content=b"{}"), 401, "not-genuine")
    assert asked > 60


async def test_others_owners_and_accounts_answer_the_same(
    client: Client, stranger: Client, integration: IntegrationService, control: RecordingControl
) -> None:
    mine, theirs = await client.campaign(), await stranger.campaign(account_ids=["s1"])
    answers = [
        await integration.tells(account_id="s1"),  # an account of another owner's, in this one's name
        await integration.tells(user_id="nobody-knows-them"),
        await integration.tells(platform="carrier-pigeon"),
    ]
    assert [each.status_code for each in answers] == [202] * 3
    assert {frozenset(each.json()) for each in answers} == {frozenset({"id", "repeated"})}
    assert [str(each) for each in control.told] == [mine], "the owner's own list tells whether there is such an account"
    assert theirs not in [str(each) for each in control.told]
    assert await trail(stranger, event="account_told_of") == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": None}, "id"),
        ({"id": "one"}, "id"),
        ({"event": "account.sold"}, "event"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a\0b"}, "user_id"),
        ({"account_id": "x" * 201}, "account_id"),
        ({"platform": 5}, "platform"),
    ],
)
async def test_what_is_wrong_is_named(integration: IntegrationService, change: Any, named: str) -> None:
    assert_problem(await integration.tells(**change), 422, "invalid", named)


async def test_what_it_may_add_later_is_not_read(integration: IntegrationService) -> None:
    assert (await integration.tells(at_their_place="noon")).status_code == 202


async def test_a_body_that_is_too_long_is_not_read(integration: IntegrationService) -> None:
    assert_problem(await integration.tells(padding="x" * 20_000), 413, "too-large")


async def test_without_a_secret_no_hooks_are_taken(
    app: FastAPI, integration: IntegrationService, settings: ApiSettings
) -> None:
    services: Services = app.state.services
    without = settings.model_copy(update={"hook_secret": None, "hook_secret_before": None})
    app.state.services = Services(**{**vars(services), "settings": without})
    problem = assert_problem(await integration.tells(), 404, "not-found")
    assert "INVITE_HOOK_SECRET" in problem["detail"]


async def test_while_temporal_is_away_it_is_taken_and_stands(
    client: Client, integration: IntegrationService, control: RecordingControl
) -> None:
    await client.campaign()
    control.away = True
    with capture_logs() as logs:
        assert (await integration.tells()).status_code == 202
    assert "campaigns_not_told" in [line["event"] for line in logs]
