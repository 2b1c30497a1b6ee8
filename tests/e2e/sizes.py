"""What Temporal holds after a campaign: events and bytes of every run, by workflow, and tasks that failed."""

from collections import Counter
from dataclasses import dataclass, field

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecution

from runtime.temporal import connect

UNHANDLED_COMMAND = "WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND"
"""A signal came while the workflow ended or was continued: Temporal repeats the task by itself."""


@dataclass
class Size:
    """One workflow's runs. `failures`: workflow tasks that failed, by cause."""

    runs: int = 0
    most_events: int = 0
    most_bytes: int = 0
    total_bytes: int = 0
    failures: Counter[str] = field(default_factory=Counter)


async def sizes(address: str) -> dict[str, Size]:
    """By workflow type, over all runs that the server knows."""
    client = await connect(address, "default")
    found: dict[str, Size] = {}
    async for execution in client.list_workflows(page_size=1000):
        await _add(found.setdefault(execution.workflow_type, Size()), client, execution)
    return found


async def running(address: str) -> int:
    """How many runs of accounts there are."""
    client = await connect(address, "default")
    query = "WorkflowType = 'AccountRunWorkflow' AND ExecutionStatus = 'Running'"
    return (await client.count_workflows(query)).count


async def _add(size: Size, client: Client, execution: WorkflowExecution) -> None:
    """Counted in the history itself: the list of a server tells the length of closed ones only, and late."""
    events = length = 0
    async for event in client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history_events():
        events += 1
        length += event.ByteSize()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            size.failures[WorkflowTaskFailedCause.Name(event.workflow_task_failed_event_attributes.cause)] += 1
    size.runs += 1
    size.most_events = max(size.most_events, events)
    size.most_bytes = max(size.most_bytes, length)
    size.total_bytes += length


def show(found: dict[str, Size]) -> None:
    """Print the table."""
    print(f"\n{'workflow':<24}{'runs':>8}{'most events':>13}{'most bytes':>13}{'all bytes':>14}  failed tasks")
    for name, size in sorted(found.items()):
        row = f"{name:<24}{size.runs:>8}{size.most_events:>13}{size.most_bytes:>13}{size.total_bytes:>14}"
        print(row, " ", dict(size.failures) or "none")
