"""A stage for workflows: a server, the real workflows, and fake activities on the shared and a worker's queue."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker, WorkerDeploymentConfig

from domain.platform import Action
from domain.why import Why
from runtime.temporal import CONVERTER
from tests.workflows.fakes import (
    ACCOUNT,
    CAMPAIGN,
    OWNER,
    PLATFORM,
    QUEUE,
    WORKER_QUEUE,
    FakeAccounts,
    FakeActions,
    FakeCampaigns,
    FakeHousekeeping,
    FakeImports,
    FakeMembership,
    FakeWebhooks,
    own_activities,
    shared_activities,
)
from tests.workflows.listener import ListenerWorkflow
from workflows import names
from workflows.account_run import AccountRun, AccountRunWorkflow
from workflows.admin_check import AdminCheckWorkflow
from workflows.audience_import import AudienceImportWorkflow
from workflows.campaign import CampaignRun, CampaignWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.membership import MembershipWorkflow
from workflows.retention import RetentionWorkflow
from workflows.webhook import WebhookWorkflow

WORKFLOWS = [
    CampaignWorkflow,
    AccountRunWorkflow,
    AdminCheckWorkflow,
    AudienceImportWorkflow,
    HousekeepingWorkflow,
    MembershipWorkflow,
    RetentionWorkflow,
    WebhookWorkflow,
]
PATIENCE = timedelta(seconds=15)
"""How long, in real time, a test waits for what must come."""

_BINARIES = Path(sys.executable).parent
_KEYWORD, _INT = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_INT
_ATTRIBUTES = {"InviteOwner": _KEYWORD, "InvitePlatform": _KEYWORD, "InviteState": _KEYWORD, "InvitePriority": _INT}


class EnvClock:
    """The `Clock` port with Temporal's skipped time."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self._env = env

    async def now(self) -> datetime:
        return await self._env.get_current_time()


class Stage:
    """What a test plays on."""

    def __init__(self, env: WorkflowEnvironment, own_client: Client) -> None:
        self.env = env
        self.client = env.client
        self.clock = EnvClock(env)
        self.actions = FakeActions(self.clock)
        self.accounts = FakeAccounts(self.clock)
        self.campaigns = FakeCampaigns(self.clock)
        self.housekeeping = FakeHousekeeping()
        self.imports = FakeImports()
        self.membership = FakeMembership()
        self.webhooks = FakeWebhooks(self.clock)
        self._own_client = own_client

    def shared_worker(self, client: Client | None = None, deployment: WorkerDeploymentConfig | None = None) -> Worker:
        activities = shared_activities(
            self.accounts, self.campaigns, self.housekeeping, self.imports, self.membership, self.webhooks
        )
        return Worker(
            client or self.client,
            task_queue=QUEUE,
            workflows=[*WORKFLOWS, ListenerWorkflow],
            activities=activities,
            deployment_config=deployment,
        )

    def own_worker(self, client: Client | None = None, queue: str = WORKER_QUEUE) -> Worker:
        activities = own_activities(self.actions, self.accounts, self.membership)
        return Worker(
            client or self._own_client,
            task_queue=queue,
            activities=activities,
            max_heartbeat_throttle_interval=timedelta(milliseconds=50),
        )

    async def another_client(self) -> Client:
        """One client polls one queue."""
        return await _another_client(self.env)

    async def start_run(self, run: AccountRun | None = None) -> WorkflowHandle[AccountRunWorkflow, None]:
        run = run or AccountRun(OWNER, CAMPAIGN, ACCOUNT, PLATFORM, PLATFORM, Action.INVITE)
        return await self.client.start_workflow(
            AccountRunWorkflow.run, run, id=names.account_run(CAMPAIGN, run.account_id), task_queue=QUEUE
        )

    async def start_campaign(self, run: CampaignRun | None = None) -> WorkflowHandle[CampaignWorkflow, None]:
        return await self.client.start_workflow(
            CampaignWorkflow.run, run or CampaignRun(OWNER, CAMPAIGN), id=names.campaign(CAMPAIGN), task_queue=QUEUE
        )

    async def start_listener(self, workflow_id: str) -> WorkflowHandle[ListenerWorkflow, None]:
        return await self.client.start_workflow(ListenerWorkflow.run, id=workflow_id, task_queue=QUEUE)

    def run_of(self, account_id: str = ACCOUNT) -> WorkflowHandle[AccountRunWorkflow, None]:
        """The account's run, whichever of its continuations."""
        return self.client.get_workflow_handle_for(AccountRunWorkflow.run, names.account_run(CAMPAIGN, account_id))


async def eventually(condition: Callable[[], bool], patience: timedelta = PATIENCE) -> None:
    """Wait in real time until it holds."""
    ends = time.monotonic() + patience.total_seconds()
    while not condition():
        assert time.monotonic() < ends, f"did not come true within {patience}"
        await asyncio.sleep(0.005)


async def rests_for(run: WorkflowHandle[Any, Any], why: Why) -> None:
    """Wait in real time until the run, or the campaign, says that."""
    found: object = None

    async def says_so() -> bool:
        nonlocal found
        found = await run.query("why")
        return isinstance(found, dict) and found["code"] == why.value

    try:
        await eventually_true(says_so)
    except AssertionError:
        raise AssertionError(f"{found} did not become {why} within {PATIENCE}") from None


async def eventually_in(handle: WorkflowHandle[Any, Any], query: str, expected: object) -> None:
    """Wait in real time until the workflow says so."""
    found: object = None

    async def says_so() -> bool:
        nonlocal found
        found = await handle.query(query)
        return found == expected

    try:
        await eventually_true(says_so)
    except AssertionError:
        raise AssertionError(f"{query}: {found} did not become {expected} within {PATIENCE}") from None


async def eventually_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait in real time until it holds; a workflow that is not there yet may still come."""
    ends = time.monotonic() + PATIENCE.total_seconds()
    while not await _holds(condition):
        assert time.monotonic() < ends, f"did not come true within {PATIENCE}"
        await asyncio.sleep(0.005)


async def _holds(condition: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await condition()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise


@asynccontextmanager
async def skipping_stage(*, own_worker: bool = True) -> AsyncIterator[Stage]:
    """A stage on a server that skips time. `own_worker`: whether the worker's own queue is served."""
    server = await WorkflowEnvironment.start_time_skipping(
        data_converter=CONVERTER, test_server_existing_path=str(_BINARIES / "temporal-test-server")
    )
    async with server as env:
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace="default", search_attributes=_ATTRIBUTES)
        )
        async with _served(env, own_worker=own_worker) as stage:
            yield stage


@asynccontextmanager
async def dev_server_stage(suggest_continue_as_new_at: int, *, served: bool = True) -> AsyncIterator[Stage]:
    """A stage on the development server, which suggests to continue as new after so many events of history.

    `served`: whether workers run already."""
    setting = f"limit.historyCount.suggestContinueAsNew={suggest_continue_as_new_at}"
    arguments = ["--dynamic-config-value", setting]
    for name, kind in _ATTRIBUTES.items():
        arguments += ["--search-attribute", f"{name}={'Int' if kind == _INT else 'Keyword'}"]
    server = await WorkflowEnvironment.start_local(
        data_converter=CONVERTER,
        ui=False,
        dev_server_existing_path=str(_BINARIES / "temporal"),
        dev_server_extra_args=arguments,
    )
    async with server as env:
        if not served:
            yield Stage(env, await _another_client(env))
            return
        async with _served(env) as stage:
            yield stage


@asynccontextmanager
async def _served(env: WorkflowEnvironment, *, own_worker: bool = True) -> AsyncIterator[Stage]:
    stage = Stage(env, await _another_client(env))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stage.shared_worker())
        if own_worker:
            await stack.enter_async_context(stage.own_worker())
        yield stage


async def _another_client(env: WorkflowEnvironment) -> Client:
    return await Client.connect(env.client.service_client.config.target_host, data_converter=CONVERTER)
