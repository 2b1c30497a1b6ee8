"""Sentry, where a setting names it: errors with their trace, and nothing of people or texts (SEC-5).

Only what is said here leaves: where an error happened, its type, the ids of our own lines. Not its text, which may hold
anything; no local variables, no requests, no lines that were logged before it.
"""

import sys
from datetime import timedelta
from typing import Any

import sentry_sdk
import structlog
from pydantic import SecretStr
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint

LAST = timedelta(seconds=3)
"""For what is still to be told at the process's end."""

_IDS = ("owner", "campaign_id", "account_id", "workflow_id", "run_id", "request_id", "trace_id", "activity")


def report_errors(dsn: SecretStr | None, release: str | None = None, transport: type[Transport] | None = None) -> None:
    """Have what is logged as an error told to Sentry. `dsn`: none: to nobody. `transport`: another way there."""
    if dsn is None:
        return
    sentry_sdk.init(
        dsn.get_secret_value(),
        release=release,
        transport=transport,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        server_name="",
        default_integrations=False,  # they would look into requests, queries and logs by themselves
        auto_enabling_integrations=False,
        traces_sample_rate=None,
        before_send=_bare,
    )


def end_reports() -> None:
    """Tell what is left, for a bounded time: none of the integrations that would do so at the process's end is here."""
    sentry_sdk.flush(LAST.total_seconds())


def told(logger: Any, name: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """A processor of structlog: tells errors as they are logged. Without `report_errors` it does nothing."""
    if name in ("error", "critical", "exception") and sentry_sdk.is_initialized():
        with sentry_sdk.new_scope() as scope:
            for each in _IDS:
                if each in line:
                    scope.set_tag(each, str(line[each]))
            if sys.exc_info()[0] is not None:  # also where the line itself tells the trace in its own way
                scope.capture_exception()
            else:
                scope.capture_message(str(line["event"]), "error")
    return line


def _bare(event: Event, hint: Hint) -> Event | None:
    event.pop("request", None)
    event.pop("user", None)
    event.pop("extra", None)
    event.pop("breadcrumbs", None)
    event.pop("modules", None)
    for thrown in event.get("exception", {}).get("values", []):
        thrown["value"] = ""
        for frame in thrown.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    return event
