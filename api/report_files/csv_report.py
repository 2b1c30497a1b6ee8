"""A table of those not reached."""

from collections.abc import Sequence
from typing import IO

from api.report_files.head import Head
from api.report_files.people import cells, header
from api.streams import BOM, table
from storage.reports import PersonLine


class CsvReport:
    """Writes one, in UTF-8 with BOM: without it Excel takes the text for another encoding."""

    def __init__(self, file: IO[bytes], head: Head) -> None:
        self._file = file
        self._language = head.language
        file.write(BOM + table([header(head.language)]))

    def add(self, people: Sequence[PersonLine]) -> None:
        """The next people of the campaign."""
        self._file.write(table([cells(person, self._language) for person in people if not person.reached]))

    def end(self) -> None:
        """Nobody comes any more."""
