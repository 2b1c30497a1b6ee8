"""The whole service in skipped time: real workflows, activities and stores, a platform and a neighbour that are played.

Time is Temporal's; it jumps from one thing that happens to the next. Only leases run on the wall clock.

Temporal can lose all that it knew (docs/operations.md tells operators that everything goes on from the database). In
long courses it does so again and again: an action costs the test server the more the more it has seen (`skipping.py`).
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import psycopg
from psycopg.rows import dict_row
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from domain.audience import Contact, Line
from domain.campaign import Command
from domain.message import Message
from domain.plan import Plan, plan
from domain.platform import Action, Budget, Identifier
from domain.ports import LimitsSource
from domain.terms import Terms
from runtime.limits import LimitsFile
from runtime.settings import WorkerSettings
from runtime.temporal import CONVERTER
from storage.audiences import Audiences
from storage.campaigns import Campaigns, CampaignView, Edit, NewCampaign
from storage.engine import Database
from storage.neighbours import read_account
from storage.planning import Planning
from storage.reports import Reports
from tests.simulation.platform import REFUSE, Platform, SimulatedAdapter
from tests.simulation.skipping import AtWork, sleep_until
from worker import Process
from workflows.control import CampaignControl

PLATFORM = "telegram"
_SECRET = "s" * 32
_QUEUE = "simulation"
_PATIENCE = timedelta(seconds=60)
_STEP = timedelta(hours=12)
_WORN = 2500
"""Actions after which another test server takes the place of the one that has seen them."""
_KINDS = {
    "InviteOwner": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "InvitePlatform": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "InviteState": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "InvitePriority": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}


@dataclass
class Neighbour:
    """integration-service: accounts by owner, as it writes them."""

    accounts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def put(self, owner: str, account_id: str, created_at: datetime, version: int = 1, status: str = "active") -> None:
        """List an account, or list it anew."""
        self.accounts.setdefault(owner, {})[account_id] = {
            "id": account_id,
            "label": account_id,
            "platform": PLATFORM,
            "status": status,
            "created_at": created_at.isoformat(),
            "credentials_version": version,
            "credentials": {"session": "simulated"},
        }

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False})
        owner = claims.get("owner") or claims["sub"]
        if request.method == "POST":
            return httpx.Response(204)
        return httpx.Response(200, content=json.dumps(list(self.accounts.get(owner, {}).values())))


@dataclass
class Made:
    """A campaign of the simulation. `label`: its destination and its text, by which the platform knows it."""

    owner: str
    label: str
    id: UUID


class Town:
    """What a course of events plays on. It is the `Clock` of everybody in it."""

    def __init__(
        self,
        api: Database,
        admin: psycopg.AsyncConnection[dict[str, Any]],
        limits: LimitsSource,
        worker: WorkerSettings,
    ) -> None:
        self._at_work = AtWork()
        self.neighbour = Neighbour()
        self.platform = Platform(self, self._rivals)
        self.campaigns: dict[str, Made] = {}
        self.reports = Reports(api)
        self.store = Campaigns(api)
        self._audiences = Audiences(api)
        self._admin = admin
        self._limits = limits
        self._planning = Planning(api, limits)
        self._worker = worker
        self._running = AsyncExitStack()
        self._seen = 0

    @property
    def temporal_address(self) -> str:
        return self._env.client.service_client.config.target_host

    @property
    def activities(self) -> Mapping[str, int]:
        """How often each activity was run."""
        return self._at_work.counts

    async def now(self) -> datetime:
        return await self._env.get_current_time()

    async def sleep_until(self, moment: datetime) -> None:
        """Let time pass."""
        while (now := await self.now()) < moment:
            await sleep_until(self._env, min(moment, now + _STEP), self._at_work)
            if len(self.platform.journal) - self._seen > _WORN:
                await self.lose_temporal()

    async def start(self, moment: datetime | None = None) -> None:
        """A Temporal that knows of nothing, at this moment (or now), and a worker."""
        self._seen = len(self.platform.journal)
        self._env = await self._running.enter_async_context(
            await WorkflowEnvironment.start_time_skipping(
                data_converter=CONVERTER,
                interceptors=[self._at_work],
                test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server"),
            )
        )
        if moment is not None:
            await sleep_until(self._env, moment, self._at_work)
        client = self._env.client
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace="default", search_attributes=_KINDS)
        )
        self._control = CampaignControl(client, _QUEUE, _PATIENCE)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.neighbour))
        await self._running.enter_async_context(http)
        address = client.service_client.config.target_host
        own = await Client.connect(address, data_converter=CONVERTER, interceptors=[self._at_work])
        played = {PLATFORM: SimulatedAdapter(self.platform)}
        self._process = Process(self._worker, client, own, http, self, played)
        await _serve(self._running, self._process)

    async def stop(self) -> None:
        """The worker in good order, then Temporal with all that it knew."""
        await self._running.aclose()

    async def lose_temporal(self) -> None:
        """Another one takes its place, which knows of nothing; housekeeping finds what must run."""
        moment = await self.now()
        await self.stop()
        await self.start(moment)
        await ActivityEnvironment().run(self._process.housekeeping.reconcile)

    async def campaign(
        self,
        owner: str,
        label: str,
        people: Sequence[str],
        terms: Terms,
        *,
        action: Action = Action.INVITE,
        accounts: Sequence[str] | None = None,
    ) -> Made:
        """Make a campaign of these people and start it."""
        now = await self.now()
        lines = [Line(number, name, Contact(name)) for number, name in enumerate(people, start=1)]
        audience = await self._audiences.store(owner, label, lines, now, 1_000_000)
        new = NewCampaign(
            name=label,
            platform=PLATFORM,
            adapter=PLATFORM,
            audience_id=audience.id,
            action=action,
            destination=label if action is Action.INVITE else "",
            message=Message((label,)),
            message_budget=Budget.MESSAGE,
            message_when_refused=action is Action.INVITE,
            account_ids=None if accounts is None else list(accounts),
            start=True,
            reaches=frozenset({Identifier.USERNAME}),
            terms=terms,
        )
        view, _ = await self.store.create(owner, new, None, label, now)
        self.campaigns[label] = Made(owner, label, view.id)
        await self._deliver(view)
        return self.campaigns[label]

    async def plan(self, label: str) -> Plan:
        """The campaign's plan, as the API makes it."""
        made, now = self.campaigns[label], await self.now()
        started = await self._planning.campaign(made.owner, made.id, now)
        known = [read_account(each) for each in self.neighbour.accounts[made.owner].values()]
        request = started.request(self._limits().of(PLATFORM), [each for each in known if each is not None], now)
        return plan(replace(request, refusals=REFUSE))

    async def command(self, label: str, command: Command) -> None:
        """As the API does."""
        made = self.campaigns[label]
        await self._deliver(await self.store.command(made.owner, made.id, command, await self.now()))

    async def edit(self, label: str, edit: Edit) -> None:
        """As the API does."""
        made = self.campaigns[label]
        view = await self.store.edit(made.owner, made.id, edit, await self.now())
        await self._control.edited(view.id, view.revision, view.control_no)

    async def view(self, label: str) -> CampaignView:
        made = self.campaigns[label]
        return await self.store.get(made.owner, made.id)

    async def query(self, statement: str, **named: object) -> list[dict[str, Any]]:
        """As a superuser, over all owners."""
        return await (await self._admin.execute(statement.encode(), named)).fetchall()

    async def ended(self) -> bool:
        """Whether every campaign has come to its end."""
        return all([(await self.view(label)).ended_at is not None for label in self.campaigns])

    async def _deliver(self, view: CampaignView) -> None:
        await self._control.deliver(view.owner, view.id, view.platform, view.wanted, view.control_no)

    async def _rivals(self, account_id: str, label: str, action: Action) -> Sequence[str]:
        paid_from = Budget.INVITE if action is Action.INVITE else Budget.MESSAGE
        rows = await self.query(
            "SELECT w.campaign_id::text AS id FROM waiter w "
            "JOIN campaign c ON c.owner = w.owner AND c.name = %(label)s "
            "WHERE w.account_id = %(account)s AND w.campaign_id <> c.id AND w.priority < c.priority "
            "AND w.until > %(now)s AND (w.budgets = '{}' OR %(budget)s = ANY (w.budgets))",
            label=label,
            account=account_id,
            budget=paid_from.value,
            now=await self.now(),
        )
        return [row["id"] for row in rows]


def settings(url: str, limits_file: Path, poll: timedelta) -> WorkerSettings:
    """A worker's, with long polls, and accounts that stay open: each poll or opening is a step of the skipped time."""
    return WorkerSettings(
        database_url=url,
        temporal_task_queue=_QUEUE,
        integration_url="http://integration.test",
        parsing_url="http://parsing.test",
        vault_url="http://vault.test",
        vault_role_id="none",
        vault_secret_id="none",
        service_jwt_secret=_SECRET,
        webhook_key="none".ljust(32, "-"),
        limits_file=limits_file,
        remember=timedelta(milliseconds=1),
        poll_waiting=poll,
        poll_running=poll,
        idle_close=poll,
    )


@asynccontextmanager
async def town(
    worker_url: str, api_url: str, admin_dsn: str, limits_file: Path, poll: timedelta
) -> AsyncIterator[Town]:
    """A town at work; everything in it ends with it."""
    async with AsyncExitStack() as stack:
        admin = await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True, row_factory=dict_row)
        await stack.enter_async_context(admin)
        api = Database(api_url, pool_size=4)
        stack.push_async_callback(api.close)
        made = Town(api, admin, LimitsFile(limits_file), settings(worker_url, limits_file, poll))
        stack.push_async_callback(made.stop)
        await made.start()
        yield made


async def _serve(stack: AsyncExitStack, process: Process) -> None:
    stack.push_async_callback(process.database.close)
    stack.push_async_callback(process.open_accounts.close_all)
    keeping = asyncio.ensure_future(process.open_accounts.keep())
    stack.callback(keeping.cancel)
    for worker in process.workers():
        await stack.enter_async_context(worker)
