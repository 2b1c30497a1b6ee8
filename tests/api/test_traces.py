"""From a request to the platform's call: real workflows, activities and stores, and what a collector is told."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import format_trace_id
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client as TemporalClient
from temporalio.testing import WorkflowEnvironment

from devstack.ports import HOST, free_ports
from domain.platform import DRY_RUN, Action
from runtime.settings import ApiSettings, WorkerSettings
from runtime.temporal import CONVERTER, connect
from tests.api.conftest import SECRET, Client
from tests.simulation.platform import Platform, SimulatedAdapter
from tests.simulation.town import _KINDS, Neighbour
from tests.traces import Told, collector, told
from tests.workflows.stage import EnvClock
from worker import Process
from workflows.control import CampaignControl
from workflows.tracing import Traces

ROOT = Path(__file__).parent.parent.parent
QUEUE = "traces"
PEOPLE = ("anna_k", "boris_1980", "vera_petrova")
TEXT, DESTINATION = "Come and see us", "Spring_Meeting"
PATIENCE = 20
LIMITS = """
[telegram]
gap = { shortest = "1ms", longest = "2ms" }
limited_rests = ["2s"]
unavailable_rest = "1s"
daily = { invite = 100, message = 100, message_with_link = 100, forward = 100, add_contact = 100, resolve = 100 }
"""


@pytest.fixture
def spans() -> Iterator[Told]:
    with told() as found:
        yield found


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """It skips no time here: nobody asks it to."""
    server = await WorkflowEnvironment.start_time_skipping(
        data_converter=CONVERTER, test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server")
    )
    async with server as env:
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace="default", search_attributes=_KINDS)
        )
        yield env


async def _connected(env: WorkflowEnvironment) -> TemporalClient:
    return await connect(env.client.service_client.config.target_host, "default", interceptors=[Traces()])


@pytest.fixture
def settings(settings: ApiSettings, tmp_path: Path) -> ApiSettings:
    file = tmp_path / "limits.toml"
    file.write_text(LIMITS + LIMITS.replace("telegram", DRY_RUN))
    return settings.model_copy(update={"limits_file": file, "admin_check_wait": timedelta(seconds=PATIENCE)})


@pytest.fixture
async def control(env: WorkflowEnvironment) -> CampaignControl:
    return CampaignControl(await _connected(env), QUEUE, timedelta(seconds=PATIENCE))


@pytest.fixture
def clock(env: WorkflowEnvironment) -> EnvClock:
    return EnvClock(env)


class Listed(Neighbour):
    """integration-service, which keeps the traces that it was told to go on with."""

    def __init__(self) -> None:
        super().__init__()
        self.traces: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.traces.append(request.headers.get("traceparent", "").split("-")[1])
        return await super().__call__(request)


@pytest.fixture
async def neighbour(owner: str, clock: EnvClock) -> Listed:
    listed = Listed()
    listed.put(owner, "a1", await clock.now() - timedelta(days=400))
    return listed


async def nobody_else(account_id: str, label: str, action: Action) -> Sequence[str]:
    return ()


@pytest.fixture
async def worker(
    env: WorkflowEnvironment, api_urls: dict[str, str], settings: ApiSettings, neighbour: Listed, clock: EnvClock
) -> AsyncIterator[Process]:
    """A worker's whole process, with a platform that is played."""
    of_worker = WorkerSettings(
        database_url=api_urls["invite_worker"],
        temporal_task_queue=QUEUE,
        integration_url="http://integration.test",
        parsing_url="http://parsing.test",
        vault_url="http://vault.test",
        vault_role_id="none",
        vault_secret_id="none",
        service_jwt_secret=SECRET,
        webhook_key=SECRET,
        limits_file=settings.limits_file,
    )
    async with AsyncExitStack() as stack:
        http = httpx.AsyncClient(transport=httpx.MockTransport(neighbour))
        await stack.enter_async_context(http)
        platform = {"telegram": SimulatedAdapter(Platform(clock, nobody_else))}
        process = Process(of_worker, await _connected(env), await _connected(env), http, clock, platform)
        stack.push_async_callback(process.database.close)
        stack.push_async_callback(process.open_accounts.close_all)
        for each in process.workers():
            await stack.enter_async_context(each)
        yield process


async def in_state(client: Client, campaign: str, *states: str) -> None:
    ends = time.monotonic() + PATIENCE
    while (status := (await client.get(f"/invite/{campaign}/status")).json())["state"] not in states:
        assert time.monotonic() < ends, json.dumps(status, indent=1)
        await asyncio.sleep(0.05)


def the(spans: Told, name: str) -> ReadableSpan:
    """The only one of this name."""
    [found] = spans.named(name)
    return found


def about(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def assert_nobody_in(spans: Told, *words: str) -> None:
    """None of a person's data, no text, no destination, in anything that left."""
    everything = "\n".join(span.to_json() for span in spans.spans)
    for word in (*PEOPLE, TEXT, DESTINATION, *words):
        assert not re.search(re.escape(word), everything, re.IGNORECASE), word


async def test_an_admin_check_is_one_trace(spans: Told, client: Client, worker: Process, neighbour: Listed) -> None:
    body = {"platform": "telegram", "destination": f"@{DESTINATION}"}
    answer = await client.post("/admin-check", json=body, headers={"X-Request-ID": "a-request-of-mine"})
    assert answer.json()["finished"], answer.text
    call = the(spans, "telegram check_destination")
    assert spans.way(call) == [
        "POST /admin-check",
        "start AdminCheckWorkflow",
        "AdminCheckWorkflow: open_account",
        "open_account",
        "telegram check_destination",
    ]
    request = the(spans, "POST /admin-check")
    assert about(request) == {
        "http.request.method": "POST",
        "http.route": "/admin-check",
        "http.response.status_code": 200,
        "request_id": "a-request-of-mine",
        "owner": about(the(spans, "open_account"))["owner"],
    }
    asked = [spans.way(each)[:-1] for each in spans.named("GET integration-service")]
    assert asked == [
        ["POST /admin-check"],
        ["POST /admin-check", "start AdminCheckWorkflow", "AdminCheckWorkflow: list_accounts", "list_accounts"],
    ]
    assert set(neighbour.traces) == {format_trace_id(request.context.trace_id)}
    assert_nobody_in(spans)


async def test_each_action_of_a_campaign_is_a_trace_linked_to_the_request(
    spans: Told, client: Client, worker: Process, owner: str
) -> None:
    audience = await client.audience(("username\n" + "\n".join(PEOPLE)).encode())
    wish = {"name": "Spring", "platform": "telegram", "audience_id": audience, "action": "message", "pace": "fast"}
    made = await client.post("/invite", json=wish | {"message": {"texts": [TEXT]}})
    assert made.status_code == 201, made.text
    campaign = made.json()["id"]
    await in_state(client, campaign, "done")
    request = the(spans, "POST /invite")
    assert about(spans.named("GET /invite/{campaign_id}/status")[0])["campaign_id"] == campaign
    calls = spans.named("telegram send")
    assert len({call.context.trace_id for call in calls}) == len(PEOPLE), "one trace per action"
    for call in calls:
        *above, turn, _ = spans.way(call)
        assert turn == "turn"
        assert above in ([], ["AccountRunWorkflow: send_message", "send_message"])
        trace = spans.of(call.context.trace_id)
        assert {"begin", "telegram find", "identify", "mark sent", "telegram send", "settle"} <= {
            span.name for span in trace
        }
        [of_turn] = [span for span in trace if span.name == "turn"]
        [beginning] = [span for span in trace if span.parent is None]
        ids = {"owner": owner, "campaign_id": campaign, "account_id": "a1"}
        ids |= {"caused_by": format_trace_id(request.context.trace_id)}
        for span in (of_turn, beginning):
            assert ids.items() <= about(span).items()
        assert about(of_turn)["action"] == "message"
        assert about(call) == {"platform": "telegram", "outcome": "messaged", "reason": ""}
        assert beginning.links
    assert len({about(span)["turn"] for span in spans.named("turn")}) == len(PEOPLE)
    [told] = spans.named("start CampaignWorkflow")
    review = spans.named("CampaignWorkflow: review_campaign")[0]
    assert [link.context.span_id for link in review.links] == [told.context.span_id]
    assert told.context.trace_id == request.context.trace_id
    assert [span.name for span in spans.of(request.context.trace_id)].count("turn") == 0
    assert_nobody_in(spans)


async def test_a_test_message_is_one_trace(spans: Told, client: Client, worker: Process) -> None:
    body = {"platform": "telegram", "account_id": "a1", "to": f"@{PEOPLE[0]}", "message": {"texts": [TEXT]}}
    made = await client.post("/messages/test", json=body)
    assert made.status_code == 201, made.text
    await in_state(client, made.json()["id"], "done")
    assert spans.way(the(spans, "telegram send")) == [
        "POST /messages/test",
        "start CampaignWorkflow",
        "AccountRunWorkflow: send_message",
        "send_message",
        "turn",
        "telegram send",
    ]
    assert_nobody_in(spans)


async def test_a_person_is_in_no_name(spans: Told, client: Client) -> None:
    assert (await client.delete(f"/people/@{PEOPLE[0]}")).status_code == 200
    theirs = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": f"somebody={PEOPLE[2]}"}
    nowhere = await client.get(f"/nowhere/{PEOPLE[0]}?name={PEOPLE[1]}", headers=theirs)
    assert nowhere.status_code == 404
    assert {span.name for span in spans.spans} == {"DELETE /people/{identifier:path}", "GET unknown"}
    assert not any(span.parent for span in spans.spans), "a caller's trace is not gone on with"
    assert_nobody_in(spans)


def test_the_api_tells_what_is_left_before_it_ends(settings: ApiSettings) -> None:
    [port] = free_ports(1)
    with collector() as (address, sent):
        environment = {
            "INVITE_DATABASE_URL": settings.database_url.get_secret_value(),
            "INVITE_INTEGRATION_URL": settings.integration_url,
            "INVITE_JWT_SECRET": SECRET,
            "INVITE_WEBHOOK_KEY": SECRET,
            "INVITE_API_PORT": str(port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        }
        process = subprocess.Popen([sys.executable, "-m", "api"], cwd=ROOT, env=os.environ | environment)
        try:
            ends = time.monotonic() + 60
            while True:
                try:
                    assert httpx.get(f"http://{HOST}:{port}/nowhere", trust_env=False).status_code == 404
                    break
                except httpx.TransportError:
                    assert time.monotonic() < ends
                    time.sleep(0.05)
        finally:
            process.terminate()
            process.wait(30)
    assert b"GET unknown" in b"".join(body for _, body in sent)
