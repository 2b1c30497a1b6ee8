"""Housekeeping on a Temporal Schedule: reconciler and sweeper."""

from datetime import timedelta

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.service import RPCError

with workflow.unsafe.imports_passed_through():
    from activities.housekeeping import HousekeepingActivities, Tidied
    from domain.errors import Unavailable
    from workflows import names, options

EVERY = timedelta(seconds=30)


@workflow.defn
class HousekeepingWorkflow:
    """One round. Its result: what the reconciler and the sweeper saw and put right."""

    @workflow.run
    async def run(self) -> list[Tidied]:
        """Reconcile, then sweep."""
        reconciled: Tidied = await workflow.execute_activity_method(
            HousekeepingActivities.reconcile, **options.HOUSEKEEPING
        )
        swept: Tidied = await workflow.execute_activity_method(HousekeepingActivities.sweep, **options.HOUSEKEEPING)
        return [reconciled, swept]


async def ensure_schedule(client: Client, task_queue: str) -> None:
    """Make the schedule unless it is there. Raises `Unavailable`."""
    action = ScheduleActionStartWorkflow(
        HousekeepingWorkflow.run, id=names.HOUSEKEEPING_SCHEDULE, task_queue=task_queue
    )
    schedule = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(names.HOUSEKEEPING_SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        pass
    except (RPCError, RuntimeError) as error:
        raise Unavailable("Temporal", type(error).__name__) from error
