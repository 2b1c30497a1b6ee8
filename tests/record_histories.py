"""Records one history per workflow into tests/histories, for tests/test_replay.py: `python -m tests.record_histories`.

Real workflows on the time-skipping server, with the fake activities of tests/workflows. What names the machine or
the process is taken out. Times and run ids differ from recording to recording, and everything else does not.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from activities.accounts import Opened
from domain.campaign import Wanted
from domain.outcome import Reason
from domain.platform import Action
from domain.why import Why
from tests.workflows.fakes import (
    ACCOUNT,
    CAMPAIGN,
    DESTINATION,
    OWNER,
    PLATFORM,
    QUEUE,
    WORKER_QUEUE,
    acts,
    blocked,
    fails,
    gap,
    halted,
    held_on,
    idles,
    not_opened,
    rests,
)
from tests.workflows.stage import Stage, eventually, rests_for, skipping_stage
from workflows import names
from workflows.account_run import AccountRunWorkflow
from workflows.admin_check import AdminCheck, AdminCheckWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.housekeeping import HousekeepingWorkflow

FOLDER = Path(__file__).parent / "histories"
_OF_THE_MACHINE = frozenset({"identity", "requestId", "workerVersion", "binaryChecksum", "buildId"})

Recording = Callable[[Stage], Awaitable[WorkflowHandle[Any, Any]]]


async def account_run(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Gaps, a message, a lost action, a flood, a pause, a lost right, a block, the end."""
    await stage.start_listener(names.campaign(CAMPAIGN))
    stage.actions.script(
        gap(timedelta(seconds=12)),
        acts(Action.MESSAGE),
        *[fails(RuntimeError("bug"))] * 5,
        rests(Why.COOLDOWN, timedelta(hours=7), closed=True),
        halted(),
        rests(Why.NOT_ADMIN, turns=1),
        idles(turns=1),
        blocked(Reason.BANNED),
    )
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)))
    run = await stage.start_run()
    await stage.env.sleep(timedelta(hours=8))
    for why in (Why.PAUSED, Why.NOT_ADMIN, Why.QUEUE_EMPTY, Why.ACCOUNT_BLOCKED):
        await rests_for(run, why)
        if why is not Why.ACCOUNT_BLOCKED:
            await run.signal(AccountRunWorkflow.wake)
    stage.accounts.script(not_opened(Why.CREDENTIALS_AWAY, timedelta(seconds=10)))
    await run.signal(AccountRunWorkflow.wake)
    await rests_for(run, Why.CREDENTIALS_AWAY)
    await stage.env.sleep(timedelta(seconds=11))
    await rests_for(run, Why.QUEUE_EMPTY)
    await run.signal(AccountRunWorkflow.stop)
    await run.result()
    return run


async def campaign(stage: Stage) -> WorkflowHandle[Any, Any]:
    """Two accounts and a third later, a wait, a pause, a lost run, a bare command, the end."""
    stage.campaigns.listed = [ACCOUNT, "account-2"]
    stage.campaigns.poll = timedelta(minutes=5)
    run = await stage.start_campaign()
    await eventually(lambda: len(stage.actions.done) == 2)
    stage.campaigns.listed.append("account-3")
    await stage.env.sleep(timedelta(minutes=7))
    await eventually(lambda: len(stage.actions.done) == 3)
    stage.campaigns.waiting = (Why.COOLDOWN, await stage.clock.now() + timedelta(hours=1))
    await run.signal(CampaignWorkflow.accounts_changed)
    await rests_for(run, Why.COOLDOWN)
    await stage.env.sleep(timedelta(minutes=3))
    await run.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
    await rests_for(run, Why.PAUSED)
    stage.campaigns.waiting = None
    await run.signal("resume")
    await rests_for(run, Why.WORKING)
    await run.signal(CampaignWorkflow.run_lost, ACCOUNT)
    seen = len(stage.campaigns.reviews)
    await eventually(lambda: len(stage.campaigns.reviews) > seen)
    stage.campaigns.left = 0
    await run.signal(CampaignWorkflow.accounts_changed)
    await run.result()
    return run


async def admin_check(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One that may, one that may not, one on another worker, one that is blocked."""
    stage.accounts.listed = [ACCOUNT, "account-2", "account-3", "account-4"]
    stage.accounts.not_admin = {"account-2"}
    stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)), account_id="account-3")
    stage.accounts.script(lambda now: Opened(why=Why.ACCOUNT_BLOCKED), account_id="account-4")
    check = await stage.client.start_workflow(
        AdminCheckWorkflow.run,
        AdminCheck(OWNER, PLATFORM, PLATFORM, DESTINATION),
        id=names.admin_check(OWNER, CAMPAIGN),
        task_queue=QUEUE,
    )
    await check.result()
    return check


async def housekeeping(stage: Stage) -> WorkflowHandle[Any, Any]:
    """One round."""
    round_ = await stage.client.start_workflow(
        HousekeepingWorkflow.run, id=names.HOUSEKEEPING_SCHEDULE, task_queue=QUEUE
    )
    await round_.result()
    return round_


RECORDINGS: dict[str, Recording] = {
    "AccountRunWorkflow": account_run,
    "CampaignWorkflow": campaign,
    "AdminCheckWorkflow": admin_check,
    "HousekeepingWorkflow": housekeeping,
}


def plain(value: Any) -> Any:
    """Without what names the machine, the process or the code's checksum, and without stack traces."""
    if isinstance(value, dict):
        kept = {key: plain(each) for key, each in value.items() if key not in _OF_THE_MACHINE}
        return kept | {"stackTrace": ""} if "stackTrace" in kept else kept
    return [plain(each) for each in value] if isinstance(value, list) else value


async def record() -> None:
    """Record all of them anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, recording in RECORDINGS.items():
        async with skipping_stage() as stage:
            history = await (await recording(stage)).fetch_history()
        recorded = plain(history.to_json_dict())
        (FOLDER / f"{name}.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        print(f"{name}: {len(recorded['events'])} events")


if __name__ == "__main__":
    asyncio.run(record())
