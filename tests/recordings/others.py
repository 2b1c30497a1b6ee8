"""The workflows beside campaigns: admin checks, imports, housekeeping, looks, retention, webhooks; in each phase."""

from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from activities.accounts import Opened
from activities.imports import ImportRef
from activities.membership import Looked
from activities.webhooks import Stream
from domain.outcome import Reason
from domain.why import Why
from tests.recordings.scene import Scene, soon_continued, unserved
from tests.workflows.fakes import (
    ACCOUNT,
    CAMPAIGN,
    DESTINATION,
    OWNER,
    PLATFORM,
    QUEUE,
    WORKER_QUEUE,
    held_on,
    not_opened,
)
from tests.workflows.stage import Stage, eventually
from workflows import names, options
from workflows.admin_check import AdminCheck, AdminCheckWorkflow
from workflows.audience_import import AudienceImportWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.membership import MembershipWorkflow
from workflows.retention import RetentionWorkflow
from workflows.webhook import WebhookWorkflow


async def _check(stage: Stage, check: AdminCheck) -> WorkflowHandle[Any, Any]:
    return await stage.client.start_workflow(
        AdminCheckWorkflow.run, check, id=names.admin_check(OWNER, CAMPAIGN), task_queue=QUEUE
    )


async def asking(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One account is asked for on a worker that does not answer."""
    stage.accounts.listed = [ACCOUNT]
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(minutes=1)))
    check = await _check(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
    await eventually(lambda: len(stage.accounts.opens) == 1)
    return check


async def answered(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One that may, one that may not, one on another worker, one that is blocked."""
    stage.accounts.listed = [ACCOUNT, "account-2", "account-3", "account-4"]
    stage.accounts.not_admin = {"account-2"}
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)), account_id="account-3")
    stage.accounts.script(lambda now: Opened(why=Why.ACCOUNT_BLOCKED), account_id="account-4")
    check = await _check(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
    await check.result()
    return check


async def preflight(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Of a campaign: the accounts stay open."""
    preflight = AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION, (ACCOUNT, "account-2"), CAMPAIGN)
    check = await _check(stage, preflight)
    await check.result()
    return check


async def continued(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Goes on with those who are left."""
    check = await _check(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION, ("account-2",), listed=True))
    await check.result()
    return check


async def continued_as_new(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Its history was long enough."""
    many = tuple(f"account-{number:02}" for number in range(options.CHECKS_AT_ONCE + 1))
    check = await _check(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, "", many, CAMPAIGN))
    await check.result()
    return stage.client.get_workflow_handle(check.id, run_id=check.first_execution_run_id)


ADMIN_CHECKS = (
    unserved(asking),
    Scene(answered),
    Scene(preflight),
    Scene(continued),
    soon_continued(continued_as_new),
)


async def _import(stage: Stage) -> WorkflowHandle[Any, Any]:
    return await stage.client.start_workflow(
        AudienceImportWorkflow.run, ImportRef(OWNER, CAMPAIGN), id=names.audience_import(CAMPAIGN), task_queue=QUEUE
    )


async def imported(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Three pages, the first one at the second try."""
    stage.imports.failures = 1
    run = await _import(stage)
    await run.result()
    return run


async def import_over(stage: Stage) -> WorkflowHandle[Any, Any]:
    """The audience was deleted, or parsing-service has no such data."""
    stage.imports.over = True
    run = await _import(stage)
    await run.result()
    return run


async def import_continued_as_new(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Its history was long enough."""
    stage.imports.pages = 6
    run = await _import(stage)
    await run.result()
    return stage.client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)


IMPORTS = (Scene(imported), Scene(import_over), soon_continued(import_continued_as_new))


async def one_round(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Reconciled at the second try, then swept."""
    stage.housekeeping.failures = 1
    round_ = await stage.client.start_workflow(
        HousekeepingWorkflow.run, id=names.HOUSEKEEPING_SCHEDULE, task_queue=QUEUE
    )
    await round_.result()
    return round_


HOUSEKEEPING = (Scene(one_round),)


async def looks(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One looks, one on another worker, one rests, one is blocked meanwhile, and of one the look fails."""
    stage.membership.due = [ACCOUNT, "account-2", "account-3", "account-4", "account-5"]
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)), account_id="account-2")
    stage.accounts.script(not_opened(Why.COOLDOWN, timedelta(minutes=5)), account_id="account-3")
    stage.membership.answers = {
        "account-4": Looked(0, blocked=Reason.BANNED),
        "account-5": ValueError("an error of ours"),
    }
    listener = await stage.start_listener(names.campaign(CAMPAIGN))
    round_ = await stage.client.start_workflow(MembershipWorkflow.run, id=names.MEMBERSHIP_SCHEDULE, task_queue=QUEUE)
    await round_.result()
    await listener.terminate()
    return round_


MEMBERSHIP = (Scene(looks),)


async def removed(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One round."""
    run = await stage.client.start_workflow(RetentionWorkflow.run, id=names.RETENTION_SCHEDULE, task_queue=QUEUE)
    await run.result()
    return run


RETENTION = (Scene(removed),)


async def _deliveries(stage: Stage, *answers: timedelta | None) -> WorkflowHandle[Any, Any]:
    stage.webhooks.answers = list(answers)
    return await stage.client.start_workflow(
        WebhookWorkflow.run, Stream(OWNER, CAMPAIGN), id=names.webhook(OWNER, CAMPAIGN), task_queue=QUEUE
    )


async def told(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One event at the second try, and another one."""
    deliveries = await _deliveries(stage, timedelta(minutes=5), timedelta(0), timedelta(0))
    await deliveries.result()
    return deliveries


async def between_tries(stage: Stage) -> WorkflowHandle[Any, Any]:
    """It waits, is told that something has changed, looks, and waits on."""
    deliveries = await _deliveries(stage, timedelta(hours=1), timedelta(hours=1))
    await eventually(lambda: len(stage.webhooks.tries) == 1)
    await deliveries.signal(WebhookWorkflow.news)
    await eventually(lambda: len(stage.webhooks.tries) == 2)
    return deliveries


async def told_on(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Its history was long enough."""
    deliveries = await _deliveries(stage, *[timedelta(0)] * 9)
    await deliveries.result()
    return stage.client.get_workflow_handle(deliveries.id, run_id=deliveries.first_execution_run_id)


WEBHOOKS = (Scene(told), Scene(between_tries), soon_continued(told_on))
