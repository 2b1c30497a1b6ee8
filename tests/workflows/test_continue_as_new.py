"""Continued as new, on a server that suggests it after a handful of events: nothing is lost on the way."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from domain.campaign import Command, Wanted
from domain.platform import Action
from domain.why import Why
from tests.workflows.fakes import ACCOUNT, CAMPAIGN, OWNER, WORKER_QUEUE, acts, halted
from tests.workflows.recorded import Recorded, eventually_recorded
from tests.workflows.stage import Stage, dev_server_stage, eventually, eventually_true, rests_for
from workflows import names, options
from workflows.account_run import AccountRunWorkflow
from workflows.campaign import CampaignRun, CampaignWorkflow

FEW_EVENTS = 20
EVERY_STEP = 8
TURNS = 9
LONG = timedelta(minutes=1)
"""Dozens of workflows on cores that are busy with other things."""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with dev_server_stage(FEW_EVENTS) as made:
        yield made


async def runs_of(stage: Stage, workflow_id: str) -> list[Recorded]:
    """The recorded runs of a workflow, first to last."""
    found = stage.client.list_workflows(f'WorkflowId = "{workflow_id}"')
    started = sorted([each async for each in found], key=lambda each: each.start_time)
    return [await Recorded.of(stage.client.get_workflow_handle(each.id, run_id=each.run_id)) for each in started]


def continued(runs: list[Recorded]) -> int:
    return sum(run.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW) for run in runs)


async def was_continued(handle: WorkflowHandle[Any, Any], times: int, stage: Stage) -> None:
    async def often_enough() -> bool:
        return continued(await runs_of(stage, handle.id)) >= times

    await eventually_true(often_enough)


async def waits_for_news(handle: WorkflowHandle[Any, Any], stage: Stage) -> None:
    """It was continued, and has nothing to do; when news come, it will be continued again."""
    await was_continued(handle, 1, stage)
    latest = stage.client.get_workflow_handle(handle.id)
    await eventually_recorded(latest, lambda recorded: any(timer.rested is None for timer in recorded.timers()))


async def test_an_accounts_run_goes_on_from_its_number_with_the_account_open(stage: Stage) -> None:
    stage.actions.script(*[acts(Action.MESSAGE)] * TURNS)
    run = await stage.start_run()
    await eventually(lambda: len(stage.actions.done) == TURNS + 1)
    await rests_for(stage.run_of(), Why.QUEUE_EMPTY)
    await stage.run_of().signal(AccountRunWorkflow.stop)
    await run.result()
    assert continued(await runs_of(stage, names.account_run(CAMPAIGN, ACCOUNT))) >= 2
    assert stage.actions.numbers() == list(range(TURNS + 1))
    assert {each.work.run for each in stage.actions.done} == {run.first_execution_run_id}
    assert [each.action for each in stage.actions.done] == [Action.INVITE] + [Action.MESSAGE] * TURNS
    assert len(stage.accounts.opens) == 1
    assert stage.accounts.closed() == [(WORKER_QUEUE, ACCOUNT)]


async def test_a_campaign_keeps_its_runs_its_wish_and_its_numbers(stage: Stage) -> None:
    campaign = await stage.start_campaign()
    latest = stage.client.get_workflow_handle_for(CampaignWorkflow.run, campaign.id)
    await eventually(lambda: len(stage.actions.done) == 1)
    for _ in range(5):
        reviews = len(stage.campaigns.reviews)
        await latest.signal(CampaignWorkflow.accounts_changed)
        await eventually(lambda seen=reviews: len(stage.campaigns.reviews) > seen)
    await was_continued(campaign, 1, stage)
    assert (await latest.query(CampaignWorkflow.stats)).campaign_id == CAMPAIGN
    woken_before = len(stage.actions.done)
    await latest.signal(CampaignWorkflow.pause, 1)  # passed on by the first run
    stage.campaigns.left = 0
    await latest.signal(CampaignWorkflow.accounts_changed)
    await campaign.result()
    await stage.run_of().result()
    assert len(stage.actions.done) == woken_before
    runs = await runs_of(stage, campaign.id)
    assert [child for run in runs for child in run.children()] == [
        ("AdminCheckWorkflow", f"campaign/{CAMPAIGN}/admin-check/0"),
        ("AccountRunWorkflow", names.account_run(CAMPAIGN, ACCOUNT)),
    ]
    assert stage.campaigns.told == [("stop", (ACCOUNT,))]


async def test_its_children_live_on(stage: Stage) -> None:
    campaign = await stage.start_campaign()
    latest = stage.client.get_workflow_handle_for(CampaignWorkflow.run, campaign.id)
    await eventually(lambda: len(stage.actions.done) == 1)
    while continued(await runs_of(stage, campaign.id)) < 1:
        await latest.signal(CampaignWorkflow.accounts_changed)
    assert (await stage.run_of().describe()).status is WorkflowExecutionStatus.RUNNING
    stage.actions.script(halted())
    await latest.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
    await rests_for(stage.run_of(), Why.PAUSED)


async def test_a_bare_signal_that_comes_just_before_is_acted_on() -> None:
    """Every step suggests to continue: what the signal left in memory must be written first."""
    async with dev_server_stage(suggest_continue_as_new_at=EVERY_STEP) as stage:
        campaign = await stage.start_campaign()
        latest = stage.client.get_workflow_handle_for(CampaignWorkflow.run, campaign.id)
        await eventually(lambda: len(stage.actions.done) == 1)
        await waits_for_news(campaign, stage)
        await latest.signal("pause")
        await rests_for(latest, Why.PAUSED)
        assert stage.campaigns.commands == [Command.PAUSE]


async def test_that_it_is_broken_is_not_forgotten() -> None:
    async with dev_server_stage(suggest_continue_as_new_at=EVERY_STEP) as stage:
        campaign = await stage.start_campaign()
        latest = stage.client.get_workflow_handle_for(CampaignWorkflow.run, campaign.id)
        await eventually(lambda: len(stage.actions.done) == 1)
        await waits_for_news(campaign, stage)
        await latest.signal(CampaignWorkflow.broken)
        await campaign.result()
        assert stage.campaigns.failed == 1


class TestManyAccounts:
    """More than one run of the campaign may start: it goes on in the next one, from where it was."""

    MANY = tuple(f"account-{number:03}" for number in range(2 * options.STARTS_AT_ONCE + 3))

    async def test_all_are_checked_before_the_first_acts_and_each_is_started_once(self, stage: Stage) -> None:
        stage.campaigns.listed = list(self.MANY)
        stage.campaigns.page = 40
        campaign = await stage.start_campaign()
        await eventually(lambda: {each.work.account_id for each in stage.actions.done} == set(self.MANY), LONG)
        checks = [request.account_id for _, request in stage.accounts.opens[: len(self.MANY)]]
        assert set(checks) == set(self.MANY)
        runs = await runs_of(stage, campaign.id)
        started = [workflow_id for run in runs for name, workflow_id in run.children() if name == "AccountRunWorkflow"]
        assert sorted(started) == [names.account_run(CAMPAIGN, each) for each in self.MANY]
        assert max(len(run.children()) for run in runs) <= options.STARTS_AT_ONCE + 1
        latest = stage.client.get_workflow_handle_for(CampaignWorkflow.run, campaign.id)
        shown = await latest.query(CampaignWorkflow.stats)
        assert [line.account_id for line in shown.accounts] == list(self.MANY)
        stage.campaigns.left = 0
        await latest.signal(CampaignWorkflow.accounts_changed)
        await campaign.result()

    async def test_a_pause_is_obeyed_before_all_are_started(self, stage: Stage) -> None:
        stage.campaigns.due = False
        stage.campaigns.joined = list(self.MANY)
        campaign = await stage.start_campaign(CampaignRun(OWNER, CAMPAIGN, control_no=1, ready=self.MANY))
        await eventually(lambda: len(stage.actions.done) >= 1)
        latest = stage.client.get_workflow_handle_for(CampaignWorkflow.run, campaign.id)
        await latest.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
        await rests_for(latest, Why.PAUSED)
        runs = await runs_of(stage, campaign.id)
        assert sum(len(run.children()) for run in runs) < len(self.MANY)
        await latest.signal(CampaignWorkflow.resume, stage.campaigns.command(Wanted.RUN))
        await eventually(lambda: {each.work.account_id for each in stage.actions.done} == set(self.MANY), LONG)

    async def test_those_that_an_earlier_run_did_not_reach_are_woken_and_then_stopped(self, stage: Stage) -> None:
        stage.campaigns.due = False
        told = [await stage.start_listener(names.account_run(CAMPAIGN, each)) for each in ("account-1", "account-2")]
        carried = CampaignRun(OWNER, CAMPAIGN, control_no=1, started=("account-1", "account-2"), untold=("account-2",))
        await stage.start_campaign(carried)
        await eventually_true(lambda: _has_heard(told[1], ["wake"]))
        assert await told[0].query("told") == []
        await stage.client.get_workflow_handle(names.campaign(CAMPAIGN)).terminate()
        await stage.start_campaign(CampaignRun(OWNER, CAMPAIGN, untold=("account-1",), ended=True))
        await eventually_true(lambda: _has_heard(told[0], ["stop"]))
        assert await told[1].query("told") == ["wake"]

    async def test_what_was_heard_and_not_acted_on_is_carried_over(self, stage: Stage) -> None:
        stage.campaigns.due = False
        carried = CampaignRun(OWNER, CAMPAIGN, control_no=1, commands=(Command.PAUSE,))
        campaign = await stage.start_campaign(carried)
        await rests_for(campaign, Why.PAUSED)
        await campaign.terminate()
        campaign = await stage.start_campaign(CampaignRun(OWNER, CAMPAIGN, control_no=2, broken=True))
        await campaign.result()
        assert stage.campaigns.failed == 1


async def _has_heard(listener: WorkflowHandle[Any, Any], signals: list[str]) -> bool:
    return await listener.query("told") == signals
