"""A campaign: reviewed again and again; its accounts' runs started, woken and stopped; ended when all are settled.

What it decides stands in the database's facts (`activities.campaigns.review_campaign`); what it holds is time: whom
it waits for, and until when.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import workflow
from temporalio.common import Priority, SearchAttributeKey, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.campaigns import CampaignActivities, CampaignKey, CommandRequest, Gathered, ReviewRequest
    from domain.campaign import Command
    from domain.platform import Action
    from domain.review import Review
    from domain.statistics import Snapshot
    from domain.why import Why, in_short, told
    from workflows import names, options, pausing
    from workflows.account_run import AccountRun, AccountRunWorkflow
    from workflows.admin_check import AdminCheck, AdminCheckWorkflow

STATE = SearchAttributeKey.for_keyword("InviteState")
PRIORITY = SearchAttributeKey.for_int("InvitePriority")


@dataclass(frozen=True)
class Edited:
    """The owner has changed the campaign: revision `revision` stands in the database, as command `control_no`."""

    revision: int
    control_no: int


@dataclass(frozen=True)
class CampaignRun:
    """The campaign's state, carried over continue-as-new.

    `control_no`: the last command that was passed on to the runs. `started`: accounts whose runs were started.
    `problem`: why their list could not be read last time. `revision`: the last edit that was heard of.
    """

    owner: str
    campaign_id: str
    control_no: int = 0
    started: tuple[str, ...] = ()
    snapshot: Snapshot | None = None
    problem: Why | None = None
    revision: int = 0


@workflow.defn
class CampaignWorkflow:
    """`campaign/{id}`. Signals pause, resume, cancel, finish, accounts_changed; update edit; queries stats and why."""

    @workflow.init
    def __init__(self, run: CampaignRun) -> None:
        self._owner = run.owner
        self._campaign_id = run.campaign_id
        self._control_no = run.control_no
        self._started = dict.fromkeys(run.started)
        self._snapshot = run.snapshot
        self._problem = run.problem
        self._revision = run.revision
        self._running: list[workflow.ChildWorkflowHandle[AccountRunWorkflow, None]] = []
        self._over = False
        self._news = True
        self._broken = False
        self._bare_commands: list[Command] = []
        self._pause = options.REVIEW_SHORTEST
        self._state = ""
        self._priority = 0

    @workflow.signal
    def pause(self, control_no: int = 0) -> None:
        """Pause. Without a number (the Web UI's) it is a command; with one, the wish is written already."""
        self._hear(Command.PAUSE, control_no)

    @workflow.signal
    def resume(self, control_no: int = 0) -> None:
        """Resume; numbers as with `pause`."""
        self._hear(Command.RESUME, control_no)

    @workflow.signal
    def cancel(self, control_no: int = 0) -> None:
        """Cancel; numbers as with `pause`."""
        self._hear(Command.CANCEL, control_no)

    @workflow.signal
    def finish(self, control_no: int = 0) -> None:
        """End a campaign that waits, as it stands; numbers as with `pause`."""
        self._hear(Command.FINISH, control_no)

    @workflow.update
    async def edit(self, edited: Edited) -> int:
        """The owner has changed the campaign. Answers the revision once all its accounts act by it."""
        self._revision = edited.revision
        self._hear_of(edited.control_no)
        await workflow.wait_condition(lambda: self._over or self._control_no >= edited.control_no)
        return edited.revision

    @edit.validator
    def _check_edit(self, edited: Edited) -> None:
        if edited.revision <= self._revision:
            raise ApplicationError(f"revision {edited.revision} is not newer than {self._revision}", type="Stale")
        if self._over:
            raise ApplicationError("the campaign has ended", type="Ended")

    @workflow.signal
    def accounts_changed(self) -> None:
        """An account came, went, or changed what it is doing."""
        self._news = True

    @workflow.signal
    def run_lost(self, account_id: str) -> None:
        """The account's run is gone (terminated by an operator): it is started again."""
        self._started.pop(account_id, None)
        self._news = True

    @workflow.signal
    def broken(self) -> None:
        """An account's run failed by an error of our own again and again."""
        self._broken = self._news = True

    @workflow.query
    def stats(self) -> Snapshot | None:
        """The campaign in numbers, as of the last review; None before the first."""
        return self._snapshot

    @workflow.query
    def why(self) -> dict[str, str | None]:
        """What the campaign is doing, since and until when, and what would end it."""
        seen = self._snapshot
        return told(Why(seen.why), seen.since, seen.until, seen.to) if seen else told(Why.PREPARING, None, None)

    @workflow.run
    async def run(self, run: CampaignRun) -> None:
        """Review, act on it, wait; until everybody is settled."""
        while not await self._step():
            heard = self._bare_commands or self._broken  # not carried over: acted on first
            if workflow.info().is_continue_as_new_suggested() and not heard and workflow.all_handlers_finished():
                workflow.continue_as_new(self._carried())
        self._over = True
        await self._signal_runs("stop", self._everybody())
        if self._running:  # operators see no run that outlives its campaign; those of an earlier run are not known here
            await workflow.wait(self._running, timeout=options.STOPPING.total_seconds())
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _step(self) -> bool:
        """One look at the campaign and what follows from it. True at its end."""
        await self._write_bare_commands()
        self._news = False
        review = await self._review()
        await self._tell_freed(review.freed)
        if review.ended:
            return True
        if self._broken:
            await self._fail()
            return True
        if review.accounts_due:
            await self._gather()
            return False
        if review.control_no > self._control_no:
            await self._wake(tuple(self._started))
            self._control_no = review.control_no
        await self._start_runs(review)
        await self._wake([each for each in review.wake if each in self._started])
        await self._wait(review)
        return False

    async def _review(self) -> Review:
        before = self._snapshot
        request = ReviewRequest(self._owner, self._campaign_id, self._problem)
        review: Review = await workflow.execute_activity_method(
            CampaignActivities.review_campaign, request, **options.DATABASE
        )
        self._snapshot = review.snapshot
        changed = before is None or before.numbers != review.snapshot.numbers
        self._pause = options.REVIEW_SHORTEST if changed else min(self._pause * 2, options.REVIEW_LONGEST)
        self._show(review)
        return review

    async def _tell_freed(self, campaign_ids: Sequence[str]) -> None:
        """Campaigns that gave way to this one may go on; those that are not there need not be told."""
        for begin in range(0, len(campaign_ids), options.SIGNALS_AT_ONCE):
            chunk = campaign_ids[begin : begin + options.SIGNALS_AT_ONCE]
            others = [workflow.get_external_workflow_handle(names.campaign(each)) for each in chunk]
            await asyncio.gather(*(each.signal("accounts_changed") for each in others), return_exceptions=True)

    async def _gather(self) -> None:
        key = CampaignKey(self._owner, self._campaign_id)
        gathered: Gathered = await workflow.execute_activity_method(
            CampaignActivities.gather_accounts, key, **options.DATABASE
        )
        self._problem = gathered.problem

    async def _start_runs(self, review: Review) -> None:
        """New accounts sign in and are checked in parallel, all before the first of them acts (ACC-3)."""
        new = [each for each in review.usable if each not in self._started]
        if not new:
            return
        await self._check(review, new)
        for begin in range(0, len(new), options.CHECKS_AT_ONCE):
            chunk = new[begin : begin + options.CHECKS_AT_ONCE]
            await asyncio.gather(*(self._start_run(review, account_id) for account_id in chunk))

    async def _check(self, review: Review, account_ids: Sequence[str]) -> None:
        check = AdminCheck(
            self._owner,
            review.platform,
            review.adapter,
            review.destination,
            tuple(account_ids),
            campaign_id=self._campaign_id,
        )
        try:
            await workflow.execute_child_workflow(
                AdminCheckWorkflow.run,
                check,
                id=f"{names.campaign(self._campaign_id)}/admin-check/{len(self._started)}",
            )
        except ChildWorkflowError:  # the runs look for themselves when they open their account
            workflow.logger.warning("preflight did not finish")

    async def _start_run(self, review: Review, account_id: str) -> None:
        action = Action.INVITE if review.destination else Action.MESSAGE
        run = AccountRun(self._owner, self._campaign_id, account_id, review.platform, review.adapter, action)
        try:
            run_handle = await workflow.start_child_workflow(
                AccountRunWorkflow.run,
                run,
                id=names.account_run(self._campaign_id, account_id),
                # A parent's continue-as-new would end its children otherwise.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                priority=Priority(priority_key=review.priority),
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
            self._running.append(run_handle)
        except WorkflowAlreadyStartedError:  # of a workflow before this one: it may sleep on an older wish
            await self._signal_runs("wake", (account_id,))
        self._started[account_id] = None

    async def _wake(self, account_ids: Sequence[str]) -> None:
        """Wake the runs. One that is not there (terminated by an operator) is started again."""
        for account_id in await self._signal_runs("wake", account_ids):
            self.run_lost(account_id)

    def _everybody(self) -> Sequence[str]:
        """Whoever may have a run: one of a workflow before this one, too."""
        listed = self._snapshot.accounts if self._snapshot else ()
        return tuple(self._started | dict.fromkeys(line.account_id for line in listed))

    async def _signal_runs(self, signal: str, account_ids: Sequence[str]) -> Sequence[str]:
        """Tell the runs, by workflow id. Returns those that are not there."""
        missing: list[str] = []
        for begin in range(0, len(account_ids), options.SIGNALS_AT_ONCE):
            chunk = account_ids[begin : begin + options.SIGNALS_AT_ONCE]
            runs = [
                workflow.get_external_workflow_handle(names.account_run(self._campaign_id, account_id))
                for account_id in chunk
            ]
            told = await asyncio.gather(*(run.signal(signal) for run in runs), return_exceptions=True)
            missing += [each for each, error in zip(chunk, told, strict=True) if error is not None]
        return missing

    async def _wait(self, review: Review) -> None:
        """Until news come, or the time at which something will have changed by itself."""
        timeout = self._pause if review.busy else None
        if review.look_at is not None:
            due = max(review.look_at - workflow.now(), options.REVIEW_SHORTEST)
            timeout = due if timeout is None else min(due, timeout)
        await pausing.news(lambda: self._news, timeout)

    async def _write_bare_commands(self) -> None:
        while self._bare_commands:
            request = CommandRequest(self._owner, self._campaign_id, self._bare_commands.pop(0))
            await workflow.execute_activity_method(CampaignActivities.command_campaign, request, **options.DATABASE)

    async def _fail(self) -> None:
        key = CampaignKey(self._owner, self._campaign_id)
        await workflow.execute_activity_method(CampaignActivities.fail_campaign, key, **options.DATABASE)

    def _hear(self, command: Command, control_no: int) -> None:
        if not control_no:
            self._bare_commands.append(command)
            self._news = True
        self._hear_of(control_no)

    def _hear_of(self, control_no: int) -> None:
        if control_no > self._control_no:
            self._news = True

    def _show(self, review: Review) -> None:
        """To operators, in the Web UI."""
        snapshot = review.snapshot
        numbers = snapshot.numbers
        workflow.set_current_details(
            f"{snapshot.state}: {in_short(Why(snapshot.why), snapshot.until, snapshot.to)} "
            f"{numbers.processed} of {numbers.total} recipients settled."
        )
        if (snapshot.state, review.priority) != (self._state, self._priority):
            self._state, self._priority = snapshot.state, review.priority
            workflow.upsert_search_attributes([STATE.value_set(self._state), PRIORITY.value_set(self._priority)])

    def _carried(self) -> CampaignRun:
        return CampaignRun(
            self._owner,
            self._campaign_id,
            self._control_no,
            tuple(self._started),
            self._snapshot,
            self._problem,
            self._revision,
        )
