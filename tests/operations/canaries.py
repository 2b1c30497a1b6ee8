"""Recognisable values, and the search for them in whatever spelling something has left them."""

import base64
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from urllib.parse import quote

SHORTEST = 7
"""Bytes: what is shorter is found by chance."""
_MORE_DIGITS = 4
"""That may stand around a number's own: its country's, its last ones. A longer run is a moment, or some number."""
_NATIONAL = 11
"""Digits by which a phone is recognised, however its country is written."""
_GZIP = b"\x1f\x8b\x08"
_DIGITS = re.compile(rb"[0-9]+")
_SHOWN = 60
"""Bytes on each side of what was found."""


class Kind(Enum):
    """What a value is, and so where it may be."""

    SECRET = "secret"
    """Nowhere but with who gave it to us."""
    PERSON = "person"
    """In our tables, in answers to the owner, and at the platform."""
    TEXT = "text"
    """The same; above all in no log."""


@dataclass(frozen=True)
class Canary:
    """One value. `name`: what it is."""

    name: str
    kind: Kind
    value: str

    def __post_init__(self) -> None:
        if len(self.value.encode()) < SHORTEST:
            raise ValueError(f"{self.name} would be found by chance")

    @property
    def digits(self) -> str:
        """Of a number: those by which it is recognised, of a phone without its country's."""
        found = re.fullmatch(r"(\+?)([0-9]+)", self.value)
        return found[2][-_NATIONAL if found[1] else 0 :] if found else ""

    def at(self, reading: bytes) -> tuple[int, int] | None:
        """Where it stands: the beginning and the end. Digits count only where no longer number has them by chance."""
        for spelling in self.spellings:
            alone = len(spelling) == len(self.digits) and spelling.isdigit()
            at = reading.find(spelling)
            while at >= 0 and alone and _run(reading, at) > len(spelling) + _MORE_DIGITS:
                at = reading.find(spelling, at + 1)
            if at >= 0:
                return at, at + len(spelling)
        return None

    @cached_property
    def spellings(self) -> frozenset[bytes]:
        """In lower case, as contents are compared."""
        value = self.digits or self.value
        raw = value.encode()
        found = {raw, quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), raw.hex().encode()}
        found |= {value.upper().encode(), value.lower().encode()}
        found |= {repr(raw)[2:-1].encode(), raw[::-1] if self.digits else raw}
        found |= {spelled for shift in range(3) for spelled in _base64(raw, shift)}
        return frozenset(each.lower() for each in found)


@dataclass(frozen=True)
class Found:
    """A canary where it was found."""

    canary: Canary
    place: str
    around: str

    def __str__(self) -> str:
        return f"{self.canary.kind.value} {self.canary.name!r} in {self.place}: …{self.around}…"


def search(contents: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[Found]:
    """Which of these are in which of the contents (by place), in any spelling."""
    wanted = list(canaries)
    readable = {place: list(_readings(content)) for place, content in contents.items()}
    return [
        Found(canary, place, around)
        for place, readings in readable.items()
        for canary in wanted
        if (around := _around(readings, canary)) is not None
    ]


def _readings(content: bytes) -> Iterator[bytes]:
    """The content, and what is packed into it; escapes of escapes undone."""
    yield content.lower().replace(b"\\\\", b"\\").replace(b"\\\\", b"\\").replace(b"\\/", b"/")
    start = content.find(_GZIP)
    while start >= 0:
        try:
            yield from _readings(zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content[start:]))
        except zlib.error:  # three bytes that only look like it
            pass
        start = content.find(_GZIP, start + 1)


def _around(readings: Iterable[bytes], canary: Canary) -> str | None:
    for reading in readings:
        if (found := canary.at(reading)) is not None:
            begin, end = found
            return reading[max(begin - _SHOWN, 0) : end + _SHOWN].decode(errors="replace")
    return None


def _run(reading: bytes, at: int) -> int:
    """How many digits stand there in a row."""
    begin = at
    while begin and reading[begin - 1 : begin].isdigit():
        begin -= 1
    found = _DIGITS.match(reading, begin)
    return len(found[0]) if found else 0


def _base64(raw: bytes, shift: int) -> Iterator[bytes]:
    """What of it is the same whatever stands before and behind it, where it begins at byte `shift` of three."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(bytes(shift) + raw)
        yield encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
