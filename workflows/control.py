"""What clients say to the workflows: the API, and the reconciler. No business rule: ids and numbers only."""

import asyncio
from datetime import timedelta
from uuid import UUID

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.imports import ImportRef
from activities.webhooks import Stream
from domain.campaign import Wanted
from domain.errors import NotFound, Unavailable
from domain.ports import AccountRights
from domain.statistics import Snapshot
from workflows import names
from workflows.admin_check import AdminCheck, AdminCheckWorkflow
from workflows.audience_import import AudienceImportWorkflow
from workflows.campaign import CampaignRun, CampaignWorkflow, Edited
from workflows.webhook import WebhookWorkflow

OWNER = SearchAttributeKey.for_keyword("InviteOwner")
PLATFORM = SearchAttributeKey.for_keyword("InvitePlatform")

_SIGNALS = {
    Wanted.RUN: CampaignWorkflow.resume,
    Wanted.PAUSED: CampaignWorkflow.pause,
    Wanted.CANCELLED: CampaignWorkflow.cancel,
    Wanted.FINISHED: CampaignWorkflow.finish,
}


class CampaignControl:
    """`timeout`: how long a call waits for Temporal. Every method raises `Unavailable` when it does not answer."""

    def __init__(self, client: Client, task_queue: str, timeout: timedelta) -> None:
        self._client = client
        self._task_queue = task_queue
        self._timeout = timeout

    async def deliver(self, owner: str, campaign_id: UUID, platform: str, wanted: Wanted, control_no: int) -> None:
        """Start the campaign's workflow if it is missing, and tell it of the wish `control_no`."""
        try:
            await self._client.start_workflow(
                CampaignWorkflow.run,
                CampaignRun(owner, str(campaign_id)),
                id=names.campaign(campaign_id),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal=_SIGNALS[wanted].__name__,
                start_signal_args=[control_no],
                search_attributes=_attributes(owner, platform),
                static_summary=f"campaign of {owner} on {platform}",
                rpc_timeout=self._timeout,
            )
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error

    async def edited(self, campaign_id: UUID, revision: int, control_no: int) -> None:
        """Tell the campaign's workflow of an edit, and wait until its accounts act by it.

        One that is not running, or has heard of a newer one, needs not be told.
        """
        handle = self._client.get_workflow_handle(names.campaign(campaign_id))
        try:
            await handle.execute_update(CampaignWorkflow.edit, Edited(revision, control_no), rpc_timeout=self._timeout)
        except WorkflowUpdateFailedError:
            pass
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise _away(error) from error
        except (RPCError, RuntimeError) as error:
            if not _is_missing(error):
                raise _away(error) from error

    async def accounts_changed(self, campaign_id: UUID) -> None:
        """Tell a campaign that an account was changed; one that is not running needs not be told."""
        try:
            handle = self._client.get_workflow_handle(names.campaign(campaign_id))
            await handle.signal(CampaignWorkflow.accounts_changed, rpc_timeout=self._timeout)
        except (RPCError, RuntimeError) as error:
            if not _is_missing(error):
                raise _away(error) from error

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        """Have the owner's server told what has happened to the campaign; None: that there is a ping."""
        try:
            await self._client.start_workflow(
                WebhookWorkflow.run,
                Stream(owner, campaign_id),
                id=names.webhook(owner, campaign_id),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal=WebhookWorkflow.news.__name__,
                rpc_timeout=self._timeout,
            )
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error

    async def snapshot(self, campaign_id: UUID) -> Snapshot:
        """The workflow's own numbers. Raises `NotFound` when it has not started, or was forgotten."""
        handle = self._client.get_workflow_handle(names.campaign(campaign_id))
        try:
            found = await handle.query(CampaignWorkflow.stats, rpc_timeout=self._timeout)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise Unavailable("the workflow", type(error).__name__) from error
        except (RPCError, RuntimeError) as error:
            raise NotFound("workflow") if _is_missing(error) else _away(error) from error
        if found is None:
            raise NotFound("workflow")
        return found

    async def start_admin_check(
        self, owner: str, check_id: UUID, platform: str, destination: str, account_ids: list[str] | None
    ) -> None:
        """Begin to look at what the accounts may do at the destination."""
        ids = None if account_ids is None else tuple(account_ids)
        try:
            await self._client.start_workflow(
                AdminCheckWorkflow.run,
                AdminCheck(owner, platform, platform, destination, ids),
                id=names.admin_check(owner, check_id),
                task_queue=self._task_queue,
                search_attributes=_attributes(owner, platform),
                execution_timeout=timedelta(minutes=10),
                rpc_timeout=self._timeout,
            )
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error

    async def admin_check(self, owner: str, check_id: UUID, wait: timedelta) -> list[AccountRights] | None:
        """The check's result; None when it has not finished within `wait`. Raises `NotFound`."""
        handle = self._client.get_workflow_handle(names.admin_check(owner, check_id), result_type=list[AccountRights])
        try:
            async with asyncio.timeout(max(wait.total_seconds(), 0.2)):
                found: list[AccountRights] = await handle.result()
                return found
        except TimeoutError:
            return None
        except WorkflowFailureError as error:
            raise Unavailable("integration-service") from error
        except (RPCError, RuntimeError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.CANCELLED:
                return None
            raise NotFound("admin check") if _is_missing(error) else _away(error) from error

    async def start_import(self, owner: str, audience_id: UUID) -> None:
        """Begin to import an audience, or go on with it; one whose import runs is left alone."""
        try:
            await self._client.start_workflow(
                AudienceImportWorkflow.run,
                ImportRef(owner, str(audience_id)),
                id=names.audience_import(audience_id),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=TypedSearchAttributes([SearchAttributePair(OWNER, owner)]),
                static_summary=f"import of an audience of {owner}",
                rpc_timeout=self._timeout,
            )
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error

    async def campaign_runs(self, campaign_id: UUID) -> bool:
        """Whether the campaign's workflow runs."""
        return await self._runs(names.campaign(campaign_id))

    async def account_runs(self, campaign_id: UUID, account_id: str) -> bool:
        """Whether the account's run in the campaign runs."""
        return await self._runs(names.account_run(campaign_id, account_id))

    async def tell_run(self, campaign_id: UUID, account_id: str, signal: str, priority: int = 0) -> bool:
        """Signal the account's run in the campaign; `priority`: told with it, if any. False: it is not there."""
        handle = self._client.get_workflow_handle(names.account_run(campaign_id, account_id))
        try:
            await handle.signal(signal, args=[priority] if priority else [], rpc_timeout=self._timeout)
        except (RPCError, RuntimeError) as error:
            if _is_missing(error):
                return False
            raise _away(error) from error
        return True

    async def run_lost(self, campaign_id: UUID, account_id: str) -> None:
        """Have the campaign start the account's run again. Raises `NotFound` when the campaign has ended."""
        handle = self._client.get_workflow_handle(names.campaign(campaign_id))
        try:
            await handle.signal(CampaignWorkflow.run_lost, account_id, rpc_timeout=self._timeout)
        except (RPCError, RuntimeError) as error:
            raise NotFound("workflow") if _is_missing(error) else _away(error) from error

    async def _runs(self, workflow_id: str) -> bool:
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            description = await handle.describe(rpc_timeout=self._timeout)
        except (RPCError, RuntimeError) as error:
            if _is_missing(error):
                return False
            raise _away(error) from error
        return description.status is WorkflowExecutionStatus.RUNNING


def _attributes(owner: str, platform: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(OWNER, owner), SearchAttributePair(PLATFORM, platform)])


def _is_missing(error: Exception) -> bool:
    return isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND


def _away(error: Exception) -> Unavailable:
    return Unavailable("Temporal", type(error).__name__)
