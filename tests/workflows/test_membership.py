"""One round of looks at members: every account that can look is visited once, and its campaigns are told."""

from datetime import timedelta

from temporalio.client import WorkflowHandle

from activities.accounts import BlockReport
from activities.membership import Looked, Looker
from domain.outcome import Reason
from domain.why import Why
from tests.workflows.fakes import CAMPAIGN, OWNER, PLATFORM, QUEUE, WORKER_QUEUE, held_on, not_opened
from tests.workflows.recorded import Recorded
from tests.workflows.stage import Stage
from workflows import names, options
from workflows.membership import MembershipWorkflow

MANY = [f"account-{number}" for number in range(options.LOOKS_AT_ONCE + 3)]


async def start(stage: Stage) -> WorkflowHandle[MembershipWorkflow, int]:
    return await stage.client.start_workflow(MembershipWorkflow.run, id=names.MEMBERSHIP_SCHEDULE, task_queue=QUEUE)


async def test_each_account_is_opened_looks_and_is_let_go(stage: Stage) -> None:
    stage.membership.due = MANY
    round_ = await start(stage)
    assert await round_.result() == 3 * len(MANY)
    assert sorted(looker.account_id for _, looker in stage.membership.looked) == sorted(MANY)
    assert {queue for queue, _ in stage.membership.looked} == {WORKER_QUEUE}
    assert all(looker.fence for _, looker in stage.membership.looked)
    assert sorted(stage.accounts.closed()) == sorted((WORKER_QUEUE, each) for each in MANY)
    assert {request.user for _, request in stage.accounts.closes} == {names.MEMBERSHIP_SCHEDULE}
    recorded = await Recorded.of(round_)
    assert recorded.most_activities_at_once() <= options.LOOKS_AT_ONCE
    assert recorded.signalled() == [(names.campaign(CAMPAIGN), "accounts_changed")], "once, there or not"


async def test_nothing_is_done_where_nothing_is_due(stage: Stage) -> None:
    round_ = await start(stage)
    assert await round_.result() == 0
    assert [name for name, _ in (await Recorded.of(round_)).activities()] == ["due_lookers"]


async def test_an_account_that_another_worker_holds_looks_there(stage: Stage) -> None:
    stage.membership.due = ["account-1"]
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)))
    assert await (await start(stage)).result() == 3
    assert stage.accounts.opened() == [QUEUE, WORKER_QUEUE]
    assert stage.membership.looked == [(WORKER_QUEUE, Looker(OWNER, PLATFORM, "account-1", fence=2))]


async def test_one_that_rests_or_fails_keeps_nobody_else_from_looking(stage: Stage) -> None:
    stage.membership.due = ["resting", "failing", "account-1"]
    stage.accounts.script(not_opened(Why.COOLDOWN, timedelta(minutes=5)), account_id="resting")
    stage.membership.answers = {"failing": ValueError("an error of ours")}
    assert await (await start(stage)).result() == 3
    assert sorted(looker.account_id for _, looker in stage.membership.looked) == ["account-1", "failing"]
    assert {account_id for _, account_id in stage.accounts.closed()} == {"failing", "account-1"}


async def test_a_block_found_by_looking_is_reported(stage: Stage) -> None:
    stage.membership.due = ["account-1", "account-2"]
    stage.accounts.script(not_opened(Why.ACCOUNT_BLOCKED, reason=Reason.BANNED))
    stage.membership.answers = {"account-2": Looked(0, blocked=Reason.FROZEN)}
    await (await start(stage)).result()
    found = sorted(stage.accounts.reports, key=lambda report: report.account_id)
    assert found == [
        BlockReport(OWNER, PLATFORM, "account-1", Reason.BANNED),
        BlockReport(OWNER, PLATFORM, "account-2", Reason.FROZEN),
    ]
