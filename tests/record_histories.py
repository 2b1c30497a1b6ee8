"""Records the histories of tests/test_replay.py: `python -m tests.record_histories [name …]`, without names all.

Every workflow in every phase (`tests/recordings`), with the fake activities of tests/workflows. Times and run ids
differ from recording to recording, and everything else does not.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowHistory

from tests.recordings import account_run, campaign, others
from tests.recordings.scene import Scene
from tests.recordings.stored import written

FOLDER = Path(__file__).parent / "histories"
AT_ONCE = 4
SETTLED = 0.1
"""Seconds in which nothing is written any more."""

WORKFLOWS: Mapping[str, Sequence[Scene]] = {
    "AccountRunWorkflow": account_run.SCENES,
    "AdminCheckWorkflow": others.ADMIN_CHECKS,
    "AudienceImportWorkflow": others.IMPORTS,
    "CampaignWorkflow": campaign.SCENES,
    "HousekeepingWorkflow": others.HOUSEKEEPING,
    "MembershipWorkflow": others.MEMBERSHIP,
    "RetentionWorkflow": others.RETENTION,
    "WebhookWorkflow": others.WEBHOOKS,
}
SCENES = {f"{workflow}.{scene.phase}": scene for workflow, scenes in WORKFLOWS.items() for scene in scenes}
"""By the recording's name: the workflow's, a dot, the phase's."""

_TASK = (EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED)


async def _settled(handle: WorkflowHandle[Any, Any]) -> WorkflowHistory:
    """The history once the workflow has answered all that it was told."""
    history = await handle.fetch_history()
    while True:
        await asyncio.sleep(SETTLED)
        before, history = history, await handle.fetch_history()
        if len(history.events) == len(before.events) and history.events[-1].event_type not in _TASK:
            return history


async def _record(name: str, at_once: asyncio.Semaphore) -> None:
    scene = SCENES[name]
    async with at_once, scene.stage() as stage:
        history = await _settled(await scene.play(stage))
    text = written(history.to_json_dict())
    (FOLDER / f"{name}.json").write_text(text)
    print(f"{name}: {len(history.events)} events, {len(text)} bytes")


async def record(names: Sequence[str]) -> None:
    """Record these anew; with all of them, what belongs to no scene is removed."""
    FOLDER.mkdir(exist_ok=True)
    at_once = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_record(name, at_once) for name in names or SCENES))
    for path in FOLDER.glob("*.json"):
        if not names and path.stem not in SCENES:
            path.unlink()


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:]))
