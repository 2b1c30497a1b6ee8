"""An uploaded file as a stream of lines: what it is is found out first, and may be overruled (IMP-1 to IMP-5)."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from domain.audience import FileError, Line
from storage.files import encodings
from storage.files.columns import parse_mapping
from storage.files.contacts import Contacts
from storage.files.lists import JsonList
from storage.files.tables import Table


@dataclass(frozen=True)
class Overrides:
    """What the owner says of the file. `mapping`: our column names to the file's."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    default_country: str | None = None


@dataclass(frozen=True)
class Detected:
    """What the file was taken for. `columns`: its columns by name, with what each was taken for ('' for nothing)."""

    format: str
    encoding: str
    delimiter: str = ""
    header: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)


class Source:
    """One file. Blocks while it reads: use it in a thread."""

    def __init__(self, file: BinaryIO, overrides: Overrides) -> None:
        """Finds out what it is. Raises `FileError`, or `Invalid` for an override that cannot be."""
        mapping = parse_mapping(overrides.mapping)
        self._contacts = Contacts(overrides.default_country)
        encoding = encodings.detect(file, overrides.encoding)
        file.seek(0)
        # Held: the wrapper would close the file when it is forgotten.
        self._text = io.TextIOWrapper(file, encoding=encoding, newline="")
        if overrides.delimiter is None and _looks_like_json(self._text):
            self._reader: JsonList | Table = JsonList(self._text, mapping)
            self.detected = Detected("json", encoding)
        else:
            self._reader = table = Table(self._text, overrides.delimiter, mapping)
            columns = zip(table.columns.names, table.columns.meanings, strict=True)
            meanings = {name: each.value if each else "" for name, each in columns}
            self.detected = Detected("csv", encoding, table.delimiter, table.has_header, meanings)

    def lines(self) -> Iterator[Line]:
        """Its lines, once. Raises `FileError` at the first that cannot be."""
        try:
            yield from self._reader.lines(self._contacts)
        except UnicodeError:  # checked before: the file was changed meanwhile
            raise FileError("The text is broken.") from None

    def close(self) -> None:
        """Let go of the file, without closing it."""
        self._text.detach()


def _looks_like_json(text: io.TextIOWrapper) -> bool:
    start = text.tell()
    head = "".join(text.read(4096).split())[:2]
    text.seek(start)
    if head.startswith("["):
        return head[1:] in ("", '"', "{", "]", "[", "-") or head[1:].isdecimal() or head[1:] in "ntfNI"
    return head.startswith("{") and head[1:] in ("", '"', "}")
