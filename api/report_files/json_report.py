"""A report for programs: the status, the totals, and those not reached."""

import json
from collections.abc import Sequence
from typing import IO

from api.report_files.head import Head
from api.schemas.report import RecipientOut
from storage.reports import PersonLine


class JsonReport:
    """Writes one."""

    def __init__(self, file: IO[bytes], head: Head) -> None:
        self._file = file
        self._separator = b""
        file.write(b'{"status": ' + head.status.model_dump_json().encode())
        file.write(b', "note": ' + json.dumps(dict(head.note), ensure_ascii=False).encode())
        file.write(b', "totals": ' + head.totals.model_dump_json().encode() + b', "not_reached": [')

    def add(self, people: Sequence[PersonLine]) -> None:
        """The next people of the campaign."""
        rows = [RecipientOut.of(person).model_dump_json().encode() for person in people if not person.reached]
        if rows:
            self._file.write(self._separator + b",\n".join(rows))
            self._separator = b",\n"

    def end(self) -> None:
        """Nobody comes any more."""
        self._file.write(b"]}")
