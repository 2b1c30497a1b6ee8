"""The rounds that are made again and again, on Temporal Schedules."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

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

from domain.errors import Unavailable
from workflows import housekeeping, membership, names, retention

ROUNDS: Mapping[str, tuple[Any, timedelta]] = {
    names.HOUSEKEEPING_SCHEDULE: (housekeeping.HousekeepingWorkflow.run, housekeeping.EVERY),
    names.MEMBERSHIP_SCHEDULE: (membership.MembershipWorkflow.run, membership.EVERY),
    names.RETENTION_SCHEDULE: (retention.RetentionWorkflow.run, retention.EVERY),
}
"""By the schedule's name: the workflow, and how often it runs. A round that lasts longer puts the next one off."""


async def ensure_schedules(client: Client, task_queue: str) -> None:
    """Make the schedules that are not there. Raises `Unavailable`."""
    for name, (run, every) in ROUNDS.items():
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(run, id=name, task_queue=task_queue),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
        )
        try:
            await client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            pass
        except (RPCError, RuntimeError) as error:
            raise Unavailable("Temporal", type(error).__name__) from error
