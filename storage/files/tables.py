"""CSV, and sheets made into it: delimiter and header found out, rows read in blocks, every bound kept."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TextIO

from domain.audience import SHOWN, FileError, FileLimits, Line
from domain.errors import Invalid
from storage.files.columns import Meaning, recognise
from storage.files.contacts import Contacts, RowReader

DELIMITERS = {",": ",", ";": ";", "\t": "\t", "tab": "\t", "\\t": "\t", "|": "|"}
"""What an owner may name, and what it is."""

_SAMPLE_LINES = 50
_SAMPLE_ROWS = 100
"""So many rows tell what the columns hold."""
_BLOCK = 5_000
"""Rows that are read at a time."""
_BREAK = re.compile(r"\r\n|\r|\n")
_SHEET_DELIMITER = ","
_SHOWN_BETWEEN = "; "
"""Stands between a sheet's cells where a row is shown."""

Block = tuple[Sequence[int], list[list[str]]]
"""Where each row begins, and the rows' cells."""


@dataclass(frozen=True)
class Layout:
    """How a table is written. `first`: the number of the first line, or of the sheet's first row.

    `by_rows`: rows are counted, as in a sheet, and not lines. `shown`: what stands between cells where a row is shown.
    """

    delimiter: str
    first: int
    by_rows: bool
    shown: str

    @classmethod
    def of_csv(cls, text: TextIO, delimiter: str | None, limits: FileLimits) -> "Layout":
        """Found out, unless the owner has named the delimiter. Raises `Invalid`."""
        _bound_cells(limits)
        first = _skip_excel_hint(text)
        found = _guess(text) if delimiter is None else _known(delimiter)
        return cls(found, first, by_rows=False, shown=found)

    @classmethod
    def of_sheet(cls, first_row: int) -> "Layout":
        """As `storage.files.workbooks` writes sheets."""
        return cls(_SHEET_DELIMITER, first_row, by_rows=True, shown=_SHOWN_BETWEEN)


class Table:
    """A table, ready to be read once."""

    def __init__(
        self, text: TextIO, layout: Layout, mapping: Mapping[Meaning, str], header: bool | None, limits: FileLimits
    ) -> None:
        """Finds out what it is. Raises `FileError`."""
        _bound_cells(limits)
        self._limits = limits
        self.layout = layout
        self._reader = csv.reader(text, delimiter=layout.delimiter, strict=True)
        self._next = layout.first
        numbers, rows = self._sample()
        self.has_header, self.columns = recognise(rows, mapping, header)
        if self.has_header:
            if len(rows) == 1:
                raise FileError("There is a header and nothing below it.", numbers[0])
            numbers, rows = numbers[1:], rows[1:]
        self._first: Block = numbers, rows

    def blocks(self, contacts: Contacts) -> Iterator[list[Line]]:
        """Every row after the header. Raises `FileError` at the first that breaks a bound."""
        read, shown = RowReader(contacts, self.columns).read, self.layout.shown.join
        for numbers, rows in self._blocks():
            yield [*map(Line, numbers, [shown(cells)[:SHOWN] for cells in rows], map(read, rows))]

    def _blocks(self) -> Iterator[Block]:
        block = self._first
        while block[1]:
            yield block
            block = self._read(_BLOCK)

    def _sample(self) -> Block:
        numbers, rows = self._read(_SAMPLE_ROWS)
        while rows and not any(cell.strip() for row in rows for cell in row):
            numbers, rows = self._read(_SAMPLE_ROWS)
        filled = (place for place, row in enumerate(rows) if any(cell.strip() for cell in row))
        start = next(filled, None)
        if start is None:
            raise FileError("The file is empty.")
        return numbers[start:], rows[start:]

    def _read(self, most: int) -> Block:
        begins, before = self._next, self._reader.line_num
        rows: list[list[str]] = []
        try:
            rows.extend(islice(self._reader, most))  # what came before an error stays in it
        except csv.Error as error:
            numbers = self._numbers(begins, rows, None)
            raise FileError(_told(error, self._limits), numbers[-1]) from None
        numbers = self._numbers(begins, rows, self._reader.line_num - before)
        self._next = numbers[-1]
        self._check(numbers, rows)
        return numbers[:-1], rows

    def _numbers(self, begins: int, rows: Sequence[Sequence[str]], lines: int | None) -> Sequence[int]:
        """Where each row begins, and where the next one will."""
        if self.layout.by_rows or lines == len(rows):
            return range(begins, begins + len(rows) + 1)
        numbers = [begins]
        for cells in rows:
            numbers.append(numbers[-1] + 1 + sum(len(_BREAK.findall(cell)) for cell in cells))
        return numbers

    def _check(self, numbers: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        most = self._limits.columns
        if rows and max(map(len, rows)) > most:
            place, width = next((place, len(cells)) for place, cells in enumerate(rows) if len(cells) > most)
            raise FileError(f"There are {width} columns; {most} are allowed.", numbers[place])


def longest_line(limits: FileLimits) -> int:
    """No row is longer in characters: it would break another bound."""
    return limits.columns * (limits.cell + 3)


def _bound_cells(limits: FileLimits) -> None:
    """The bound belongs to the whole process: all its tables must have the same."""
    csv.field_size_limit(limits.cell)


def _told(error: csv.Error, limits: FileLimits) -> str:
    message = str(error)
    if "field limit" in message:
        return f"A cell is longer than {limits.cell} characters. Is a quotation mark left open?"
    if "unexpected end" in message:
        return "A quotation mark is opened here and never closed: the file is cut off or broken."
    return f"The row cannot be read: {message}."


def _known(delimiter: str) -> str:
    if delimiter not in DELIMITERS:
        raise Invalid("delimiter", "The delimiter may be a comma, a semicolon, `tab` or |.")
    return DELIMITERS[delimiter]


def _skip_excel_hint(text: TextIO) -> int:
    """Excel writes `sep=;` as a first line of its own. Answers the number of the line that follows."""
    start = text.tell()
    if text.readline(10).strip().lower() in {f"sep={each}" for each in ",;|\t"} | {"sep="}:
        return 2
    text.seek(start)
    return 1


def _guess(text: TextIO) -> str:
    """The delimiter that cuts the first rows most evenly, and of those that do equally, into most columns.

    Where none does there is one column, and the rarest of them does least harm: `1,2E+11` is a number.
    """
    start = text.tell()
    sample = [text.readline() for _ in range(_SAMPLE_LINES)]
    text.seek(start)
    filled = [line for line in sample if line.strip()]
    return max(",;\t|", key=lambda each: (*_evenness(filled, each), -sum(line.count(each) for line in filled)))


def _evenness(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    widths: Counter[int] = Counter()
    try:
        widths.update(len(cells) for cells in csv.reader(sample, delimiter=delimiter, strict=True))
    except csv.Error:
        if not widths:
            return 0.0, 0
    if not widths:
        return 0.0, 0
    width, rows = widths.most_common(1)[0]
    return (rows / widths.total(), width) if width > 1 else (0.0, 1)
