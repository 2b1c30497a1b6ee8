"""`AccountRunWorkflow` in each of its phases."""

from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from domain.outcome import Reason
from domain.platform import Action
from domain.why import Why
from tests.recordings.scene import Scene, soon_continued, unserved
from tests.workflows.fakes import (
    ACCOUNT,
    CAMPAIGN,
    OWNER,
    PLATFORM,
    WORKER_QUEUE,
    Held,
    acts,
    blocked,
    fails,
    gap,
    halted,
    held_on,
    idles,
    not_opened,
    reopens,
    rests,
)
from tests.workflows.recorded import eventually_recorded
from tests.workflows.stage import Stage, eventually, rests_for
from workflows import names, options
from workflows.account_run import AccountRun, AccountRunWorkflow

Run = WorkflowHandle[Any, Any]


async def opening_there(stage: Stage) -> Run:
    """Another worker holds the account, and is asked."""
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(minutes=1)))
    run = await stage.start_run()
    await eventually_recorded(run, lambda seen: seen.activities()[1:] == [("open_account", WORKER_QUEUE)])
    return run


async def elsewhere(stage: Stage) -> Run:
    """The worker that holds the account is gone: its lease is waited for."""
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(minutes=10)))
    run = await stage.start_run()
    await stage.env.sleep(2 * options.WORKER_QUEUE_SCHEDULE_TO_START)
    await rests_for(run, Why.ACCOUNT_ELSEWHERE)
    return run


async def acting(stage: Stage) -> Run:
    """An action is in flight, after a gap and another kind of action."""
    held = Held(idles())
    stage.actions.script(gap(timedelta(seconds=12)), acts(Action.MESSAGE), held)
    run = await stage.start_run()
    await stage.env.sleep(timedelta(seconds=13))
    await held.begun.wait()
    return run


async def adding_contacts(stage: Stage) -> Run:
    """Contacts are added before the campaign's own action."""
    stage.actions.script(acts(Action.ADD_CONTACT), acts(Action.INVITE))
    run = await stage.start_run()
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def woken_while_acting(stage: Stage) -> Run:
    """A wake comes while an action is in flight, and another look follows."""
    held = Held(idles())
    stage.actions.script(held)
    run = await stage.start_run()
    await held.begun.wait()
    await run.signal(AccountRunWorkflow.wake)
    held.go.set()
    await eventually(lambda: len(stage.actions.done) == 2)
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def in_a_gap(stage: Stage) -> Run:
    """The pause between two actions."""
    stage.actions.script(gap(timedelta(hours=1)))
    run = await stage.start_run()
    await rests_for(run, Why.GAP)
    return run


async def resting(stage: Stage) -> Run:
    """A flood wait of hours: the account was closed, the campaign told."""
    await stage.start_listener(names.campaign(CAMPAIGN))
    stage.actions.script(acts(), rests(Why.COOLDOWN, timedelta(hours=7), closed=True, turns=1))
    run = await stage.start_run()
    await rests_for(run, Why.COOLDOWN)
    return run


async def rested(stage: Stage) -> Run:
    """A rest is over, and the account is open again."""
    stage.actions.script(rests(Why.BUDGET_SPENT, timedelta(hours=7), closed=True, turns=1), idles(turns=1))
    run = await stage.start_run()
    await rests_for(run, Why.BUDGET_SPENT)
    await stage.env.sleep(timedelta(hours=8))
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def idle(stage: Stage) -> Run:
    """Its queue is empty, for the second time after a wake."""
    await stage.start_listener(names.campaign(CAMPAIGN))
    run = await stage.start_run()
    await rests_for(run, Why.QUEUE_EMPTY)
    await run.signal(AccountRunWorkflow.wake)
    await eventually(lambda: len(stage.actions.done) == 2)
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def campaign_gone(stage: Stage) -> Run:
    """The campaign that it tells of its rest has ended."""
    run = await stage.start_run()
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def paused(stage: Stage) -> Run:
    """The owner paused while it acted."""
    stage.actions.script(acts(), halted())
    run = await stage.start_run()
    await rests_for(run, Why.PAUSED)
    return run


async def resumed(stage: Stage) -> Run:
    """And resumed."""
    stage.actions.script(halted(), acts(), idles(turns=1))
    run = await stage.start_run()
    await rests_for(run, Why.PAUSED)
    await run.signal(AccountRunWorkflow.wake)
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def not_admin(stage: Stage) -> Run:
    """Without the right to invite; looked at again when woken."""
    stage.actions.script(rests(Why.NOT_ADMIN), rests(Why.NOT_ADMIN))
    run = await stage.start_run()
    await rests_for(run, Why.NOT_ADMIN)
    await run.signal(AccountRunWorkflow.wake)
    await eventually(lambda: len(stage.accounts.opens) == 2)
    await rests_for(run, Why.NOT_ADMIN)
    return run


async def account_blocked(stage: Stage) -> Run:
    """Banned while it acted: reported."""
    stage.actions.script(acts(), blocked(Reason.BANNED))
    run = await stage.start_run()
    await rests_for(run, Why.ACCOUNT_BLOCKED)
    return run


async def blocked_when_opened(stage: Stage) -> Run:
    """Banned before it acted: reported, and waiting for its owner."""
    stage.accounts.script(not_opened(Why.ACCOUNT_BLOCKED, reason=Reason.BANNED))
    run = await stage.start_run()
    await rests_for(run, Why.ACCOUNT_BLOCKED)
    return run


async def credentials_away(stage: Stage) -> Run:
    """Its credentials cannot be read; tried again later."""
    stage.accounts.script(not_opened(Why.CREDENTIALS_AWAY, timedelta(minutes=10)))
    run = await stage.start_run()
    await rests_for(run, Why.CREDENTIALS_AWAY)
    return run


async def connection_lost(stage: Stage) -> Run:
    """The account is not open there any more: it is opened again."""
    stage.actions.script(acts(), reopens(), acts())
    run = await stage.start_run()
    await eventually(lambda: len(stage.actions.done) == 2)
    await stage.env.sleep(timedelta(seconds=2))
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def worker_lost(stage: Stage) -> Run:
    """Nobody serves the worker's queue any more: the account is opened anew, and again."""
    run = await stage.start_run()
    await stage.env.sleep(3 * options.WORKER_QUEUE_SCHEDULE_TO_START)
    await eventually(lambda: len(stage.accounts.opens) == 3)
    return run


async def failing(stage: Stage) -> Run:
    """Our own code fails again and again: the campaign is told."""
    await stage.start_listener(names.campaign(CAMPAIGN))
    attempts = options.ACTION["retry_policy"].maximum_attempts
    stage.actions.script(*[fails(RuntimeError("bug"))] * (options.ERRORS_IN_A_ROW * attempts))
    run = await stage.start_run()
    await stage.env.sleep(timedelta(minutes=20))
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def stopped(stage: Stage) -> Run:
    """The campaign has ended: the account is closed."""
    stage.actions.script(acts())
    run = await stage.start_run()
    await rests_for(run, Why.QUEUE_EMPTY)
    await run.signal(AccountRunWorkflow.stop)
    await run.result()
    return run


async def stopped_while_closed(stage: Stage) -> Run:
    """The campaign has ended while the account rested: there is nothing to close."""
    stage.actions.script(rests(Why.COOLDOWN, timedelta(hours=7), closed=True))
    run = await stage.start_run()
    await rests_for(run, Why.COOLDOWN)
    await run.signal(AccountRunWorkflow.stop)
    await run.result()
    return run


async def cancelled_while_acting(stage: Stage) -> Run:
    """An operator cancels the run: the turn in flight is settled, the account closed."""
    held = Held(acts())
    stage.actions.script(held)
    run = await stage.start_run()
    await held.begun.wait()
    await run.cancel()
    await run.result()
    return run


async def continued(stage: Stage) -> Run:
    """Goes on from what was carried over."""
    carried = AccountRun(
        OWNER, CAMPAIGN, ACCOUNT, PLATFORM, PLATFORM, Action.MESSAGE, 41, WORKER_QUEUE, fence=7, run_id="first-run"
    )
    stage.actions.script(acts(Action.MESSAGE))
    run = await stage.start_run(carried)
    await rests_for(run, Why.QUEUE_EMPTY)
    return run


async def continued_as_new(stage: Stage) -> Run:
    """Its history was long enough."""
    stage.actions.script(*[acts()] * 4)
    run = await stage.start_run()
    await eventually(lambda: len(stage.actions.done) == 5)
    return stage.client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)


SCENES = (
    unserved(opening_there),
    unserved(elsewhere),
    Scene(acting),
    Scene(adding_contacts),
    Scene(woken_while_acting),
    Scene(in_a_gap),
    Scene(resting),
    Scene(rested),
    Scene(idle),
    Scene(campaign_gone),
    Scene(paused),
    Scene(resumed),
    Scene(not_admin),
    Scene(account_blocked),
    Scene(blocked_when_opened),
    Scene(credentials_away),
    Scene(connection_lost),
    unserved(worker_lost),
    Scene(failing),
    Scene(stopped),
    Scene(stopped_while_closed),
    Scene(cancelled_while_acting),
    Scene(continued),
    soon_continued(continued_as_new),
)
