"""JSON: a list of objects or of strings, read one element at a time, whatever the list's length."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from domain.audience import SHOWN, DropReason, FileError, Line
from storage.files.columns import IDENTIFIERS, MAX_CELL, MAX_COLUMNS, Meaning, meaning, unknown_column
from storage.files.contacts import Cell, Contacts

_BLOCK = 64 * 1024
_MAX_ELEMENT = 4 * 1024 * 1024
_SPACE = " \t\r\n"


class JsonList:
    """A JSON file, ready to be read. An element's number stands for its line."""

    def __init__(self, text: TextIO, mapping: Mapping[Meaning, str]) -> None:
        """Raises `FileError` unless it is a list."""
        self._elements = _Elements(text)
        self._mapping = {column.strip().lower(): each for each, column in mapping.items()}
        self._seen: dict[str, Meaning | None] = {}

    def lines(self, contacts: Contacts) -> Iterator[Line]:
        """Every element. Raises `FileError` at the first that breaks a bound or the JSON."""
        number = 0
        for number, (element, source) in enumerate(self._elements, start=1):
            yield Line(number, source, self._found(number, element, contacts))
        if number == 0:
            raise FileError("The list is empty.")
        missing = [column for column in self._mapping if column not in self._seen]
        if missing:
            raise unknown_column(missing[0])
        if self._seen and not any(each in IDENTIFIERS for each in self._seen.values()):
            known = ", ".join(name[:50] for name in list(self._seen)[:20])
            raise FileError(f"No key holds usernames, phones or ids (keys: {known}). Name one by `mapping`.")

    def _found(self, number: int, element: Any, contacts: Contacts) -> Any:
        if element is None:
            return DropReason.EMPTY
        if isinstance(element, str):
            return contacts.read([(Meaning.CONTACT, "", _checked(number, "", element))])
        if isinstance(element, dict):
            return contacts.read(self._cells(number, element))
        return DropReason.NOT_A_NAME

    def _cells(self, number: int, element: dict[str, Any]) -> list[Cell]:
        if len(element) > MAX_COLUMNS:
            raise FileError(f"There are {len(element)} keys; {MAX_COLUMNS} are allowed.", number)
        cells = []
        for key, value in element.items():
            name = _checked(number, "", key)
            cells.append((self._meaning(name), name, _checked(number, name, _text(value))))
        return cells

    def _meaning(self, key: str) -> Meaning | None:
        name = key.strip().lower()
        if name not in self._seen and len(self._seen) < 10 * MAX_COLUMNS:
            self._seen[name] = self._mapping.get(name) if self._mapping else meaning(name)
        return self._seen.get(name)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _checked(number: int, key: str, cell: str) -> str:
    if len(cell) > MAX_CELL:
        raise FileError(f"A value is longer than {MAX_CELL} characters.", number, key[:50])
    if "\0" in cell:
        raise FileError("There is a NUL character.", number, key[:50])
    try:
        cell.encode()
    except UnicodeEncodeError:
        raise FileError("There is half of a surrogate pair: the text is broken.", number) from None
    return cell


class _Elements:
    """The list's elements, each with the beginning of its source."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._number = 0
        # Numbers stay as they are written: an id must not pass through a float.
        self._decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)
        if self._next() != "[":
            raise FileError("A JSON file must hold a list: of objects, or of strings.")
        self._at += 1

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        character = self._next()
        while character != "]":
            self._number += 1
            yield self._element()
            character = self._next()
            if character == ",":
                self._at += 1
                character = self._next()
                if character == "]":
                    raise self._broken("a value is missing after a comma")
            elif character != "]":
                raise self._broken("a comma or ] is missing")
        self._at += 1
        if self._next():
            raise self._broken("there is more after the list's end")

    def _element(self) -> tuple[Any, str]:
        while True:
            try:
                element, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise self._broken("it is nested too deeply") from None
            except ValueError as error:
                if self._more():
                    continue
                raise self._broken(getattr(error, "msg", str(error))) from None
            if end < len(self._buffer) or not self._more():  # a number at the very end may go on
                source = self._buffer[self._at : min(end, self._at + SHOWN)]
                self._at = end
                return element, source

    def _next(self) -> str:
        """The next character that is no space; '' at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on, twice as much as is unread, so that one long element costs no square of its length."""
        left = len(self._buffer) - self._at
        if left > _MAX_ELEMENT:
            raise self._broken("one element is too long")
        block = self._text.read(max(_BLOCK, left))
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        return bool(block)

    def _broken(self, what: str) -> FileError:
        return FileError(f"The JSON is broken: {what}.", max(self._number, 1))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a value")
