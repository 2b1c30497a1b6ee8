"""What a workflow did, read from its recorded history."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from runtime.temporal import CONVERTER
from tests.workflows.stage import PATIENCE

T = TypeVar("T")


@dataclass(frozen=True)
class Timer:
    """A durable timer. `rested`: workflow time from its start to its firing; None: it was cancelled, or still runs."""

    asked: timedelta
    rested: timedelta | None


class Recorded:
    """A history."""

    def __init__(self, events: Sequence[HistoryEvent]) -> None:
        self.events = events

    @classmethod
    async def of(cls, handle: WorkflowHandle[object, object]) -> "Recorded":
        return cls((await handle.fetch_history()).events)

    def timers(self) -> list[Timer]:
        fired = {
            event.timer_fired_event_attributes.started_event_id: _at(event)
            for event in self.events
            if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED
        }
        return [
            Timer(
                event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta(),
                fired[event.event_id] - _at(event) if event.event_id in fired else None,
            )
            for event in self.events
            if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        ]

    def activities(self) -> list[tuple[str, str]]:
        """Each scheduled activity's name and queue."""
        return [
            (scheduled.activity_type.name, scheduled.task_queue.name)
            for event in self.events
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            for scheduled in [event.activity_task_scheduled_event_attributes]
        ]

    def most_activities_at_once(self) -> int:
        """The largest number of activities that were scheduled and not closed at the same time."""
        pending = most = 0
        for event in self.events:
            pending += event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            pending -= event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
            most = max(most, pending)
        return most

    def count(self, event_type: "EventType.ValueType") -> int:
        return sum(event.event_type == event_type for event in self.events)

    def was_continued(self) -> bool:
        """Whether it ended by continuing as new."""
        return self.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW) == 1

    def children(self) -> list[tuple[str, str]]:
        """Each child's type and id, in the order in which they were started."""
        return [
            (started.workflow_type.name, started.workflow_id)
            for event in self.events
            if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
            for started in [event.start_child_workflow_execution_initiated_event_attributes]
        ]

    def signalled(self) -> list[tuple[str, str]]:
        """Each signal that it sent: to which workflow, and which."""
        return [
            (sent.workflow_execution.workflow_id, sent.signal_name)
            for event in self.events
            if event.event_type == EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
            for sent in [event.signal_external_workflow_execution_initiated_event_attributes]
        ]

    def states(self) -> list[str]:
        """The values of the search attribute InviteState, in order."""
        return self.attribute("InviteState", str)

    def priorities(self) -> list[int]:
        """The values of the search attribute InvitePriority, in order."""
        return self.attribute("InvitePriority", int)

    def attribute(self, name: str, kind: type[T]) -> list[T]:
        """The values of a search attribute, in order."""
        return [
            CONVERTER.payload_converter.from_payload(fields[name], kind)
            for event in self.events
            if event.event_type == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
            for fields in [event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields]
        ]


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)


async def eventually_recorded(
    handle: WorkflowHandle[object, object], condition: Callable[[Recorded], bool]
) -> Recorded:
    """Wait in real time until it holds of the workflow's history."""
    ends = time.monotonic() + PATIENCE.total_seconds()
    while not condition(recorded := await Recorded.of(handle)):
        assert time.monotonic() < ends, f"did not come true within {PATIENCE}"
        await asyncio.sleep(0.02)
    return recorded
