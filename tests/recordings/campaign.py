"""`CampaignWorkflow` in each of its phases."""

from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from domain.campaign import Command, Wanted
from domain.statistics import AccountLine, Snapshot, numbers
from domain.terms import HIGHEST
from domain.why import Why
from tests.recordings.scene import Scene, soon_continued, unserved
from tests.workflows.fakes import ACCOUNT, CAMPAIGN, OWNER, WORKER_QUEUE, fails, held_on
from tests.workflows.recorded import eventually_recorded
from tests.workflows.stage import Stage, eventually, rests_for
from workflows import names, options
from workflows.campaign import CampaignRun, CampaignWorkflow, Edited

Campaign = WorkflowHandle[Any, Any]
SECOND = "account-2"


async def started(stage: Stage) -> Campaign:
    """Two accounts are at work."""
    stage.campaigns.listed = [ACCOUNT, SECOND]
    run = await stage.start_campaign()
    await eventually(lambda: len(stage.actions.done) == 2)
    await rests_for(run, Why.WORKING)
    return run


async def reviewed_again(stage: Stage, campaign: Campaign) -> None:
    """Tell it that something changed, and wait until it has looked."""
    seen = len(stage.campaigns.reviews)
    await campaign.signal(CampaignWorkflow.accounts_changed)
    await eventually(lambda: len(stage.campaigns.reviews) > seen)


async def preparing(stage: Stage) -> Campaign:
    """New: its accounts are not listed yet, and cannot be read."""
    stage.campaigns.directory_away = True
    stage.campaigns.waiting = (Why.INTEGRATION_AWAY, await stage.clock.now() + timedelta(minutes=1))
    run = await stage.start_campaign()
    await rests_for(run, Why.INTEGRATION_AWAY)
    return run


async def checking(stage: Stage) -> Campaign:
    """Its accounts are being checked: one of them is asked for on a worker that does not answer."""
    stage.campaigns.listed = [ACCOUNT, SECOND]
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(minutes=1)))
    run = await stage.start_campaign()
    await eventually(lambda: len(stage.accounts.opens) == 2)
    return run


async def running(stage: Stage) -> Campaign:
    """At work, looked at several times."""
    run = await started(stage)
    stage.campaigns.left = 2
    await reviewed_again(stage, run)
    await stage.env.sleep(timedelta(seconds=10))
    return run


async def told_in_pages(stage: Stage) -> Campaign:
    """Its accounts' lines come with several reviews."""
    stage.campaigns.page = 1
    return await started(stage)


async def accounts_added(stage: Stage) -> Campaign:
    """A third account is listed at a poll."""
    stage.campaigns.poll = timedelta(seconds=20)
    run = await started(stage)
    stage.campaigns.listed.append("account-3")
    await stage.env.sleep(timedelta(seconds=40))
    await eventually(lambda: len(stage.actions.done) == 3)
    return run


async def account_gone_and_back(stage: Stage) -> Campaign:
    """The owner switches an account off before it was started, and on again."""
    stage.campaigns.gone = {SECOND}
    stage.campaigns.listed = [ACCOUNT, SECOND]
    run = await stage.start_campaign()
    await eventually(lambda: len(stage.actions.done) == 1)
    stage.campaigns.gone = set()
    await reviewed_again(stage, run)
    await eventually(lambda: len(stage.actions.done) == 2)
    return run


async def run_lost(stage: Stage) -> Campaign:
    """The sweeper says that an account's run is gone; another one is found missing when it is woken."""
    run = await started(stage)
    await rests_for(stage.run_of(), Why.QUEUE_EMPTY)
    await stage.run_of().terminate()
    await run.signal(CampaignWorkflow.run_lost, ACCOUNT)
    await eventually(lambda: len(stage.actions.done) == 3)
    await rests_for(stage.run_of(SECOND), Why.QUEUE_EMPTY)
    await stage.run_of(SECOND).terminate()
    stage.campaigns.wake = [SECOND]
    await reviewed_again(stage, run)
    await eventually(lambda: len(stage.actions.done) == 4)
    return run


async def runs_of_an_earlier_workflow(stage: Stage) -> Campaign:
    """They are there already: woken instead of started."""
    run = await started(stage)
    await run.terminate()
    run = await stage.start_campaign()
    await eventually(lambda: len(stage.actions.done) >= 4)
    return run


async def waiting(stage: Stage) -> Campaign:
    """For accounts that rest, until a known time."""
    run = await started(stage)
    stage.campaigns.waiting = (Why.COOLDOWN, await stage.clock.now() + timedelta(hours=1))
    await reviewed_again(stage, run)
    await rests_for(run, Why.COOLDOWN)
    await stage.env.sleep(timedelta(minutes=3))
    return run


async def paused(stage: Stage) -> Campaign:
    """By the owner: all runs are woken to see it."""
    run = await started(stage)
    await run.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
    await rests_for(run, Why.PAUSED)
    return run


async def resumed(stage: Stage) -> Campaign:
    """By an operator's bare signal in the Web UI."""
    run = await paused(stage)
    await run.signal("resume")
    await rests_for(run, Why.WORKING)
    await eventually(lambda: stage.campaigns.commands == [Command.RESUME])
    return run


async def done(stage: Stage) -> Campaign:
    """Everybody is settled, its runs are stopped."""
    run = await started(stage)
    stage.campaigns.left = 0
    await run.signal(CampaignWorkflow.accounts_changed)
    await run.result()
    return run


async def cancelled(stage: Stage) -> Campaign:
    """By the owner, while paused."""
    run = await paused(stage)
    await run.signal(CampaignWorkflow.cancel, stage.campaigns.command(Wanted.CANCELLED))
    await run.result()
    return run


async def failed(stage: Stage) -> Campaign:
    """By errors of our own in a row."""
    attempts = options.ACTION["retry_policy"].maximum_attempts
    stage.actions.script(*[fails(RuntimeError("bug"))] * (options.ERRORS_IN_A_ROW * attempts))
    run = await stage.start_campaign()
    await run.result()
    return run


async def started_at_its_end(stage: Stage) -> Campaign:
    """The reconciler starts what has ended meanwhile."""
    stage.campaigns.left = 0
    run = await stage.start_campaign()
    await run.result()
    return run


async def continued(stage: Stage) -> Campaign:
    """Goes on from all that was carried over: one to be woken, one to be started, a command."""
    stage.campaigns.due = False
    stage.campaigns.joined = [ACCOUNT, SECOND]
    now = await stage.clock.now()
    lines = [AccountLine(each, "working", "working", now, None) for each in (ACCOUNT, SECOND)]
    snapshot = Snapshot(CAMPAIGN, "running", "working", now, None, now, numbers(3, ()), lines, 0.0, None)
    await stage.start_listener(names.account_run(CAMPAIGN, ACCOUNT))
    carried = CampaignRun(
        OWNER,
        CAMPAIGN,
        control_no=1,
        started=(ACCOUNT,),
        snapshot=snapshot,
        ready=(SECOND,),
        untold=(ACCOUNT,),
        commands=(Command.PAUSE, Command.RESUME),
    )
    run = await stage.start_campaign(carried)
    await eventually(lambda: len(stage.actions.done) == 1)
    await rests_for(run, Why.WORKING)
    return run


async def edited(stage: Stage) -> Campaign:
    """By the owner: all runs are woken to act by it, and the priority is another."""
    run = await started(stage)
    stage.campaigns.priority = HIGHEST
    await run.execute_update(CampaignWorkflow.edit, Edited(2, stage.campaigns.command(Wanted.RUN)))
    return run


async def scheduled(stage: Stage) -> Campaign:
    """Not before its time; then its accounts begin."""
    stage.campaigns.waiting = (Why.SCHEDULED, await stage.clock.now() + timedelta(hours=3))
    run = await stage.start_campaign()
    await rests_for(run, Why.SCHEDULED)
    return run


async def held_and_let_go(stage: Stage) -> Campaign:
    """Too many refused; the owner has resumed it."""
    run = await started(stage)
    stage.campaigns.waiting = (Why.TOO_MANY_REFUSALS, None)
    await reviewed_again(stage, run)
    await rests_for(run, Why.TOO_MANY_REFUSALS)
    stage.campaigns.waiting = None
    await run.signal(CampaignWorkflow.resume, stage.campaigns.command(Wanted.RUN))
    await rests_for(run, Why.WORKING)
    return run


async def others_freed(stage: Stage) -> Campaign:
    """Paused: a campaign that gave way to it is told."""
    other = "00000000-0000-4000-8000-000000000002"
    await stage.start_listener(names.campaign(other))
    run = await started(stage)
    stage.campaigns.freed = [other]
    await run.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
    await rests_for(run, Why.PAUSED)
    return run


async def finished(stage: Stage) -> Campaign:
    """Ended by its owner while no account is left."""
    stage.campaigns.waiting = (Why.ACCOUNTS_GONE, await stage.clock.now() + timedelta(days=3))
    run = await stage.start_campaign()
    await rests_for(run, Why.ACCOUNTS_GONE)
    await run.signal(CampaignWorkflow.finish, stage.campaigns.command(Wanted.FINISHED))
    await run.result()
    return run


async def continued_at_its_end(stage: Stage) -> Campaign:
    """Runs that are still to be stopped."""
    await stage.start_listener(names.account_run(CAMPAIGN, ACCOUNT))
    run = await stage.start_campaign(CampaignRun(OWNER, CAMPAIGN, untold=(ACCOUNT,), ended=True))
    await run.result()
    return run


async def continued_as_new(stage: Stage) -> Campaign:
    """Its history was long enough."""
    run = await started(stage)
    for _ in range(4):
        await reviewed_again(stage, stage.client.get_workflow_handle(run.id))
    first = stage.client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)
    await eventually_recorded(first, lambda seen: seen.was_continued())
    return first


SCENES = (
    Scene(preparing),
    unserved(checking),
    Scene(running),
    Scene(told_in_pages),
    Scene(accounts_added),
    Scene(account_gone_and_back),
    Scene(run_lost),
    Scene(runs_of_an_earlier_workflow),
    Scene(waiting),
    Scene(paused),
    Scene(resumed),
    Scene(edited),
    Scene(scheduled),
    Scene(held_and_let_go),
    Scene(others_freed),
    Scene(finished),
    Scene(done),
    Scene(cancelled),
    Scene(failed),
    Scene(started_at_its_end),
    Scene(continued),
    Scene(continued_at_its_end),
    soon_continued(continued_as_new),
)
