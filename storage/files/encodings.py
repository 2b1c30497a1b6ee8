"""Which encoding a file is written in, and that all of it is text in that encoding.

The rule (facts: right in every measured file): BOM, then UTF-16 by its NULs, then strict UTF-8, then Windows-1251,
which is what Russian Excel writes. It is wrong for other single-byte encodings: the owner can name those.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from domain.audience import FileError
from domain.errors import Invalid

NAMES = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1251": "cp1251",
    "cp1251": "cp1251",
    "koi8-r": "koi8-r",
    "cp866": "cp866",
    "windows-1252": "cp1252",
    "iso-8859-1": "iso-8859-1",
}
"""What an owner may name, and Python's name of it."""

_SAMPLE = 64 * 1024
_BLOCK = 256 * 1024
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH_BYTES = frozenset({*range(0x08), 0x20, 0x21})
"""High bytes of Latin, Cyrillic and its neighbours, and of punctuation, in UTF-16."""
_SIGNATURES = {
    b"\xd0\xcf\x11\xe0": "This is an old Excel file (XLS), or one with a password. Save it as XLSX without, or as CSV.",
    b"\x1f\x8b": "This is a gzip file. Unpack it first.",
    b"%PDF": "This is a PDF file. Save the table as CSV.",
    b"7z\xbc\xaf": "This is a 7-Zip file. Unpack it first.",
    b"Rar!": "This is a RAR file. Unpack it first.",
    b"\x89PNG": "This is a picture, not a list.",
    b"\xff\xd8\xff": "This is a picture, not a list.",
}


@dataclass(frozen=True)
class Written:
    """How a text is written. `encoding`: Python's name. The longest line: its number and its length in characters."""

    encoding: str
    longest_line: int
    longest: int


def detect(file: BinaryIO, named: str | None) -> Written:
    """How the file is written. Raises `FileError` when it is no text, or broken, with its line."""
    file.seek(0)
    sample = file.read(_SAMPLE)
    if not sample.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise FileError("The file is empty.")
    for signature, message in _SIGNATURES.items():
        if sample.startswith(signature):
            raise FileError(message)
    return _verified(file, _named(named) if named else _guess(file, sample))


def _named(name: str) -> str:
    known = NAMES.get(name.strip().lower().replace("_", "-"))
    if known is None:
        raise Invalid("encoding", f"Unknown encoding. Known: {', '.join(sorted(NAMES))}.")
    return known


def _guess(file: BinaryIO, sample: bytes) -> str:
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    return _utf16(sample) or ("utf-8" if _is_utf8(file) else "cp1251")


def _utf16(sample: bytes) -> str | None:
    even, odd = sample[0::2], sample[1::2]
    for high, low, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if high.count(0) * 50 > len(high) and low.count(0) == 0 and _mostly(high):
            return encoding
    return None


def _mostly(high: bytes) -> bool:
    return sum(high.count(byte) for byte in _HIGH_BYTES) * 10 >= len(high) * 9


def _is_utf8(file: BinaryIO) -> bool:
    """Whether it is UTF-8, be it a broken one: then it is not Windows-1251 in which a pair happened to fit."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
    fits = 0
    for block, last in _blocks(file):
        try:
            fits += _beyond_ascii(decoder.decode(block, last))
        except UnicodeDecodeError as error:
            # This block tells; to count every wrong byte of a large file would take seconds.
            kept = error.object.decode("utf-8", "ignore")
            wrong = len(error.object) - len(kept.encode())
            return fits + _beyond_ascii(kept) > wrong
    return True


def _beyond_ascii(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def _verified(file: BinaryIO, encoding: str) -> Written:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    lines = _Lines()
    for block, last in _blocks(file):
        try:
            text = decoder.decode(block, last)
        except UnicodeDecodeError as error:
            before = codecs.decode(error.object[: error.start], encoding, "replace")
            raise FileError(_broken(encoding), lines.number_at(before)) from None
        except UnicodeError:  # UTF-16 by name without its byte order mark
            raise FileError(_broken(encoding), lines.number) from None
        if "\0" in text:
            at = lines.number_at(text[: text.index("\0")])
            raise FileError("There is a NUL byte: this is not a text file, or it is damaged.", at)
        lines.add(text)
    return Written(encoding, lines.longest_line, lines.longest)


class _Lines:
    """Counts a text's lines, and looks for the longest, block by block."""

    def __init__(self) -> None:
        self.number = self.longest_line = 1
        self.length = self.longest = 0
        self._ends = io.IncrementalNewlineDecoder(None, translate=True)

    def add(self, text: str) -> None:
        """The next block."""
        lengths = list(map(len, self._ends.decode(text).split("\n")))
        lengths[0] += self.length
        if (longest := max(lengths)) > self.longest:
            self.longest, self.longest_line = longest, self.number + lengths.index(longest)
        self.number += len(lengths) - 1
        self.length = lengths[-1]

    def number_at(self, text: str) -> int:
        """The line in which the next block would end if it were this."""
        return self.number + self._ends.decode(text).count("\n")


def _broken(encoding: str) -> str:
    return f"The text is broken: not valid {encoding.upper()}. Save the file again, or name its `encoding`."


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block, False
    yield b"", True
