"""Histories as they are stored: what a replay needs, without what names the machine, one event a line.

A line is an event's type, its time in seconds after the first, and its attributes; payloads are readable.
"""

import base64
import json
import re
from datetime import datetime, timedelta
from typing import Any

_DROPPED = frozenset(
    (
        *("identity", "requestId", "workerVersion", "binaryChecksum", "buildId"),  # of the machine
        *("header", "priority", "meteringMetadata", "retryPolicy", "historySizeBytes", "userMetadata"),
        *("scheduleToCloseTimeout", "scheduleToStartTimeout", "startToCloseTimeout", "heartbeatTimeout"),
        *("workflowExecutionTimeout", "workflowRunTimeout", "workflowTaskTimeout", "firstWorkflowTaskBackoff"),
        *("namespaceId", "deploymentVersion", "workerDeploymentName", "parentClosePolicy", "workflowIdReusePolicy"),
        *("workflowTaskCompletedEventId", "namespace", "originalExecutionRunId"),
    )
)
"""Fields that a replay does not look at."""
_TYPE = "EVENT_TYPE_"
_JSON = base64.b64encode(b"json/plain").decode()


def written(history: Any) -> str:
    """The file's text."""
    events = history["events"]
    start = datetime.fromisoformat(events[0]["eventTime"])
    lines = [json.dumps(_line(event, start), sort_keys=True, separators=(",", ":")) for event in events]
    head = {"start": start.isoformat(timespec="milliseconds"), "events": []}
    return json.dumps(head)[:-2] + "\n" + ",\n".join(lines) + "\n]}\n"


def read(text: str) -> Any:
    """The history in a file's text, as Temporal reads it."""
    stored = json.loads(text)
    start = datetime.fromisoformat(stored["start"])
    return {"events": [_event(number, *line, start) for number, line in enumerate(stored["events"], 1)]}


def _line(event: Any, start: datetime) -> list[Any]:
    kind = event["eventType"].removeprefix(_TYPE)
    passed = datetime.fromisoformat(event["eventTime"]) - start
    return [kind, round(passed.total_seconds(), 3), _plain(event.get(_attributes(kind), {}))]


def _event(number: int, kind: str, seconds: float, attributes: Any, start: datetime) -> Any:
    at = (start + timedelta(seconds=seconds)).isoformat()
    return {
        "eventId": str(number),
        "eventTime": at,
        "eventType": _TYPE + kind,
        _attributes(kind): _whole(attributes),
    }


def _attributes(kind: str) -> str:
    """The name of the field with the event's attributes: `activityTaskStartedEventAttributes`."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), kind.lower()) + "EventAttributes"


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if _JSON in (value.get("metadata") or {}).values() and isinstance(value.get("data"), str):
        other = {key: each for key, each in value["metadata"].items() if each != _JSON}
        return {"json": json.loads(base64.b64decode(value["data"]))} | ({"metadata": other} if other else {})
    if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
        return {"name": "sticky"}
    kept = {key: _plain(each) for key, each in value.items() if key not in _DROPPED}
    return kept | {"stackTrace": ""} if "stackTrace" in kept else kept


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "json" in value:
        text = json.dumps(value["json"], separators=(",", ":"))
        metadata = {"encoding": _JSON} | value.get("metadata", {})
        return {"data": base64.b64encode(text.encode()).decode(), "metadata": metadata}
    return {key: _whole(each) for key, each in value.items()}
