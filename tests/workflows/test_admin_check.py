"""The admin check: all accounts asked in parallel, where they are open; what each may do is its result."""

from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from activities.accounts import OpenRequest
from domain.ports import AccountRights
from domain.why import Why
from tests.workflows.fakes import (
    CAMPAIGN,
    DESTINATION,
    OWNER,
    PLATFORM,
    QUEUE,
    WORKER_QUEUE,
    held_on,
    not_opened,
)
from tests.workflows.recorded import Recorded
from tests.workflows.stage import Stage, dev_server_stage
from workflows import names, options
from workflows.admin_check import AdminCheck, AdminCheckWorkflow

CHECK_ID = "00000000-0000-4000-8000-00000000000c"


async def start(stage: Stage, check: AdminCheck) -> WorkflowHandle[AdminCheckWorkflow, list[AccountRights]]:
    return await stage.client.start_workflow(
        AdminCheckWorkflow.run, check, id=names.admin_check(OWNER, CHECK_ID), task_queue=QUEUE
    )


def ways(rights: list[AccountRights]) -> dict[str, tuple[bool, str]]:
    return {each.account_id: (each.can_invite, each.reason) for each in rights}


async def test_says_for_each_listed_account_what_it_may_do_and_closes_it(stage: Stage) -> None:
    stage.accounts.listed = ["account-1", "account-2", "account-3"]
    stage.accounts.not_admin = {"account-2"}
    stage.accounts.script(not_opened(Why.ACCOUNT_BLOCKED), account_id="account-3")
    check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
    assert ways(await check.result()) == {
        "account-1": (True, ""),
        "account-2": (False, "no_right_to_invite"),
        "account-3": (False, "account_blocked"),
    }
    assert sorted(stage.accounts.closed()) == [(WORKER_QUEUE, "account-1"), (WORKER_QUEUE, "account-2")]
    assert {request.user for _, request in stage.accounts.closes} == {check.id}


async def test_asks_the_chosen_ones_only(stage: Stage) -> None:
    stage.accounts.listed = ["account-1", "account-2", "account-3"]
    check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION, ("account-2", "stranger")))
    assert list(ways(await check.result())) == ["account-2"]


async def test_nobody_to_ask_is_an_empty_answer(stage: Stage) -> None:
    check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
    assert await check.result() == []


async def test_asks_through_the_worker_that_holds_the_account(stage: Stage) -> None:
    stage.accounts.listed = ["account-1"]
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)))
    check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
    assert ways(await check.result()) == {"account-1": (True, "")}
    assert stage.accounts.opened("account-1") == [QUEUE, WORKER_QUEUE]


async def test_does_not_wait_for_a_worker_that_is_gone(stage: Stage) -> None:
    stage.accounts.listed = ["account-1", "account-2"]
    stage.accounts.script(held_on("invite/dead", timedelta(seconds=15)), account_id="account-1")
    check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
    assert ways(await check.result()) == {"account-1": (False, "account_elsewhere"), "account-2": (True, "")}
    assert stage.accounts.closed() == [(WORKER_QUEUE, "account-2")]


async def test_a_campaigns_preflight_leaves_its_accounts_open(stage: Stage) -> None:
    preflight = AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION, ("account-1", "account-2"), CAMPAIGN)
    check = await start(stage, preflight)
    assert await check.result() == []  # of thousands it would be a long answer that nobody reads
    assert stage.accounts.lists == []
    assert stage.accounts.closed() == []
    assert {request for _, request in stage.accounts.opens} == {
        OpenRequest(OWNER, PLATFORM, each, PLATFORM, CAMPAIGN, DESTINATION) for each in ("account-1", "account-2")
    }


async def test_a_bounded_number_is_asked_at_once(stage: Stage) -> None:
    many = tuple(f"account-{number}" for number in range(options.CHECKS_AT_ONCE + 3))
    check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION, many, CAMPAIGN))
    await check.result()
    assert sorted(request.account_id for _, request in stage.accounts.opens) == sorted(many)
    assert (await Recorded.of(check)).most_activities_at_once() == options.CHECKS_AT_ONCE


async def test_goes_on_where_it_was_when_it_is_continued_as_new() -> None:
    async with dev_server_stage(suggest_continue_as_new_at=20) as stage:
        stage.accounts.listed = [f"account-{number:03}" for number in range(2 * options.CHECKS_AT_ONCE + 3)]
        stage.accounts.not_admin = set(stage.accounts.listed[::7])
        check = await start(stage, AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION))
        may = {each.account_id: each.can_invite for each in await check.result()}
        assert may == {each: each not in stage.accounts.not_admin for each in stage.accounts.listed}
        assert len(stage.accounts.lists) == 1
        assert len(stage.accounts.opens) == len(stage.accounts.closes) == len(may)
        first = await Recorded.of(stage.client.get_workflow_handle(check.id, run_id=check.first_execution_run_id))
        assert first.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW) == 1
