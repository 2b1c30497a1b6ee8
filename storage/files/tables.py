"""CSV: delimiter and header found out, rows read one at a time, every bound kept."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from domain.audience import SHOWN, FileError, Line
from domain.errors import Invalid
from storage.files.columns import MAX_CELL, MAX_COLUMNS, Columns, Meaning, is_header, named, nameless
from storage.files.contacts import Contacts

DELIMITERS = {",": ",", ";": ";", "\t": "\t", "tab": "\t", "\\t": "\t", "|": "|"}
"""What an owner may name, and what it is."""

_MAX_LINE = MAX_COLUMNS * (MAX_CELL + 3)
_SAMPLE_LINES = 50
Row = tuple[int, list[str]]
"""Where the row begins, and its cells."""


class Table:
    """A CSV file, ready to be read."""

    def __init__(self, text: TextIO, delimiter: str | None, mapping: Mapping[Meaning, str]) -> None:
        """Finds out what it is. Raises `FileError`."""
        self._text = text
        self._first_line = _skip_excel_hint(text)
        self.delimiter = self._delimiter(delimiter)
        self._rows = self._read()
        number, first = next(self._rows, (0, []))
        while number and not any(cell.strip() for cell in first):
            number, first = next(self._rows, (0, []))
        if not number:
            raise FileError("The file is empty.")
        self.has_header = is_header(first, mapping)
        self.columns: Columns = named(first, mapping) if self.has_header else nameless(len(first), mapping)
        self._peeked = self._peek(None if self.has_header else (number, first))

    def lines(self, contacts: Contacts) -> Iterator[Line]:
        """Every row after the header. Raises `FileError` at the first that breaks a bound."""
        if self._peeked is not None:
            yield self._line(*self._peeked, contacts)
        for number, cells in self._rows:
            yield self._line(number, cells, contacts)

    def _peek(self, row: Row | None) -> Row:
        row = row or next(self._rows, None)
        if row is None:
            raise FileError("There is a header and nothing below it.", 1)
        return row

    def _line(self, number: int, cells: list[str], contacts: Contacts) -> Line:
        columns = self.columns
        if len(cells) > len(columns.names):
            columns = _widened(columns, len(cells))
        found = contacts.read(zip(columns.meanings, columns.names, cells, strict=False))
        return Line(number, self.delimiter.join(cells)[:SHOWN], found)

    def _read(self) -> Iterator[Row]:
        reader = csv.reader(_bounded(self._text), delimiter=self.delimiter, strict=True)
        begins = self._first_line
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise FileError(_told(error), begins) from None
            if cells is None:
                return
            _check(begins, cells)
            yield begins, cells
            begins = self._first_line + reader.line_num

    def _delimiter(self, named: str | None) -> str:
        if named is None:
            return _guess(self._text)
        if named not in DELIMITERS:
            raise Invalid("delimiter", "The delimiter may be a comma, a semicolon, `tab` or |.")
        return DELIMITERS[named]


def _bounded(text: TextIO) -> Iterator[str]:
    while line := text.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise csv.Error("line too long")
        yield line


def _told(error: csv.Error) -> str:
    message = str(error)
    if "field limit" in message:
        return f"A cell is longer than {MAX_CELL} characters. Is a quotation mark left open?"
    if "unexpected end" in message:
        return "A quotation mark is opened here and never closed: the file is cut off or broken."
    if "line too long" in message:
        return "The line is too long."
    return f"The row cannot be read: {message}."


def _check(number: int, cells: Sequence[str]) -> None:
    if len(cells) > MAX_COLUMNS:
        raise FileError(f"There are {len(cells)} columns; {MAX_COLUMNS} are allowed.", number)
    for column, cell in enumerate(cells, start=1):
        if len(cell) > MAX_CELL:
            raise FileError(f"A cell is longer than {MAX_CELL} characters.", number, str(column))


def _widened(columns: Columns, width: int) -> Columns:
    more = range(len(columns.names) + 1, width + 1)
    return Columns((*columns.names, *(f"column_{n}" for n in more)), (*columns.meanings, *(None for _ in more)))


def _skip_excel_hint(text: TextIO) -> int:
    """Excel writes `sep=;` as a first line of its own. Answers the number of the line that follows."""
    start = text.tell()
    if text.readline(10).strip().lower() in {f"sep={each}" for each in ",;|\t"} | {"sep="}:
        return 2
    text.seek(start)
    return 1


def _guess(text: TextIO) -> str:
    """The delimiter that cuts the first rows most evenly, and of those that do equally, into most columns."""
    start = text.tell()
    sample = [text.readline(_MAX_LINE) for _ in range(_SAMPLE_LINES)]
    text.seek(start)
    scores = {each: _evenness([line for line in sample if line.strip()], each) for each in ",;\t|"}
    return max(scores, key=lambda each: scores[each])


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
