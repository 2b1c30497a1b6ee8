"""An uploaded file as a stream of lines: what it is is found out first, and may be overruled (IMP-1 to IMP-5)."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO

from domain.audience import FileError, FileLimits, Line, TooManyRows
from domain.errors import Invalid
from storage.files import encodings, workbooks
from storage.files.columns import parse_mapping
from storage.files.contacts import Contacts
from storage.files.lists import JsonLines, JsonList, looks_like_lines, looks_like_list
from storage.files.tables import Layout, Table, longest_line


@dataclass(frozen=True)
class Overrides:
    """What the owner says of the file. `mapping`: our column names to the file's; `sheet`: a name, or a number."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    default_country: str | None = None
    sheet: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class Detected:
    """What the file was taken for. `columns`: its columns by name, with what each was taken for ('' for nothing)."""

    format: str
    encoding: str
    delimiter: str = ""
    header: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    sheets: tuple[str, ...] = ()


class Source:
    """One file. Blocks while it reads: use it in a thread."""

    def __init__(self, file: BinaryIO, overrides: Overrides, limits: FileLimits | None = None) -> None:
        """Finds out what it is. Raises `FileError`, or `Invalid` for an override that cannot be."""
        self._overrides = overrides
        self._limits = limits or FileLimits()
        self._mapping = parse_mapping(overrides.mapping)
        self._contacts = Contacts(overrides.default_country)
        self._sheet: io.TextIOWrapper | None = None
        self._text: io.TextIOWrapper | None = None
        if workbooks.is_archive(file):
            self._open_workbook(file)
        else:
            self._open_text(file)

    @property
    def detected(self) -> Detected:
        """What it was taken for. The keys of JSON objects are known when they are read."""
        columns = self._reader.columns
        meanings = {
            name: each.value if each else "" for name, each in zip(columns.names, columns.meanings, strict=True)
        }
        return replace(self._detected, columns=meanings)

    def lines(self) -> Iterator[Line]:
        """Its lines, once. Raises `FileError` at the first that cannot be, `TooManyRows`."""
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[list[Line]]:
        count, most = 0, self._limits.rows
        try:
            for block in self._reader.blocks(self._contacts):
                count += len(block)
                if count > most:
                    raise TooManyRows(most)
                yield block
        except UnicodeError:  # checked before: the file was changed meanwhile
            raise FileError("The text is broken.") from None

    def close(self) -> None:
        """Let go of the file, without closing it."""
        if self._text is not None:
            self._text.detach()
        if self._sheet is not None:
            self._sheet.close()

    def _open_workbook(self, file: BinaryIO) -> None:
        _refuse("A workbook has none.", encoding=self._overrides.encoding, delimiter=self._overrides.delimiter)
        sheet = workbooks.open_sheet(file, self._overrides.sheet, self._limits)
        self._sheet = sheet.text
        self._detected = Detected("xlsx", "", sheet=sheet.name, sheets=sheet.names)
        try:
            self._open_table(sheet.text, Layout.of_sheet(sheet.first_row))
        except BaseException:
            sheet.text.close()
            raise

    def _open_text(self, file: BinaryIO) -> None:
        _refuse("Only a workbook has sheets.", sheet=self._overrides.sheet)
        written = encodings.detect(file, self._overrides.encoding)
        file.seek(0)
        # Held: the wrapper would close the file when it is forgotten.
        self._text = text = io.TextIOWrapper(file, encoding=written.encoding, newline="")
        self._detected = Detected("", written.encoding)
        as_table = self._overrides.delimiter is not None
        try:
            if not as_table and looks_like_list(text):
                self._open_json(JsonList(text, self._mapping, self._limits), "json")
            elif not as_table and looks_like_lines(text):
                self._open_json(JsonLines(text, self._mapping, self._limits), "jsonl")
            else:
                if written.longest > longest_line(self._limits):
                    raise FileError("The line is too long.", written.longest_line)
                self._open_table(text, Layout.of_csv(text, self._overrides.delimiter, self._limits))
        except BaseException:
            self.close()
            raise

    def _open_json(self, reader: JsonList | JsonLines, name: str) -> None:
        _refuse("JSON has keys and no header.", header=self._overrides.header)
        self._detected = replace(self._detected, format=name)
        self._reader: JsonList | JsonLines | Table = reader

    def _open_table(self, text: io.TextIOWrapper, layout: Layout) -> None:
        self._reader = table = Table(text, layout, self._mapping, self._overrides.header, self._limits)
        self._detected = replace(self._detected, header=table.has_header)
        if not layout.by_rows:
            self._detected = replace(self._detected, format="csv", delimiter=layout.delimiter)


def _refuse(message: str, **given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise Invalid(name, message)
