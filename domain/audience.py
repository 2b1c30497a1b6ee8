"""An audience: a cleaned list of people, and what was left out of it and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import Invalid

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
    TOO_LONG = "too_long"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Contact:
    """One person as a source gives it, normalised. At least one identifier is set."""

    username: str | None = None
    phone: str | None = None
    user_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a source: the person, or why it is none.

    `number`: where the source has it, from 1 on; for a JSON list, which element it is. `content`: its
    beginning as it was written, shown to its owner only.
    """

    number: int
    content: str
    found: Contact | DropReason


@dataclass(frozen=True, slots=True)
class DroppedLine:
    """One line that was not taken."""

    line: int
    content: str
    reason: DropReason


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
