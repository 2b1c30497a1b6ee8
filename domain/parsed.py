"""What parsing-service has gathered, on its way to become an audience."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportPlace:
    """How far an import is: `cursor` is that of the page `number`, None for the first one. `fetched`: all are there."""

    parsed_data_id: str
    platform: str | None
    cursor: str | None
    number: int
    rows_read: int
    fetched: bool


@dataclass(frozen=True)
class ParsedPage:
    """A page of parsing-service: `content` is a JSON list of so many `rows`. `next_cursor`: None for the last one."""

    content: str
    rows: int
    platform: str | None
    total: int | None
    next_cursor: str | None


@dataclass(frozen=True)
class TakenIn:
    """What an import has made."""

    stored: int
    dropped: int
