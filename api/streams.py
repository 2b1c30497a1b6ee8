"""Tables as CSV, written as they are read: their size does not matter."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from domain.audience import DroppedLine
from domain.sentences import sentence

_DROPPED_COLUMNS = ("line", "content", "reason", "text_en", "text_ru", "same_as")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = b"\xef\xbb\xbf"
"""Excel reads UTF-8 by it."""


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: a phone, too, begins with a plus."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


async def dropped_table(pages: AsyncIterator[list[DroppedLine]]) -> AsyncIterator[bytes]:
    """A table of the lines of a file that were not taken."""
    yield BOM + table([_DROPPED_COLUMNS])
    async for lines in pages:
        yield table([_dropped_cells(line) for line in lines])


def _dropped_cells(line: DroppedLine) -> list[str]:
    words = sentence(line.reason)
    same_as = "" if line.same_as is None else str(line.same_as)
    return [str(line.line), line.content, line.reason.value, words["en"], words["ru"], same_as]


def table(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of CSV, none of whose cells a spreadsheet takes for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
