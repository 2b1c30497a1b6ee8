"""Logs: JSON lines in three categories (OBS-1): `audit`, `execution`, `error`. Libraries speak at WARNING only."""

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Set the process's logging up."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.add_logger_name,
            *shared,
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
        logging.getLogger(category).setLevel(level)


class _Either(logging.Formatter):
    """Our own lines are JSON already; a library's are made so."""

    def __init__(self, library: logging.Formatter) -> None:
        super().__init__("%(message)s")
        self._library = library

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name in ("audit", "execution", "error")
        # Not the base's format: the trace is in our line already, and would follow it as text.
        return record.getMessage() if ours else self._library.format(record)
