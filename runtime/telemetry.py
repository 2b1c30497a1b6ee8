"""Logs: JSON lines in three categories (OBS-1): `audit`, `execution`, `error`. Libraries speak at WARNING only. A line
that is logged within a span has its trace's id.

Single campaigns can be logged at DEBUG while everything runs: their ids stand in a file. Of an error the log has its
type and its trace, never its text, which may hold people's data or a secret (SEC-3, SEC-5).
"""

import copy
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
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
            _bare,
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
            _bare,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Either(library))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for category in ("audit", "execution", "error"):
        logging.getLogger(category).setLevel(logging.DEBUG)  # what is below `level` was dropped before
    sys.excepthook = _fallen


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


def _bare(logger: Any, name: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """Has an error told by its type and its trace."""
    raised = line.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        line["error"] = " < ".join(type(each).__name__ for each in _chain(error))
        line["trace"] = "".join(traceback.format_tb(error.__traceback__))
    return line


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _fallen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends a process: Python itself would write its text."""
    structlog.get_logger("error").critical("the process ends", exc_info=(kind, error, trace))


def _of_a_library(record: logging.LogRecord) -> logging.LogRecord:
    """Its line, without the texts of errors: of one among its values the type is told. asyncio puts what it shows of an
    error behind its first line."""
    bare = copy.copy(record)
    if isinstance(bare.args, tuple):
        bare.args = tuple(type(each).__name__ if isinstance(each, BaseException) else each for each in bare.args)
    if bare.name == "asyncio":
        bare.msg, bare.args = bare.getMessage().partition("\n")[0], ()
    return bare


class _Either(logging.Formatter):
    """Our own lines are JSON already; a library's are made so."""

    def __init__(self, library: logging.Formatter) -> None:
        super().__init__("%(message)s")
        self._library = library

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name in ("audit", "execution", "error")
        # Not the base's format: the trace is in our line already, and would follow it as text.
        return record.getMessage() if ours else self._library.format(_of_a_library(record))
