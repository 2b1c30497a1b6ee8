"""A report is written to a temporary file first, then sent.

So the transaction that sees one moment lasts as long as the database and the writing need, however slow the client
is; a report that fails is an error instead of half a file; and memory does not grow with the campaign.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from tempfile import TemporaryFile
from typing import IO, Protocol
from uuid import UUID

from api.report_files.csv_report import CsvReport
from api.report_files.head import Head
from api.report_files.json_report import JsonReport
from api.report_files.workbook import WorkbookReport
from api.schemas.report import TotalsOut
from api.schemas.status import StatusOut
from domain.errors import Unavailable
from domain.headings import note
from domain.languages import Language
from storage.reports import PersonLine, Reports, Whole

LONGEST = timedelta(minutes=15)
"""A report that takes longer is given up: its transaction must end."""
_PIECE = 256 * 1024


class ReportFormat(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class Writer(Protocol):
    """Writes a report into a file, which is whole after `end`. Its methods take long: they run in a thread."""

    def add(self, people: Sequence[PersonLine]) -> None:
        """The next people of the campaign."""

    def end(self) -> None:
        """Nobody comes any more."""


@dataclass(frozen=True)
class Asking:
    """Whose report is wanted, and how. `labels`: the accounts' names by id."""

    owner: str
    campaign_id: UUID
    clock: Callable[[], Awaitable[datetime]]
    written: ReportFormat
    language: Language
    labels: Mapping[str, str]


async def write(reports: Reports, asking: Asking) -> IO[bytes]:
    """The whole report as a file without a name, read from its beginning. Raises `NotFound`, `Unavailable`."""
    file = TemporaryFile()  # noqa: SIM115 - whoever sends it closes it; dropped, it closes itself
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            async with reports.whole(asking.owner, asking.campaign_id, asking.clock) as whole:
                writer = await asyncio.to_thread(_writer, file, asking, whole)
                async for people in whole.pages():
                    await asyncio.to_thread(writer.add, people)
            await asyncio.to_thread(writer.end)
            await asyncio.to_thread(file.seek, 0)
    except TimeoutError:
        raise Unavailable("the report", "it takes too long") from None
    return file


async def sent(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The file in pieces; it is gone then."""
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


def _writer(file: IO[bytes], asking: Asking, whole: Whole) -> Writer:
    head = Head(
        status=StatusOut.of(whole.campaign.name, whole.snapshot, dict(asking.labels), whole.campaign.people_removed_at),
        totals=TotalsOut.of(whole.totals),
        note=note(whole.campaign.state, whole.snapshot.numbers.processed),
        language=asking.language,
    )
    match asking.written:
        case ReportFormat.JSON:
            return JsonReport(file, head)
        case ReportFormat.CSV:
            return CsvReport(file, head)
        case ReportFormat.XLSX:
            return WorkbookReport(file, head)
