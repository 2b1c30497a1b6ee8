"""XLSX: sheets as people make them, and workbooks that are made to do harm."""

import io
import time
import zipfile
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook

from domain.audience import Contact, DropReason, FileError, FileLimits, Line, TooManyRows
from domain.errors import Invalid
from storage.files.sources import Overrides, Source
from storage.files.workbooks import is_archive

SHEET = "xl/worksheets/sheet1.xml"


def book(*rows: list[Any], **sheets: list[list[Any]]) -> bytes:
    made = Workbook()
    first = made.active
    assert first is not None
    first.title = "Клиенты"
    for row in rows:
        first.append(row)
    for name, others in sheets.items():
        sheet = made.create_sheet(name)
        for row in others:
            sheet.append(row)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def repacked(content: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The archive with files replaced, added, or (None) left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, data in changes.items():
            if data is not None:
                new.writestr(name, data)
    return file.getvalue()


def read(content: bytes, limits: FileLimits | None = None, **overrides: Any) -> list[Line]:
    source = Source(io.BytesIO(content), Overrides(**overrides), limits)
    try:
        return list(source.lines())
    finally:
        source.close()


def found(content: bytes, **overrides: Any) -> list[Contact | DropReason]:
    return [line.found for line in read(content, **overrides)]


PEOPLE = book(
    ["Ник", "Телефон", "Имя", "Дата", "Город"],
    ["@Anna", 79001234567, "Анна", date(2024, 1, 5), "Томск\nцентр"],
    ["boris", "8 (900) 765-43-21", None, None, 12.5],
    [None, None, None, None, None],
    ["https://t.me/vera", None, "Вера", None, True],
)


def test_a_sheet_is_read_with_the_rows_numbers() -> None:
    assert read(PEOPLE, default_country="RU") == [
        Line(
            2,
            "@Anna; 79001234567; Анна; 2024-01-05; Томск\nцентр",
            Contact("anna", "+79001234567", None, "Анна", "", {"Дата": "2024-01-05", "Город": "Томск\nцентр"}),
        ),
        Line(3, "boris; 8 (900) 765-43-21; ; ; 12.5", Contact("boris", "+79007654321", fields={"Город": "12.5"})),
        Line(4, "; ; ; ; ", DropReason.EMPTY),
        Line(5, "https://t.me/vera; ; Вера; ; true", Contact("vera", first_name="Вера", fields={"Город": "true"})),
    ]


def test_what_was_detected_is_told() -> None:
    detected = Source(io.BytesIO(PEOPLE), Overrides()).detected
    assert (detected.format, detected.sheet, detected.sheets, detected.header) == (
        "xlsx",
        "Клиенты",
        ("Клиенты",),
        True,
    )
    assert list(detected.columns.values()) == ["username", "phone", "first_name", "", ""]


def test_the_sheet_can_be_chosen_by_name_or_number() -> None:
    content = book(["@anna"], Архив=[["@boris"]])
    assert found(content) == [Contact("anna")]
    assert found(content, sheet="Архив") == found(content, sheet="2") == [Contact("boris")]
    with pytest.raises(Invalid, match=r"Клиенты, Архив") as caught:
        read(content, sheet="Нет")
    assert caught.value.field == "sheet"


def test_a_hidden_sheet_is_not_the_first() -> None:
    made = Workbook()
    hidden, shown = made.active, made.create_sheet("Видно")
    assert hidden is not None
    hidden.append(["@anna"])
    hidden.sheet_state = "hidden"
    shown.append(["@boris"])
    file = io.BytesIO()
    made.save(file)
    assert found(file.getvalue()) == [Contact("boris")]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (123456789, Contact(user_id=123456789)),
        (123456789.0, Contact(user_id=123456789)),
        (1234567890123456789, DropReason.ROUNDED),
        ("1.23457E+18", DropReason.ROUNDED),
        ("123456789012345678", Contact(user_id=123456789012345678)),
        (12.5, DropReason.BAD_ID),
    ],
)
def test_a_number_that_the_sheet_has_shortened_is_refused(cell: object, expected: Contact | DropReason) -> None:
    assert found(book(["id"], [cell])) == [expected]


def test_rows_begin_where_the_sheets_do() -> None:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet["B3"], sheet["B4"] = "username", "@anna"
    file = io.BytesIO()
    made.save(file)
    assert [(line.number, line.found) for line in read(file.getvalue())] == [(4, Contact("anna"))]


BOMB = b"<a>" + b" " * 30_000_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PEOPLE[:-200], "cut off"),
        (PEOPLE[:5_000], "cut off"),
        (b"PK\x03\x04" + b"\0" * 100, "cut off"),
        (b"PK\x05\x06" + b"\0" * 18, "no XLSX"),
        (repacked(PEOPLE, {"xl/workbook.xml": None}), "xl/workbook.xml is missing"),
        (repacked(PEOPLE, {"xl/vbaProject.bin": b"x"}), "macros (xl/vbaProject.bin)"),
        (repacked(PEOPLE, {"xl/externalLinks/externalLink1.xml": b"<x/>"}), "links to other files (xl/externalLinks/"),
        (repacked(PEOPLE, {SHEET: BOMB}), f"{SHEET} the most"),
        (repacked(PEOPLE, {SHEET: b"<a>" + b" " * 17_000_000}), f"more than 100 times ({SHEET}: "),
        (repacked(PEOPLE, {SHEET: b"<worksheet><sheetData><row"}), "broken"),
        (repacked(PEOPLE, {SHEET: b"\xff\xfe\0\0 nothing like XML"}), "broken"),
        (repacked(PEOPLE, {SHEET: None}), "broken"),
        (repacked(PEOPLE, {"xl/workbook.xml": b"<workbook/>"}), "no sheet"),
        (book(), "is empty"),
        (book(["username"]), "line 1: There is a header"),
        (book(["username", *range(5_000)], ["@anna"]), "5001 columns"),
        (book(["username"], ["@anna"], ["x" * 20_000]), "line 3, column 1: A cell is longer"),
        (book(["имя"], ["Анна"]), "No column"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_refused_with_what_and_where(content: bytes, words: str) -> None:
    begun = time.monotonic()
    with pytest.raises(FileError) as caught:
        read(content, FileLimits(unpacked=20_000_000))
    assert words in str(caught.value)
    assert time.monotonic() - begun < 10  # alone, a tenth of that


def sheet_with(cells: str) -> bytes:
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return repacked(PEOPLE, {SHEET: head + cells.encode() + b"</sheetData></worksheet>"})


def test_a_sheet_of_two_cells_at_its_ends_takes_no_memory_of_ours() -> None:
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    with pytest.raises(FileError, match="memory"):
        read(sheet_with(corners))


def test_a_short_file_that_unfolds_into_a_long_sheet_is_cut_off() -> None:
    strings = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>%s</t></si></sst>'
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 5_001))
    content = repacked(sheet_with(cells), {"xl/sharedStrings.xml": strings % (b"x" * 9_000)})
    with pytest.raises(FileError, match="more than 20000000 bytes"):
        read(content, FileLimits(unpacked=20_000_000))


def test_entities_are_not_unfolded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    content = sheet_with('<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>')
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read(SHEET)
    try:
        lines = read(repacked(content, {SHEET: bomb.encode() + sheet}))
    except FileError:
        return
    assert all("aaaaaaaa" not in line.content for line in lines)


def test_more_rows_than_allowed_are_refused() -> None:
    with pytest.raises(TooManyRows):
        read(book(["username"], *(["@anna"] for _ in range(6))), FileLimits(rows=5))


@pytest.mark.parametrize(
    ("overrides", "field"), [({"encoding": "utf-8"}, "encoding"), ({"delimiter": ";"}, "delimiter")]
)
def test_a_workbook_has_no_encoding_and_no_delimiter(overrides: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(PEOPLE, **overrides)
    assert caught.value.field == field


def test_only_a_workbook_has_sheets() -> None:
    with pytest.raises(Invalid) as caught:
        read(b"@anna\n", sheet="1")
    assert caught.value.field == "sheet"
    assert not is_archive(io.BytesIO(b"@anna"))
