"""One round of housekeeping."""

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle

from activities.housekeeping import Tidied
from tests.workflows.fakes import QUEUE
from tests.workflows.stage import Stage
from workflows import names, options
from workflows.housekeeping import HousekeepingWorkflow


async def start(stage: Stage) -> WorkflowHandle[HousekeepingWorkflow, list[Tidied]]:
    return await stage.client.start_workflow(HousekeepingWorkflow.run, id=names.HOUSEKEEPING_SCHEDULE, task_queue=QUEUE)


async def test_reconciles_then_sweeps_and_says_what_it_saw(stage: Stage) -> None:
    assert await (await start(stage)).result() == [Tidied(5, 1), Tidied(2, 2)]
    assert stage.housekeeping.asked == ["reconcile", "sweep"]


async def test_a_failure_is_tried_again(stage: Stage) -> None:
    stage.housekeeping.failures = 1
    await (await start(stage)).result()
    assert stage.housekeeping.asked == ["reconcile", "reconcile", "sweep"]


async def test_what_keeps_failing_is_left_to_the_next_round(stage: Stage) -> None:
    """A round that never ended would keep the schedule from starting another."""
    tries = options.HOUSEKEEPING["retry_policy"].maximum_attempts
    stage.housekeeping.failures = tries
    with pytest.raises(WorkflowFailureError):
        await (await start(stage)).result()
    assert stage.housekeeping.asked == ["reconcile"] * tries
