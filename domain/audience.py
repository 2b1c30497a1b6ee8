"""An audience: a cleaned list of people, and what was left out of it and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from domain.errors import Invalid
from domain.recipient import Person

SHOWN = 200
"""So many characters of a dropped line are kept."""


class DropReason(StrEnum):
    """Why a line of the source was not taken. The sentences are in `domain.sentences`."""

    EMPTY = "empty"
    NO_IDENTIFIER = "no_identifier"
    NOT_A_NAME = "not_a_name"
    BAD_PHONE = "bad_phone"
    PHONE_WITHOUT_COUNTRY = "phone_without_country"
    BAD_ID = "bad_id"
    ROUNDED = "rounded"
    """A number as a spreadsheet shortens it: `7.9E+10`. Which it was cannot be known."""
    TOO_LONG = "too_long"
    DUPLICATE = "duplicate"


class AudienceState(StrEnum):
    """Whether an audience can be used: one from parsing-service is there when all of its pages are."""

    READY = "ready"
    IMPORTING = "importing"
    FAILED = "failed"


class ImportFault(StrEnum):
    """Why an import has failed for good. The sentences are in `domain.sentences`."""

    NOT_FOUND = "parsed_data_not_found"
    REFUSED = "parsed_data_refused"
    WRONG_PLATFORM = "parsed_data_of_another_platform"
    TOO_MANY_ROWS = "parsed_data_too_long"
    UNREADABLE = "parsed_data_unreadable"


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Contact(NamedTuple):
    """One person as a source gives it, normalised. At least one identifier is set.

    A named tuple: there is one for each of a million lines, and a frozen dataclass takes five times as long to make.
    """

    username: str | None = None
    phone: str | None = None
    user_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    fields: Mapping[str, str] = _NOTHING
    seen_by: str | None = None
    """The account that knows the `user_id`: to the others it may mean nothing."""

    @property
    def names(self) -> tuple[str, ...]:
        """The identifiers as they are matched: `username:anna`."""
        return Person(0, self.username, self.phone, self.user_id).names


class Line(NamedTuple):
    """One line of a source: the person, or why it is none.

    `number`: where the source has it, from 1 on; for a JSON list, which element it is. `content`: its
    beginning as it was written, shown to its owner only.
    """

    number: int
    content: str
    found: Contact | DropReason


@dataclass(frozen=True, slots=True)
class DroppedLine:
    """One line that was not taken. `same_as`: of a duplicate, the earlier line that names the same person."""

    line: int
    content: str
    reason: DropReason
    same_as: int | None = None


@dataclass(frozen=True)
class FileLimits:
    """How much a file may hold. `cell`: characters; `unpacked`: bytes that a workbook may become."""

    rows: int = 1_000_000
    columns: int = 200
    cell: int = 10_000
    unpacked: int = 512 * 1024 * 1024


class FileError(Invalid):
    """A file that cannot be read as a list of people. `line` and `column`: where, if it is one place."""

    def __init__(self, message: str, line: int | None = None, column: str = "") -> None:
        where = f"line {line}" if line is not None else ""
        if column:
            where = f"{where}, column {column}" if where else f"column {column}"
        super().__init__("file", f"{where}: {message}" if where else message)
        self.line = line
        self.column = column


class TooManyRows(FileError):
    """The file has more rows than one audience may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"It has more than {most} rows. Split it.")
