"""What Sentry is told: that an error happened, where, and of which campaign; nothing that it holds."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import sentry_sdk
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from runtime.sentry import report_errors, told

DSN = SecretStr("http://key@sentry.test/1")


class Kept(Transport):
    """Keeps what would be sent."""

    events: ClassVar[list[Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep it."""
        self.events.append(envelope.get_event())


@pytest.fixture
def events() -> Iterator[list[Any]]:
    Kept.events = []
    report_errors(DSN, "build-7", Kept)
    yield Kept.events
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def fail(secret: str) -> None:
    raise ValueError(secret)


def test_an_error_is_told_without_what_it_holds(events: list[Any]) -> None:
    line = {"event": "campaign not planned", "campaign_id": "c1", "owner": "anna", "text": "hunter2"}
    try:
        fail("hunter2 " + "x" * 10)
    except ValueError:
        assert told(None, "error", line)["text"] == "hunter2", "the line stays as it is"
    [event] = events
    [thrown] = event["exception"]["values"]
    assert (thrown["type"], event["release"]) == ("ValueError", "build-7")
    assert [frame["function"] for frame in thrown["stacktrace"]["frames"]][-1] == "fail"
    assert event["tags"] == {"campaign_id": "c1", "owner": "anna"}
    assert "hunter2" not in json.dumps(event, default=str)


def test_an_error_without_a_trace_is_told_by_its_name(events: list[Any]) -> None:
    told(None, "error", {"event": "campaign waits for somebody", "campaign_id": "c1", "text": "hunter2"})
    [event] = events
    assert (event["message"], event["tags"]) == ("campaign waits for somebody", {"campaign_id": "c1"})
    assert "hunter2" not in json.dumps(event, default=str)


def test_nothing_else_is_told(events: list[Any]) -> None:
    for name in ("debug", "info", "warning"):
        told(None, name, {"event": "x"})
    assert events == []


def test_without_a_setting_nobody_is_told() -> None:
    report_errors(None)
    assert told(None, "error", {"event": "x"}) == {"event": "x"}
    assert not sentry_sdk.is_initialized()
