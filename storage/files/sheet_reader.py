"""A program: one sheet of the workbook on stdin becomes CSV on stdout; what became of it is a line of JSON on stderr.

It runs by itself, imports none of ours, and bounds its own memory, time and output first (`storage.files.workbooks`).
"""

import contextlib
import csv
import datetime
import errno
import json
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

_EXACT = 10**15
"""A spreadsheet keeps fifteen digits of a number: a longer one is not what was entered."""


class _Refused(Exception):
    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.told = {"error": error, **more}


def main() -> int:
    """Exit status 0 whatever the workbook is like; another one: it could not be read at all."""
    wanted = json.loads(sys.argv[1])
    for limit, most in (("AS", "memory"), ("FSIZE", "output"), ("CPU", "seconds")):
        resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (wanted[most], wanted[most]))
    try:
        told = _convert(wanted)
    except _Refused as error:
        told = error.told
    except (CalamineError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            told = {"error": f"The sheet would take more than {wanted['output']} bytes as text. Split it."}
        else:
            told = {"error": f"The workbook is broken: {_inner(error)}"}
    print(json.dumps(told), file=sys.stderr)
    return 0


def _convert(wanted: dict[str, Any]) -> dict[str, Any]:
    book = CalamineWorkbook.from_filelike(sys.stdin.buffer)
    names = [each.name for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    name = _chosen(names, [each for each in names if each in visible], wanted["sheet"])
    sheet = book.get_sheet_by_name(name)
    if sheet.start is None:
        raise _Refused(f"The sheet {name[:50]!r} is empty.")
    skipped, first_column = sheet.start
    first = skipped + 1
    if sheet.width > wanted["columns"]:
        raise _Refused(f"There are {sheet.width} columns; {wanted['columns']} are allowed.", row=first)
    rows = _rows(islice(sheet.iter_rows(), skipped, None))
    _write(rows, first, first_column + 1, wanted)
    return {"sheet": name, "sheets": names, "first_row": first}


def _chosen(names: list[str], visible: list[str], wanted: str | None) -> str:
    if not names:
        raise _Refused("The workbook has no sheet with cells.")
    if wanted is None:
        return (visible or names)[0]
    if wanted in names:
        return wanted
    if wanted.isdecimal() and len(wanted) < 6 and 0 < int(wanted) <= len(names):
        return names[int(wanted) - 1]
    known = ", ".join(name[:50] for name in names[:20])
    raise _Refused(f"The workbook has no such sheet. It has: {known}.", field="sheet")


def _write(rows: Iterator[list[str]], first: int, first_column: int, wanted: dict[str, Any]) -> None:
    out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False)  # noqa: SIM115
    with contextlib.closing(out):
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        for number, cells in enumerate(rows):
            if number > wanted["rows"]:  # one more than people: the header
                raise _Refused("", too_many_rows=True)
            longest = max(map(len, cells), default=0)
            if longest > wanted["cell"]:
                column = str(first_column + list(map(len, cells)).index(longest))
                message = f"A cell is longer than {wanted['cell']} characters."
                raise _Refused(message, row=first + number, column=column)
            writer.writerow(cells)


def _rows(found: Iterator[list[Any]]) -> Iterator[list[str]]:
    """Without the empty rows at the end, which formatting leaves."""
    empty: list[list[str]] = []
    for values in found:
        cells = [value if type(value) is str else _text(value) for value in values]
        if not any(cells):
            empty.append(cells)
            continue
        yield from empty
        empty.clear()
        yield cells


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if abs(value) >= _EXACT:
        return f"{value:.14E}"
    return str(int(value)) if float(value).is_integer() else repr(value)


def _inner(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
