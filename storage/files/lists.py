"""JSON: a list of objects or of strings, or such values line by line (JSON Lines); read one at a time, however many."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TextIO

from domain.audience import SHOWN, DropReason, FileError, FileLimits, Line
from storage.files.columns import IDENTIFIERS, Columns, Meaning, meaning, named_twice, unknown_column
from storage.files.contacts import Cell, Contacts

_BLOCK = 64 * 1024
_AT_ONCE = 1_000
"""Lines in a block."""
_MAX_ELEMENT = 4 * 1024 * 1024
_SPACE = " \t\r\n"
_NOTED_KEYS = 2_000
"""So many different keys are remembered."""


class _Values:
    """JSON values as lines: what the keys of objects mean, and every bound on them."""

    def __init__(self, mapping: Mapping[Meaning, str], limits: FileLimits) -> None:
        self._mapping: dict[str, Meaning] = {}
        for each, column in mapping.items():
            if self._mapping.setdefault(column.strip().lower(), each) is not each:
                raise named_twice(column)
        self._limits = limits
        self._seen: dict[str, Meaning | None] = {}

    @property
    def columns(self) -> Columns:
        """The keys that were seen, and what they mean."""
        return Columns(tuple(self._seen), tuple(self._seen.values()))

    def blocks(self, values: Iterable[tuple[int, Any, str]], contacts: Contacts) -> Iterator[list[Line]]:
        """The values with their numbers and sources. Raises `FileError` at the first that breaks a bound."""
        lines = (Line(number, source, self._found(number, value, contacts)) for number, value, source in values)
        empty = True
        while block := list(islice(lines, _AT_ONCE)):
            empty = False
            yield block
        if empty:
            raise FileError("The list is empty.")
        self._check_keys()

    def _check_keys(self) -> None:
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
            return contacts.read([(Meaning.CONTACT, "", self._checked(number, "", element))])
        if isinstance(element, dict):
            return contacts.read(self._cells(number, element))
        return DropReason.NOT_A_NAME

    def _cells(self, number: int, element: dict[str, Any]) -> list[Cell]:
        most = self._limits.columns
        if len(element) > most:
            raise FileError(f"There are {len(element)} keys; {most} are allowed.", number)
        cells = []
        for key, value in element.items():
            name = self._checked(number, "", key)
            cells.append((self._meaning(name), name, self._checked(number, name, _text(value, number))))
        return cells

    def _meaning(self, key: str) -> Meaning | None:
        name = key.strip().lower()
        if name not in self._seen and len(self._seen) < _NOTED_KEYS:
            self._seen[name] = self._mapping.get(name) if self._mapping else meaning(name)
        return self._seen.get(name)

    def _checked(self, number: int, key: str, cell: str) -> str:
        if len(cell) > self._limits.cell:
            raise FileError(f"A value is longer than {self._limits.cell} characters.", number, key[:50])
        if "\0" in cell:
            raise FileError("There is a NUL character.", number, key[:50])
        try:
            cell.encode()
        except UnicodeEncodeError:
            raise FileError("There is half of a surrogate pair: the text is broken.", number) from None
        return cell


class JsonList:
    """A JSON file that holds a list, ready to be read. An element's number stands for its line."""

    def __init__(self, text: TextIO, mapping: Mapping[Meaning, str], limits: FileLimits) -> None:
        """Raises `FileError` unless it is a list."""
        self._elements = _Elements(text)
        self._values = _Values(mapping, limits)

    @property
    def columns(self) -> Columns:
        """The keys that were seen, and what they mean."""
        return self._values.columns

    def blocks(self, contacts: Contacts) -> Iterator[list[Line]]:
        """Every element. Raises `FileError` at the first that breaks a bound or the JSON."""
        numbered = ((number, *each) for number, each in enumerate(self._elements, start=1))
        return self._values.blocks(numbered, contacts)


class JsonLines:
    """A file with a JSON value in each line, ready to be read."""

    def __init__(self, text: TextIO, mapping: Mapping[Meaning, str], limits: FileLimits) -> None:
        self._text = text
        self._values = _Values(mapping, limits)

    @property
    def columns(self) -> Columns:
        """The keys that were seen, and what they mean."""
        return self._values.columns

    def blocks(self, contacts: Contacts) -> Iterator[list[Line]]:
        """Every line that is not empty. Raises `FileError` at the first that breaks a bound or the JSON."""
        return self._values.blocks(self._parsed(), contacts)

    def _parsed(self) -> Iterator[tuple[int, Any, str]]:
        number = 0
        while line := self._text.readline(_MAX_ELEMENT):
            number += 1
            if len(line) == _MAX_ELEMENT:
                raise FileError("The line is too long.", number)
            if line.strip(_SPACE):
                yield number, _parsed(line, number), line.strip(_SPACE)[:SHOWN]


def looks_like_list(text: TextIO) -> bool:
    """Whether it begins as a JSON list; where it stands stays."""
    head = _head(text)
    if not head.startswith("["):
        return False
    return head[1:] in ("", '"', "{", "]", "[", "-") or head[1:].isdecimal() or head[1:] in "ntfNI"


def looks_like_lines(text: TextIO) -> bool:
    """Whether it begins as a JSON object; where it stands stays."""
    head = _head(text)
    return head.startswith("{") and head[1:] in ("", '"', "}")


def _head(text: TextIO) -> str:
    start = text.tell()
    head = "".join(text.read(4096).split())[:2]
    text.seek(start)
    return head


def _parsed(line: str, number: int) -> Any:
    try:
        # Numbers stay as they are written: an id must not pass through a float.
        return json.loads(line, parse_float=str, parse_int=str, parse_constant=_no_constant)
    except RecursionError:
        raise _broken("it is nested too deeply", number) from None
    except ValueError as error:
        hint = " A JSON file must hold a list, or an object in each line." if number == 1 else ""
        raise _broken(getattr(error, "msg", str(error)), number, hint) from None


def _broken(what: str, number: int, hint: str = "") -> FileError:
    return FileError(f"The JSON is broken: {what.removesuffix(' starting at')}.{hint}", number)


def _text(value: Any, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise _broken("it is nested too deeply", number) from None


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
        return _broken(what, max(self._number, 1))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a value")
