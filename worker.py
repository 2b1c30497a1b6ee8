"""The worker process: settings → stores → adapters → activities → Temporal workers. No logic of its own."""

import asyncio
import random
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import structlog
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.worker import Worker

from activities.accounts import AccountActivities
from activities.actions import ActionActivities
from activities.applications import Applications
from activities.campaigns import CampaignActivities
from activities.housekeeping import HousekeepingActivities
from activities.imports import ImportActivities
from activities.log_context import LogContext
from activities.membership import MembershipActivities
from activities.open_accounts import OpenAccounts
from activities.retention import RetentionActivities
from activities.webhooks import WebhookActivities
from adapters.registry import AdapterOptions, adapters
from adapters.traced import TracedAdapter
from domain.errors import Error
from domain.ports import Adapter, Clock
from runtime import telemetry
from runtime.clock import SystemClock
from runtime.limits import LimitsFile
from runtime.metrics import Metrics
from runtime.probes import Probes
from runtime.sentry import report_errors
from runtime.settings import WorkerSettings, faults
from runtime.temporal import connect, deployment, measure_temporal
from runtime.tls import neighbours_client
from runtime.traces import begin_traces
from runtime.watch_port import watch_port
from storage.accounts import Accounts
from storage.address_book import AccountBook
from storage.applications import ApplicationShares
from storage.credentials import VaultCredentials
from storage.directory import ServiceDirectory
from storage.engine import Database
from storage.events import Events
from storage.housekeeping import Housekeeping
from storage.imports import Imports
from storage.looks import Looks
from storage.neighbours import WHO as INTEGRATION
from storage.neighbours import IntegrationService
from storage.parsing import WHO as PARSING
from storage.parsing import ParsingService
from storage.planning import Planning
from storage.receivers import Receivers
from storage.remembered import RememberedCredentials, RememberedDirectory
from storage.retention import Retention
from storage.runs import Polling, Runs
from storage.service_tokens import ServiceTokens
from storage.turns import Turns
from storage.vault import OwnerTokens, OwnToken, Vault
from workflows.account_run import AccountRunWorkflow
from workflows.admin_check import AdminCheckWorkflow
from workflows.audience_import import AudienceImportWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.control import CampaignControl
from workflows.housekeeping import HousekeepingWorkflow
from workflows.membership import MembershipWorkflow
from workflows.retention import RetentionWorkflow
from workflows.schedules import ensure_schedules
from workflows.tracing import Traces
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

STICKY = timedelta(seconds=2)
"""A workflow whose worker died is picked up by another one after so long."""
WORKFLOW_TASKS = 20
"""Workflow tasks in hand at once: they take turns on one core, and the last must be done within `RUN_TASK`."""
OPENING_POLLS = 2
"""Tasks of the shared queue that a process asks for at once."""
FRESH_DIRECTORY = timedelta(seconds=1)
"""The list of accounts is read once for all that sign in within so long."""
HEARTBEAT_THROTTLE = timedelta(seconds=1)
CONTROL_TIMEOUT = timedelta(seconds=5)
NEEDED = ("database", "temporal")
"""Without these a worker is not ready. Without Vault the accounts that are open work on."""

_log = structlog.get_logger("execution")


class Process:
    """What one worker process is made of. `clock` gives business time; `made`: its platforms, if not the real ones."""

    def __init__(
        self,
        settings: WorkerSettings,
        client: Client,
        own_client: Client,
        http: httpx.AsyncClient,
        clock: Clock,
        made: Mapping[str, Adapter] | None = None,
    ) -> None:
        name = f"worker-{uuid4().hex[:12]}"
        self.metrics = Metrics()
        limits = LimitsFile(settings.limits_file, self.metrics.limits_file)
        self.database = Database(settings.database_url.get_secret_value(), settings.database_pool)
        accounts = Accounts(self.database, limits)
        runs = Runs(self.database, Polling(settings.poll_waiting, settings.poll_running), limits)
        turns = Turns(self.database, limits, random.random, lambda: secrets.randbits(63))
        service = IntegrationService(settings.integration_url, http)
        secret = settings.service_jwt_secret.get_secret_value()
        directory = ServiceDirectory(service, ServiceTokens(secret, SystemClock(), INTEGRATION))
        vault = Vault(settings.vault_url, settings.vault_timeout, settings.vault_ca)
        own_token = OwnToken(vault, settings.vault_role_id, settings.read_vault_secret_id)
        credentials = VaultCredentials(vault, OwnerTokens(vault, own_token), settings.vault_mount)
        self.applications = Applications(
            ApplicationShares(self.database), limits, name, settings.lease, secret.encode()
        )
        made = made or adapters(
            AdapterOptions(
                deadline=settings.request_deadline,
                link_preview=settings.link_preview,
                disconnect_after=settings.lease.disconnect_after,
                pace=self.applications,
                public_only=not settings.sessions_inside,
            )
        )
        self.metrics.expect(made)
        for platform in made:
            limits().of(platform)  # a platform without limits must stop us here, not its campaigns later
        self.open_accounts = OpenAccounts(
            {each: TracedAdapter(each, adapter) for each, adapter in made.items()},
            accounts,
            name,
            f"{settings.temporal_task_queue}/{name}",
            settings.lease,
            settings.idle_close,
            lambda ref: AccountBook(self.database, ref, clock),
            settings.max_clients,
            self.metrics.lease_taken_over,
        )
        self.accounts = AccountActivities(
            self.open_accounts,
            accounts,
            runs,
            turns,
            RememberedDirectory(directory, settings.remember, FRESH_DIRECTORY),
            RememberedCredentials(credentials, settings.remember),
            clock,
            self.metrics.account_blocked,
        )
        self.actions = ActionActivities(
            self.open_accounts,
            turns,
            accounts,
            clock,
            settings.time_box,
            settings.idle_close,
            self.metrics.turn_taken,
        )
        control = CampaignControl(client, settings.temporal_task_queue, CONTROL_TIMEOUT)
        self.campaigns = CampaignActivities(runs, Planning(self.database, limits), accounts, directory, control, clock)
        housekeeping = Housekeeping(self.database)
        self.housekeeping = HousekeepingActivities(housekeeping, turns, control, clock)
        self.membership = MembershipActivities(
            self.open_accounts, housekeeping, Looks(self.database, limits), accounts, clock, settings.time_box
        )
        parsing = ParsingService(settings.parsing_url, http, ServiceTokens(secret, SystemClock(), PARSING))
        file_limits = settings.file_limits
        self.imports = ImportActivities(Imports(self.database, file_limits), parsing, file_limits.rows)
        self.retention = RetentionActivities(
            Retention(self.database), clock, settings.retention, settings.audit_retention
        )
        self.webhooks = WebhookActivities(
            Events(self.database),
            Receivers(settings.webhook_timeout, settings.webhook_inside),
            settings.webhook_key.get_secret_value().encode(),
            clock,
        )
        self.probes = Probes(
            {
                "database": self.database.ping,
                "temporal": client.service_client.check_health,
                "vault": own_token.ping,
                INTEGRATION: service.ping,
                PARSING: parsing.ping,
            },
            self.metrics.dependency,
        )
        self._settings = settings
        self._client = client
        self._own_client = own_client

    def workers(self) -> list[Worker]:
        """The shared queue's worker, and that of the queue which reaches this process alone."""
        shared = Worker(
            self._client,
            task_queue=self._settings.temporal_task_queue,
            workflows=WORKFLOWS,
            activities=[
                self.accounts.list_accounts,
                self.accounts.open_account,
                self.accounts.report_block,
                self.campaigns.review_campaign,
                self.campaigns.gather_accounts,
                self.campaigns.tell_runs,
                self.campaigns.command_campaign,
                self.campaigns.fail_campaign,
                self.imports.fetch_page,
                self.imports.finish_import,
                self.housekeeping.reconcile,
                self.housekeeping.sweep,
                self.membership.due_lookers,
                self.retention.remove_old,
                self.webhooks.deliver_next,
            ],
            interceptors=[LogContext()],
            max_concurrent_activities=self._settings.max_activities,
            max_concurrent_workflow_tasks=WORKFLOW_TASKS,
            # Many pollers would take all accounts that are opened at the same moment to one process.
            max_concurrent_activity_task_polls=OPENING_POLLS,
            sticky_queue_schedule_to_start_timeout=STICKY,
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            graceful_shutdown_timeout=self._settings.graceful_shutdown,
            deployment_config=deployment(self._settings.deployment_name, self._settings.build_id),
        )
        # Never versioned: its queue is this process's alone, and no version could be made current while it lacked it.
        own = Worker(
            self._own_client,
            task_queue=self.open_accounts.queue,
            activities=[
                self.actions.invite,
                self.actions.send_message,
                self.actions.add_contact,
                self.accounts.open_account,
                self.accounts.close_account,
                self.membership.look_for_members,
            ],
            interceptors=[LogContext()],
            max_concurrent_activities=self._settings.max_activities,
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            graceful_shutdown_timeout=self._settings.graceful_shutdown,
        )
        return [shared, own]


async def run(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Work until `stop`: activities end their turns, then the accounts are closed and their leases given up."""
    measure_temporal(settings.temporal_metrics)
    temporal = (settings.temporal_address, settings.temporal_namespace, settings.temporal_secured, [Traces()])
    client = await connect(*temporal)
    # One client polls one queue: the second worker needs its own.
    own_client = await connect(*temporal)
    async with neighbours_client(settings.neighbour_tls, settings.integration_timeout) as http:
        process = Process(settings, client, own_client, http, SystemClock())
        keeping = asyncio.gather(process.open_accounts.keep(), process.applications.keep(), process.probes.keep())
        try:
            async with AsyncExitStack() as stack:
                stack.enter_context(
                    watch_port(process.metrics, process.probes, NEEDED, settings.metrics_host, settings.metrics_port)
                )
                for worker in process.workers():
                    await stack.enter_async_context(worker)
                await ensure_schedules(client, settings.temporal_task_queue)
                _log.info("worker started", queue=process.open_accounts.queue)
                await _either(stop, keeping)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)  # else its end is logged as an error nobody saw
            await process.open_accounts.close_all()
            await process.applications.leave()
            await process.database.close()
            _log.info("worker stopped")


async def _either(stop: asyncio.Event, keeping: "asyncio.Future[Any]") -> None:
    """Until we are told to stop; a keeper of leases that died takes the process with it."""
    stopped = asyncio.ensure_future(stop.wait())
    either: set[asyncio.Future[Any]] = {stopped, keeping}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if keeping.done():
        keeping.result()


async def _main(settings: WorkerSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, stop)


def main() -> int:
    """Exit status 2 for settings that cannot be meant, 1 when a dependency was not there at the start."""
    try:
        settings = WorkerSettings()
    except ValidationError as error:
        for line in faults(error):
            print(f"worker: {line}", file=sys.stderr)
        return 2
    telemetry.configure(settings.log_level, settings.debug_file)
    report_errors(settings.sentry_dsn, settings.build_id)
    begin_traces(settings.traces_endpoint, settings.traces_share, "invite-worker", settings.build_id)
    try:
        asyncio.run(_main(settings))
    except Error as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    finally:
        telemetry.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
