"""What becomes of each line of a list: a person of their own, somebody given before, or nobody."""

import json
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import NamedTuple, Self

from domain.audience import DropReason, Line, TooManyRows
from domain.people import People

COLUMNS = "line, position, same_as, reason, content, username, phone, user_id, first_name, last_name, fields, seen_by"
"""Of a block. `position`: the person's; of a duplicate, that of the person whom it names again."""

_CHUNK = 10_000
"""Lines in a block: so much is held in memory."""
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NULL = r"\N"
_NOBODY = "\t\\N" * 7 + "\n"
_DUPLICATE = DropReason.DUPLICATE.value


class Joined(NamedTuple):
    """A person who turned out to be that of an earlier line, `first`, which is stored at `first_position`."""

    line: int
    position: int
    first: int
    first_position: int
    content: str


class Intake:
    """Reads lines once, in blocks that COPY takes. A context manager; use it in one thread at a time.

    Of people the block has no content: it is wanted only of the few who turn out later to be somebody else.
    """

    def __init__(self, lines: Iterable[Line], max_rows: int) -> None:
        self._lines = iter(lines)
        self._max_rows = max_rows
        self._people = People()
        self._contents = _Contents()
        self._read = 0
        self._placed = array("i")  # by position: the line that the person was given in
        self._dropped: Counter[DropReason] = Counter()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget what was kept aside."""
        self._contents.close()

    @property
    def counts(self) -> Mapping[DropReason | None, int]:
        """Lines by reason; None: the people."""
        joined = len(self._people.joined)
        duplicates = self._dropped[DropReason.DUPLICATE] + joined
        counts: dict[DropReason | None, int] = {None: len(self._placed) - joined}
        return counts | self._dropped | {DropReason.DUPLICATE: duplicates}

    def joined(self) -> Iterator[Joined]:
        """People of blocks who turned out later to be others; by line."""
        lines = sorted(self._people.joined)
        for line, content in self._contents.of(lines):
            first = self._people.first(line)
            yield Joined(line, self._position(line), first, self._position(first), content)

    def block(self) -> bytes:
        """The next lines in COPY's text format; none at the end. Raises `TooManyRows` and what the lines raise."""
        chunk = list(islice(self._lines, _CHUNK))
        self._read += len(chunk)
        if self._read > self._max_rows:
            raise TooManyRows(self._max_rows)
        if chunk:
            self._contents.keep(chunk)
        return "".join(self._copied(chunk)).encode()

    def _copied(self, chunk: Iterable[Line]) -> Iterator[str]:
        place, placed = self._people.place, self._placed
        for number, content, found in chunk:
            if isinstance(found, DropReason):
                self._dropped[found] += 1
                yield f"{number}\t\\N\t\\N\t{found.value}\t{_escaped(content)}{_NOBODY}"
                continue
            first = place(number, found)
            if first == number:
                begins = f"{number}\t{len(placed)}\t\\N\t\\N\t"
                placed.append(number)
            else:
                begins = f"{number}\t{self._position(first)}\t{first}\t{_DUPLICATE}\t{_escaped(content)}"
                self._dropped[DropReason.DUPLICATE] += 1
            username, phone, user_id, first_name, last_name, fields, seen_by = found
            yield (
                f"{begins}\t{username or _NULL}\t{phone or _NULL}\t{_NULL if user_id is None else user_id}"
                f"\t{_escaped(first_name) if first_name else ''}\t{_escaped(last_name) if last_name else ''}"
                f"\t{_escaped(json.dumps(fields, ensure_ascii=False)) if fields else '{}'}"
                f"\t{_escaped(seen_by) if seen_by else _NULL}\n"
            )

    def _position(self, line: int) -> int:
        return bisect_left(self._placed, line)


class _Contents:
    """The contents of all lines, in a file: memory does not grow with the list."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._first_lines = array("i")
        self._ends = array("q", [0])

    def keep(self, chunk: list[Line]) -> None:
        """One chunk after the other."""
        self._first_lines.append(chunk[0].number)
        numbered = "\0".join(f"{number} {content}" for number, content, _ in chunk)
        self._ends.append(self._ends[-1] + self._file.write(numbered.encode()))

    def of(self, lines: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Those lines with their contents; lines come in order."""
        for chunk, wanted in groupby(lines, self._chunk):
            numbers = set(wanted)
            self._file.seek(self._ends[chunk])
            text = self._file.read(self._ends[chunk + 1] - self._ends[chunk]).decode()
            for entry in text.split("\0"):
                number, _, content = entry.partition(" ")
                if int(number) in numbers:
                    yield int(number), content

    def close(self) -> None:
        """Nothing is kept."""
        self._file.close()

    def _chunk(self, line: int) -> int:
        return bisect_right(self._first_lines, line) - 1


def _escaped(text: str) -> str:
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)
