"""One round of looks at memberships, on a Temporal Schedule: each account that is to look is visited for a moment."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.accounts import AccountActivities, BlockReport, OpenRequest
    from activities.membership import Looked, Looker, MembershipActivities
    from domain.outcome import Reason
    from workflows import options, telling, visits

EVERY = timedelta(minutes=1)


@workflow.defn
class MembershipWorkflow:
    """One round. Its result: how many people were looked for."""

    @workflow.run
    async def run(self) -> int:
        """Visit the accounts, a bounded number at once, then tell their campaigns."""
        lookers: list[Looker] = await workflow.execute_activity_method(
            MembershipActivities.due_lookers, **options.HOUSEKEEPING
        )
        people, campaigns = 0, dict[str, None]()
        for begin in range(0, len(lookers), options.LOOKS_AT_ONCE):
            chunk = lookers[begin : begin + options.LOOKS_AT_ONCE]
            for looked in await asyncio.gather(*(_look(looker) for looker in chunk)):
                people += looked.people
                campaigns |= dict.fromkeys(looked.campaigns)
        await telling.accounts_changed(list(campaigns))
        return people


async def _look(looker: Looker) -> Looked:
    visit = OpenRequest(looker.owner, looker.adapter, looker.account_id, platform=looker.adapter)
    opened = await visits.opened(visit)
    if opened.blocked:
        await _report(looker, opened.blocked)
    if not opened.fence:  # it rests, or cannot be reached: its people wait
        return Looked(0)
    looked = await _looked(Looker(looker.owner, looker.adapter, looker.account_id, opened.fence), opened.queue)
    if looked.blocked:
        await _report(looker, looked.blocked)
    await visits.let_go(visit, opened.queue)
    return looked


async def _looked(looker: Looker, queue: str) -> Looked:
    try:
        return await workflow.execute_activity_method(
            MembershipActivities.look_for_members, looker, **options.on(queue, options.LOOK)
        )
    except ActivityError:
        workflow.logger.info("no look at members; the next round looks again")
        return Looked(0)


async def _report(looker: Looker, reason: Reason) -> None:
    report = BlockReport(looker.owner, looker.adapter, looker.account_id, reason)
    try:
        await workflow.execute_activity_method(AccountActivities.report_block, report, **options.HOUSEKEEPING)
    except ActivityError:  # it is told when the account is opened the next time
        workflow.logger.info("block not reported")
