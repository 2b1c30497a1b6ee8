"""A campaign: reviewed again and again; its accounts' runs started, woken and stopped; ended when all are settled.

What it decides stands in the database's facts (`activities.campaigns.review_campaign`); what it holds is time: whom
it waits for, and until when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from activities.campaigns import CampaignActivities, CampaignKey, CommandRequest, Gathered, ReviewRequest
    from domain.campaign import Command
    from domain.review import Review
    from domain.statistics import Snapshot
    from domain.why import Why, in_short, told
    from workflows import names, options, pausing, telling
    from workflows.account_runs import AccountRuns
    from workflows.admin_check import AdminCheck, AdminCheckWorkflow
    from workflows.lines import Lines

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

    `control_no`: the last command that is passed on to the runs. `started`: accounts whose runs were started.
    `problem`: why their list could not be read last time. `snapshot`: with all lines, as of the change `seen`; `gone`:
    accounts that only the owner can bring back. `ready`: accounts that were checked and come next; `untold`: runs that
    are still to be woken, or, once `ended`, stopped. `commands`, `broken`: what was heard and not acted on. `revision`:
    the last edit that was heard of.
    """

    owner: str
    campaign_id: str
    control_no: int = 0
    started: tuple[str, ...] = ()
    snapshot: Snapshot | None = None
    problem: Why | None = None
    seen: int = 0
    gone: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    ended: bool = False
    commands: tuple[Command, ...] = ()
    broken: bool = False
    revision: int = 0


@workflow.defn
class CampaignWorkflow:
    """`campaign/{id}`. Signals pause, resume, cancel, accounts_changed; queries stats and why."""

    @workflow.init
    def __init__(self, run: CampaignRun) -> None:
        self._owner = run.owner
        self._campaign_id = run.campaign_id
        self._control_no = run.control_no
        self._runs = AccountRuns(run.owner, run.campaign_id, run.started, run.ready, run.untold)
        self._snapshot = run.snapshot
        self._lines = Lines(run.snapshot.accounts if run.snapshot else (), run.gone, run.seen)
        self._learning = False
        self._problem = run.problem
        self._news = self._urgent = True
        self._ended = run.ended
        self._broken = run.broken
        self._bare_commands = list(run.commands)
        self._pause = options.REVIEW_SHORTEST
        self._state = ""
        self._priority = 0
        self._revision = run.revision
        self._effective_no = run.control_no
        self._over = False

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
        await workflow.wait_condition(lambda: self._over or self._effective_no >= edited.control_no)
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
        self._runs.lost(account_id)
        self._news = True

    @workflow.signal
    def broken(self) -> None:
        """An account's run failed by an error of our own again and again."""
        self._broken = self._news = self._urgent = True

    @workflow.query
    def stats(self) -> Snapshot | None:
        """The campaign in numbers, as of the last review; None before the first."""
        return self._snapshot and replace(self._snapshot, accounts=self._lines.all())

    @workflow.query
    def why(self) -> dict[str, str | None]:
        """What the campaign is doing, since and until when, and what would end it."""
        seen = self._snapshot
        return told(Why(seen.why), seen.since, seen.until, seen.to) if seen else told(Why.PREPARING, None, None)

    @workflow.run
    async def run(self, run: CampaignRun) -> None:
        """Review, act on it, wait; until everybody is settled."""
        if not self._ended:  # an earlier run may have been told to wake more of them than it could
            await self._wake(())
        while not self._ended:
            await self._step()
            if self._runs.full and not self._ended and workflow.all_handlers_finished():
                workflow.continue_as_new(self._carried())
            self._continue_where_suggested()
        self._over = True
        await self._stop()
        await self._runs.ended()
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _step(self) -> None:
        """One look at the campaign and what follows from it."""
        await self._write_bare_commands()
        self._news = self._urgent = False
        review = await self._review()
        await telling.accounts_changed(review.freed)  # they gave way to this one, and may go on
        if review.ended or self._broken:
            await self._end(review)
        elif review.accounts_due:
            await self._gather()
        else:
            await self._act_on(review)

    async def _act_on(self, review: Review) -> None:
        if review.control_no > self._control_no:
            self._control_no = review.control_no
            await self._wake(self._runs.started)
        self._effective_no = self._control_no
        await self._start_runs(review)
        await self._wake(each for each in review.wake if each in self._runs.started)
        if not (self._learning or self._runs.full):
            await self._wait(review)

    async def _end(self, review: Review) -> None:
        if not review.ended:
            await self._fail()
            review = await self._review()
        while review.more:  # what the query says in the end is what the status says
            review = await self._review()
        self._ended = True
        # Whoever may have a run: one of a workflow before this one, too.
        self._runs.untold = self._runs.started | dict.fromkeys(self._lines.ids())

    async def _review(self) -> Review:
        before = self._snapshot
        request = ReviewRequest(self._owner, self._campaign_id, self._problem, self._lines.seen)
        review: Review = await workflow.execute_activity_method(
            CampaignActivities.review_campaign, request, **options.DATABASE
        )
        self._snapshot = review.snapshot
        self._learning = self._lines.hear(review) and review.more
        changed = before is None or before.numbers != review.snapshot.numbers
        self._pause = options.REVIEW_SHORTEST if changed else min(self._pause * 2, options.REVIEW_LONGEST)
        self._show(review)
        return review

    async def _gather(self) -> None:
        key = CampaignKey(self._owner, self._campaign_id)
        gathered: Gathered = await workflow.execute_activity_method(
            CampaignActivities.gather_accounts, key, **options.DATABASE
        )
        self._problem = gathered.problem

    async def _start_runs(self, review: Review) -> None:
        """New accounts sign in and are checked in parallel, all before the first of them acts (ACC-3)."""
        if not review.acts or self._learning:
            return
        new = self._runs.new(self._lines.usable())
        if new:
            await self._check(review, new)
            self._runs.ready |= dict.fromkeys(new)
        await self._runs.start(review, lambda: self._urgent)

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
                id=f"{names.campaign(self._campaign_id)}/admin-check/{len(self._runs.started)}",
            )
        except ChildWorkflowError:  # the runs look for themselves when they open their account
            workflow.logger.warning("preflight did not finish")

    async def _wake(self, account_ids: Iterable[str]) -> None:
        """Wake the runs. One that is not there (terminated by an operator) is started again."""
        self._runs.untold |= dict.fromkeys(account_ids)
        while chunk := self._runs.next_to_tell():
            for account_id in await self._runs.tell("wake", chunk):
                self.run_lost(account_id)
            if self._runs.untold:
                self._continue_where_suggested()

    async def _stop(self) -> None:
        while chunk := self._runs.next_to_tell():
            await self._runs.tell("stop", chunk)
            if self._runs.untold:
                self._continue_where_suggested()

    async def _wait(self, review: Review) -> None:
        """Until news come, or the time at which something will have changed by itself."""
        await self._wait_for_urgent_news()
        if review.more:
            return
        patience = self._pause if review.busy else None
        if review.look_at is not None:
            due = max(review.look_at - workflow.now(), options.REVIEW_SHORTEST)
            patience = due if patience is None else min(due, patience)
        await pausing.news(lambda: self._news, patience)

    async def _wait_for_urgent_news(self) -> None:
        """Thousands of accounts that change what they are doing must not bring about a review each."""
        pause = options.REVIEW_PER_ACCOUNT * len(self._lines)
        if pause >= options.REVIEW_PAUSE_WORTH_A_TIMER:
            await pausing.news(lambda: self._urgent, pause)

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
            self._news = self._urgent = True
        self._hear_of(control_no)

    def _hear_of(self, control_no: int) -> None:
        if control_no > self._control_no:
            self._news = self._urgent = True

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

    def _continue_where_suggested(self) -> None:
        if workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished():
            workflow.continue_as_new(self._carried())

    def _carried(self) -> CampaignRun:
        lines, gone, seen = self._lines.carried()
        return CampaignRun(
            self._owner,
            self._campaign_id,
            self._control_no,
            tuple(self._runs.started),
            self._snapshot and replace(self._snapshot, accounts=lines),
            self._problem,
            seen=seen,
            gone=gone,
            ready=tuple(self._runs.ready),
            untold=tuple(self._runs.untold),
            ended=self._ended,
            commands=tuple(self._bare_commands),
            broken=self._broken,
            revision=self._revision,
        )
