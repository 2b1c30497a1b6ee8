"""Logs: JSON lines in three categories (OBS-1): `audit`, `execution`, `error`. Libraries speak at WARNING only. A line
that is logged within a span has its trace's id.

Single campaigns can be logged at DEBUG while everything runs: their ids stand in a file.
"""

import logging
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from opentelemetry import trace

from runtime import sentry, traces
from runtime.debugged import Debugged

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
"""Of what a logger's method says; every other one is an error's."""


def configure(level: str, debug_file: Path | None = None) -> None:
    """Set the process's logging up. `debug_file`: which campaigns are logged at DEBUG whatever `level` is."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _traced,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _wanted(logging.getLevelNamesMapping()[level], Debugged(debug_file, time.monotonic)),
            structlog.stdlib.add_logger_name,
            *shared,
            sentry.told,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    library = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Either(library))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for category in ("audit", "execution", "error"):
        logging.getLogger(category).setLevel(logging.DEBUG)  # what is below `level` was dropped before


def end() -> None:
    """The process's last word: what Sentry and the collector of traces have not been told yet, for a bounded time."""
    sentry.end_reports()
    traces.end_traces()


def _traced(logger: Any, name: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    here = trace.get_current_span().get_span_context()
    if here.is_valid:
        line["trace_id"] = trace.format_trace_id(here.trace_id)
    return line


def _wanted(level: int, debugged: Debugged) -> structlog.types.Processor:
    """Drops what is below the level, unless it is of a campaign that is looked at closely."""

    def wanted(logger: Any, name: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
        spoken = _LEVELS.get(name, logging.ERROR)
        if spoken < level and str(line.get("campaign_id")) not in debugged():
            raise structlog.DropEvent
        return line

    return wanted


class _Either(logging.Formatter):
    """Our own lines are JSON already; a library's are made so."""

    def __init__(self, library: logging.Formatter) -> None:
        super().__init__("%(message)s")
        self._library = library

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name in ("audit", "execution", "error")
        # Not the base's format: the trace is in our line already, and would follow it as text.
        return record.getMessage() if ours else self._library.format(record)
