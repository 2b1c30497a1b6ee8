"""Reports and lists written as they are read: their size does not matter."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence

from api.schemas.status import StatusOut
from domain.audience import DroppedLine
from domain.sentences import explanation, sentence
from storage.reports import PersonLine

_AT_ONCE = 500
"""Rows per piece that is sent."""

_COLUMNS = (
    "username",
    "phone",
    "user_id",
    "first_name",
    "last_name",
    "outcome",
    "reason",
    "text_en",
    "text_ru",
    "account_id",
    "settled_at",
)
_DROPPED_COLUMNS = ("line", "content", "reason", "text_en", "text_ru", "same_as")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
WAITING = "waiting"
"""Stands for the outcome of who has none yet."""


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: a phone, too, begins with a plus."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


async def csv_rows(people: AsyncIterator[PersonLine]) -> AsyncIterator[bytes]:
    """A table of those not reached."""
    yield b"\xef\xbb\xbf" + _table([_COLUMNS])
    async for rows in _pieces(people):
        yield _table([_cells(person) for person in rows])


async def dropped_table(pages: AsyncIterator[list[DroppedLine]]) -> AsyncIterator[bytes]:
    """A table of the lines of a file that were not taken."""
    yield b"\xef\xbb\xbf" + _table([_DROPPED_COLUMNS])
    async for lines in pages:
        yield _table([_dropped_cells(line) for line in lines])


async def json_report(status: StatusOut, people: AsyncIterator[PersonLine]) -> AsyncIterator[bytes]:
    """The totals, and those not reached."""
    yield b'{"status": ' + status.model_dump_json().encode() + b', "not_reached": ['
    separator = ""
    async for rows in _pieces(people):
        yield (separator + ",\n".join(_object(person) for person in rows)).encode()
        separator = ",\n"
    yield b"]}"


async def _pieces(people: AsyncIterator[PersonLine]) -> AsyncIterator[list[PersonLine]]:
    piece: list[PersonLine] = []
    async for person in people:
        if not person.reached:
            piece.append(person)
        if len(piece) == _AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece


def _object(person: PersonLine) -> str:
    row = {
        "username": person.username,
        "phone": person.phone,
        "user_id": person.user_id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "outcome": person.outcome or WAITING,
        "reason": person.reason or "",
        "text": explanation(person.outcome, person.reason),
        "account_id": person.account_id,
        "settled_at": None if person.settled_at is None else person.settled_at.isoformat(),
    }
    return json.dumps(row, ensure_ascii=False)


def _cells(person: PersonLine) -> list[str]:
    words = explanation(person.outcome, person.reason)
    cells = (
        person.username or "",
        person.phone or "",
        "" if person.user_id is None else str(person.user_id),
        person.first_name,
        person.last_name,
        person.outcome or WAITING,
        person.reason or "",
        words["en"],
        words["ru"],
        person.account_id or "",
        "" if person.settled_at is None else person.settled_at.isoformat(),
    )
    return [harmless(cell) for cell in cells]


def _dropped_cells(line: DroppedLine) -> list[str]:
    words = sentence(line.reason)
    same_as = "" if line.same_as is None else str(line.same_as)
    cells = (str(line.line), line.content, line.reason.value, words["en"], words["ru"], same_as)
    return [harmless(cell) for cell in cells]


def _table(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
