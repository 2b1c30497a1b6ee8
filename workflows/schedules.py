"""The rounds that are made again and again, on Temporal Schedules."""

from datetime import timedelta

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
from workflows import housekeeping, membership, names

ROUNDS: dict[str, tuple[type, timedelta]] = {
    names.HOUSEKEEPING_SCHEDULE: (housekeeping.HousekeepingWorkflow, housekeeping.EVERY),
    names.MEMBERSHIP_SCHEDULE: (membership.MembershipWorkflow, membership.EVERY),
}
"""By the schedule's name: the workflow, and how often it runs. A round that lasts longer puts the next one off."""


async def ensure_schedules(client: Client, task_queue: str) -> None:
    """Make the schedules that are not there. Raises `Unavailable`."""
    for name, (round_, every) in ROUNDS.items():
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(round_.__name__, id=name, task_queue=task_queue),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
        )
        try:
            await client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            pass
        except (RPCError, RuntimeError) as error:
            raise Unavailable("Temporal", type(error).__name__) from error
