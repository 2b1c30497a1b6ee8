"""An audience from parsing-service: a page fetched and stored, and at last all of them cleaned."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from domain.audience import FileError, ImportFault, TooManyRows
from domain.errors import Forbidden, NotFound
from domain.parsed import ImportPlace, ParsedPage, TakenIn

_log = structlog.get_logger("execution")


class ParsedData(Protocol):
    """parsing-service."""

    async def page(self, owner: str, parsed_data_id: str, cursor: str | None) -> ParsedPage:
        """The page at the cursor. Raises `Unavailable`, `Forbidden` where it refuses us, `NotFound`."""


class ImportStore(Protocol):
    """What imports ask of storage. Every method raises `NotFound` where the import is over."""

    async def place(self, owner: str, audience_id: UUID) -> ImportPlace:
        """How far it is."""

    async def keep(self, owner: str, audience_id: UUID, place: ImportPlace, page: ParsedPage) -> None:
        """Store the page at this place, unless another try has."""

    async def finish(self, owner: str, audience_id: UUID) -> TakenIn:
        """Clean what has come. Raises `FileError`, `TooManyRows`."""

    async def fail(self, owner: str, audience_id: UUID, fault: ImportFault) -> None:
        """It cannot become an audience."""


@dataclass(frozen=True)
class ImportRef:
    """Which import."""

    owner: str
    audience_id: str


@dataclass(frozen=True)
class Fetched:
    """How far an import is. `over`: nothing is left to be done: it has failed, was done before, or was deleted."""

    rows_read: int = 0
    more: bool = False
    over: bool = False


class ImportActivities:
    """Imports. `most_rows` that an audience may have."""

    def __init__(self, store: ImportStore, parsed: ParsedData, most_rows: int) -> None:
        self._store = store
        self._parsed = parsed
        self._most_rows = most_rows

    @activity.defn
    async def fetch_page(self, ref: ImportRef) -> Fetched:
        """Fetch the next page and store it. Raises `Unavailable`: it is asked again until it comes."""
        async with heartbeating():
            try:
                return await self._fetch(ref.owner, UUID(ref.audience_id))
            except NotFound:
                return Fetched(over=True)

    @activity.defn
    async def finish_import(self, ref: ImportRef) -> TakenIn:
        """Make the audience of the pages that have come."""
        audience_id = UUID(ref.audience_id)
        async with heartbeating():
            try:
                return await self._store.finish(ref.owner, audience_id)
            except TooManyRows:
                await self._fail(ref.owner, audience_id, ImportFault.TOO_MANY_ROWS)
            except FileError:
                await self._fail(ref.owner, audience_id, ImportFault.UNREADABLE)
            except NotFound:
                pass
            return TakenIn(0, 0)

    async def _fetch(self, owner: str, audience_id: UUID) -> Fetched:
        place = await self._store.place(owner, audience_id)
        if place.fetched:
            return Fetched(place.rows_read)
        try:
            page = await self._parsed.page(owner, place.parsed_data_id, place.cursor)
        except NotFound:
            return await self._fail(owner, audience_id, ImportFault.NOT_FOUND)
        except Forbidden:
            return await self._fail(owner, audience_id, ImportFault.REFUSED)
        if place.platform and page.platform and place.platform != page.platform:
            return await self._fail(owner, audience_id, ImportFault.WRONG_PLATFORM)
        read = place.rows_read + page.rows
        if read > self._most_rows:
            return await self._fail(owner, audience_id, ImportFault.TOO_MANY_ROWS)
        await self._store.keep(owner, audience_id, place, page)
        return Fetched(read, more=page.next_cursor is not None)

    async def _fail(self, owner: str, audience_id: UUID, fault: ImportFault) -> Fetched:
        _log.warning("import_failed", audience_id=str(audience_id), fault=fault.value)
        await self._store.fail(owner, audience_id, fault)
        return Fetched(over=True)
