"""What Sentry is told: that an error happened, where, and of which campaign; nothing that it holds."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
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


def test_what_is_left_is_told_before_the_process_ends() -> None:
    """As the last thing that it does, by Sentry's own transport."""
    taken: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    script = f"""
        import os
        import structlog
        from pydantic import SecretStr
        from runtime import sentry, telemetry
        telemetry.configure("INFO")
        sentry.report_errors(SecretStr("http://key@127.0.0.1:{server.server_port}/1"))
        structlog.get_logger("error").error("it broke")
        telemetry.end()
        os._exit(0)  # as by a signal: nothing that waits for the end is run
    """
    try:
        subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=120)
    finally:
        server.shutdown()
        server.server_close()
    assert taken == ["/api/1/envelope/"]
