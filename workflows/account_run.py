"""One account's part in a campaign: open the account → act → rest on a durable timer, until the campaign says stop."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as NoAnswer

with workflow.unsafe.imports_passed_through():
    from activities.accounts import AccountActivities, BlockReport, CloseRequest, Opened, OpenRequest
    from activities.actions import ActionActivities, Work, Worked
    from domain.course import NO_PATH_IN, PACING
    from domain.outcome import Reason
    from domain.platform import Action
    from domain.why import Why, in_short, told
    from workflows import names, options, pausing

_ACTIVITIES = {
    Action.INVITE: ActionActivities.invite,
    Action.MESSAGE: ActionActivities.send_message,
    Action.ADD_CONTACT: ActionActivities.add_contact,
}
_NOT_OURS = frozenset({"Unavailable", "DatabaseAway", "InDoubt"})
"""Errors by which an action says that the world is away, not that our code is wrong."""
_RIGHTS_MAY_CHANGE = frozenset({Why.NOT_ADMIN, *NO_PATH_IN})


@dataclass(frozen=True)
class AccountRun:
    """The run's state, carried over continue-as-new.

    `number`: of the next activity; it advances only when a result is known, and turns' ids are made of it. `queue`
    and `fence`: where the account is open, or ''. `run_id`: of the first run, so that ids of a new one are new.
    """

    owner: str
    campaign_id: str
    account_id: str
    platform: str
    adapter: str
    action: Action
    number: int = 0
    queue: str = ""
    fence: int = 0
    run_id: str = ""


@workflow.defn
class AccountRunWorkflow:
    """`campaign/{id}/account/{account_id}`."""

    @workflow.init
    def __init__(self, run: AccountRun) -> None:
        self._run = replace(run, run_id=run.run_id or workflow.info().run_id)
        self._stopped = False
        self._woken = False
        self._why = Why.PREPARING
        self._since = workflow.now()
        self._until: datetime | None = None
        self._told = Why.PREPARING
        self._errors = 0
        self._silent = ""  # the queue on which nobody answered: not asked again before the lease has ended once

    @workflow.signal
    def wake(self) -> None:
        """Look again: the owner has commanded, the queue or the accounts have changed."""
        self._woken = True

    @workflow.signal
    def stop(self) -> None:
        """The campaign has ended."""
        self._stopped = True

    @workflow.query
    def why(self) -> dict[str, str | None]:
        """What the account is doing, since and until when, and what would end it."""
        return told(self._why, self._since, self._until)

    @workflow.run
    async def run(self, run: AccountRun) -> None:
        """Act and rest until told to stop."""
        # A cancelled activity that never began looks like one that was lost: the reason tells them apart.
        while not self._stopped and workflow.cancellation_reason() is None:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._run)
            self._woken = False
            if self._run.queue:
                await self._act()
            else:
                await self._open()
        await self._close()

    async def _open(self) -> None:
        request = OpenRequest(
            self._run.owner,
            self._run.adapter,
            self._run.account_id,
            self._run.platform,
            campaign_id=self._run.campaign_id,
        )
        try:
            opened: Opened = await workflow.execute_activity_method(
                AccountActivities.open_account, request, **options.OPEN
            )
        except ActivityError as error:
            await self._lost(error)
            return
        silent, self._silent = self._silent, ""
        if opened.queue and not opened.fence and opened.queue != silent:
            opened = await self._open_there(opened, request)
        if opened.blocked:
            await self._report(opened.blocked)
        if opened.fence:
            self._run = replace(self._run, queue=opened.queue, fence=opened.fence)
        else:
            await self._rest(opened.until, opened.why)

    async def _open_there(self, held: Opened, request: OpenRequest) -> Opened:
        """Another worker holds the account: act through that one, or wait until its lease has ended."""
        try:
            return await workflow.execute_activity_method(
                AccountActivities.open_account, request, **options.on(held.queue, options.OPEN_THERE)
            )
        except ActivityError:
            return replace(held, queue="")

    async def _act(self) -> None:
        run = self._run
        work = Work(run.owner, run.adapter, run.account_id, run.campaign_id, run.run_id, run.number, run.fence)
        try:
            worked: Worked = await workflow.execute_activity_method(
                _ACTIVITIES[run.action], work, **options.on(run.queue, options.ACTION)
            )
        except ActivityError as error:
            await self._lost(error)
            return
        if worked.turns:  # it has something new to tell at its next rest, whatever that is for
            self._told = Why.WORKING
        self._errors = 0
        self._run = replace(run, number=run.number + 1, action=worked.action or run.action)
        if workflow.cancellation_reason() is not None:  # a returned result swallows the cancellation
            self._stopped = True
            return
        if worked.blocked:
            await self._report(worked.blocked)
        if worked.reopen or worked.closed:
            self._run = replace(self._run, queue="", fence=0)
        if worked.halted:
            await self._wait(None, Why.PAUSED)
        elif worked.action is not None:
            await self._wait(worked.until or workflow.now(), worked.why)
        elif worked.reopen:  # not at once: a connection that breaks again and again must not become a storm
            await self._wait(workflow.now() + options.REOPEN_PAUSE, Why.ACCOUNT_ELSEWHERE)
        else:
            await self._rest(worked.until, worked.why)

    async def _rest(self, until: datetime | None, why: Why) -> None:
        """Nothing to do for a while: the campaign is told, so that it can say so and find work elsewhere."""
        if why is not self._told:
            self._told = why
            await self._tell_campaign("accounts_changed")
        await self._wait(until, why)
        if why in _RIGHTS_MAY_CHANGE and not self._stopped:  # they are looked at when the account is opened
            self._run = replace(self._run, queue="", fence=0)

    async def _wait(self, until: datetime | None, why: Why) -> None:
        self._says(why, until)
        workflow.set_current_details(in_short(why, until))
        timeout = None if until is None else max(until - workflow.now(), timedelta(0))
        await pausing.news(lambda: self._woken or self._stopped, timeout)
        if why in PACING:
            self._told = Why.WORKING
        self._says(Why.WORKING, None)

    def _says(self, why: Why, until: datetime | None) -> None:
        if why is not self._why:
            self._since = workflow.now()
        self._why, self._until = why, until

    async def _lost(self, error: ActivityError) -> None:
        """The worker is gone, or our own code failed: open the account again, wherever it can be."""
        self._silent = self._run.queue if isinstance(error.cause, NoAnswer) else ""
        self._run = replace(self._run, queue="", fence=0)
        if isinstance(error.cause, ApplicationError) and error.cause.type not in _NOT_OURS:
            self._errors += 1
            workflow.logger.error("action failed: %s", error.cause.type)
            if self._errors >= options.ERRORS_IN_A_ROW:
                await self._tell_campaign("broken")
        await self._wait(workflow.now() + options.REOPEN_PAUSE, Why.ACCOUNT_ELSEWHERE)

    async def _report(self, reason: Reason) -> None:
        report = BlockReport(self._run.owner, self._run.adapter, self._run.account_id, reason)
        await workflow.execute_activity_method(AccountActivities.report_block, report, **options.DATABASE)

    async def _tell_campaign(self, signal: str) -> None:
        campaign = workflow.get_external_workflow_handle(names.campaign(self._run.campaign_id))
        try:
            await campaign.signal(signal)
        except ApplicationError:  # it has ended; it will have told us, or the reconciler will start it again
            workflow.logger.info("campaign not found")

    async def _close(self) -> None:
        if not self._run.queue:
            return
        run = self._run
        request = CloseRequest(run.owner, run.adapter, run.account_id, run.campaign_id)
        try:
            await workflow.execute_activity_method(
                AccountActivities.close_account, request, **options.on(run.queue, options.CLOSE)
            )
        except ActivityError:
            workflow.logger.info("account not closed; its lease ends by itself")
