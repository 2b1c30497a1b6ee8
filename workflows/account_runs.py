"""The accounts' runs, as their campaign holds them: started and told by the hundred, over several runs of its own.

Temporal bears 2 000 pending children and 2 000 pending signals of one run at most. The limit is per run: children are
abandoned and found by their workflow ids, and so the campaign starts a thousand, continues as new, and goes on.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from temporalio import workflow
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.campaigns import CampaignActivities, Message
    from domain.platform import Action
    from domain.review import Review
    from workflows import names, options
    from workflows.account_run import AccountRun, AccountRunWorkflow


class AccountRuns:
    """`started`: accounts whose runs were started. `ready`: that were checked, and come next. `untold`: to be told."""

    def __init__(
        self, owner: str, campaign_id: str, started: Iterable[str], ready: Iterable[str], untold: Iterable[str]
    ) -> None:
        self._owner = owner
        self._campaign_id = campaign_id
        self.started = dict.fromkeys(started)
        self.ready = dict.fromkeys(ready)
        self.untold = dict.fromkeys(untold)
        self._of_this_run = 0
        self._running: list[workflow.ChildWorkflowHandle[AccountRunWorkflow, None]] = []

    @property
    def full(self) -> bool:
        """So many were started that the next ones need a new run of the campaign."""
        suggested = self._of_this_run > 0 and workflow.info().is_continue_as_new_suggested()
        return suggested or self._of_this_run >= options.STARTS_PER_RUN

    def new(self, usable: Iterable[str]) -> list[str]:
        """Those of them that are still to be checked."""
        return [each for each in usable if each not in self.started and each not in self.ready]

    def lost(self, account_id: str) -> None:
        """The account's run is gone: it is to be started again."""
        self.started.pop(account_id, None)

    async def start(self, review: Review, interrupted: Callable[[], bool]) -> None:
        """Start who is ready, as many as this run may; the rest later where a command comes meanwhile."""
        while self.ready and not self.full and not interrupted():
            room = options.STARTS_PER_RUN - self._of_this_run
            chunk = list(self.ready)[: min(options.STARTS_AT_ONCE, room)]
            await asyncio.gather(*(self._start(review, account_id) for account_id in chunk))
            self._of_this_run += len(chunk)
            for account_id in chunk:
                self.ready.pop(account_id, None)

    async def _start(self, review: Review, account_id: str) -> None:
        action = Action.INVITE if review.destination else Action.MESSAGE
        run = AccountRun(self._owner, self._campaign_id, account_id, review.platform, review.adapter, action)
        try:
            handle = await workflow.start_child_workflow(
                AccountRunWorkflow.run,
                run,
                id=names.account_run(self._campaign_id, account_id),
                # A parent's continue-as-new would end its children otherwise.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                task_timeout=options.RUN_TASK,
                priority=Priority(priority_key=review.priority),
            )
            self._running.append(handle)
        except WorkflowAlreadyStartedError:  # of a workflow before this one: it may sleep on an older wish
            await self.tell("wake", (account_id,), review.priority)
        self.started[account_id] = None

    async def ended(self) -> None:
        """Wait for the runs to close their accounts: those that were started by this run of the campaign."""
        if self._running:
            await workflow.wait(self._running, timeout=options.STOPPING.total_seconds())

    def next_to_tell(self) -> Sequence[str]:
        """A chunk of those who are still to be told; from now on they count as told."""
        chunk = list(self.untold)[: options.SIGNALS_AT_ONCE]
        for account_id in chunk:
            self.untold.pop(account_id)
        return chunk

    async def tell(self, signal: str, account_ids: Sequence[str], priority: int = 0) -> Sequence[str]:
        """Tell a chunk of runs. `priority`: the campaign's, with a wake. Returns those that are not there."""
        message = Message(self._campaign_id, signal, account_ids, priority)
        missing: list[str] = await workflow.execute_activity_method(
            CampaignActivities.tell_runs, message, **options.DATABASE
        )
        return missing
