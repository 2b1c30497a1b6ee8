"""A report as a workbook: summary, accounts, those not reached, everybody."""

from collections.abc import Sequence
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from api.report_files.folders import Folder
from api.report_files.head import Head
from api.report_files.people import cells, header
from api.report_files.summary import accounts, summary
from domain.headings import heading
from domain.languages import Language
from storage.reports import PersonLine

SHEET_ROWS = 1_048_576
"""More rows no sheet of Excel can have."""
_WIDTH = 22
"""Of a column, in characters."""


class _People:
    """Rows on a sheet, and on further ones when it is full: the sheets' names are numbered then."""

    def __init__(self, book: Workbook, name: str, language: Language, rows: int) -> None:
        self._book, self._name, self._language, self._rows = book, name, language, rows
        self._sheets = 0
        self._turn_over()

    def add(self, person: PersonLine) -> None:
        if self._next == self._rows:
            self._turn_over()
        _write(self._sheet, self._next, cells(person, self._language))
        self._next += 1

    def _turn_over(self) -> None:
        self._sheets += 1
        name = self._name if self._sheets == 1 else f"{self._name} {self._sheets}"
        self._sheet = _sheet(self._book, name)
        _write(self._sheet, 0, header(self._language))
        self._sheet.freeze_panes(1, 0)
        self._next = 1


class WorkbookReport:
    """Writes one. Rows go to temporary files as they come; the file is whole after `end`. `rows`: of one sheet."""

    def __init__(self, file: IO[bytes], head: Head, rows: int = SHEET_ROWS) -> None:
        self._folder = Folder()
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": self._folder.name})
        self._book.use_zip64()
        for name, lines in (("summary", summary(head)), ("accounts", accounts(head))):
            sheet = _sheet(self._book, heading(name, head.language))
            for number, line in enumerate(lines):
                _write(sheet, number, line)
        self._not_reached = _People(self._book, heading("not_reached", head.language), head.language, rows)
        self._everybody = _People(self._book, heading("rows", head.language), head.language, rows)

    def add(self, people: Sequence[PersonLine]) -> None:
        """The next people of the campaign."""
        for person in people:
            self._everybody.add(person)
            if not person.reached:
                self._not_reached.add(person)

    def end(self) -> None:
        """Nobody comes any more."""
        self._book.close()
        self._folder.remove()


def _sheet(book: Workbook, name: str) -> Worksheet:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 20, _WIDTH)
    return sheet


def _write(sheet: Worksheet, row: int, line: Sequence[str | float]) -> None:
    """A text is written as a text, whatever it begins with: it never becomes a formula, a number or a link."""
    for column, value in enumerate(line):
        if isinstance(value, str):
            if value:
                sheet.write_string(row, column, _plain(value))
        else:
            sheet.write_number(row, column, value)


def _plain(value: str) -> str:
    """XlsxWriter takes `<r>…</r>` for formatted text and copies it into the sheet's XML as it is, cells and formulas
    included: a stranger's name could be that. With a blank behind it, it is a text like others."""
    return value + " " if value.startswith("<r>") and value.endswith("</r>") else value
