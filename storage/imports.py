"""Audiences that come from parsing-service page by page: each is stored together with the place
reached.

The pages wait as they came. When the last one is there, all of them are read as one file is, so that people are the
same across pages as they are within a file.
"""

import asyncio
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import AudienceState, DropReason, FileLimits, ImportFault, Line
from domain.audit import Act
from domain.errors import NotFound
from domain.parsed import ImportPlace, ParsedPage, TakenIn
from storage import comings
from storage.audit import record
from storage.engine import Database
from storage.files.contacts import Contacts
from storage.files.lists import JsonList
from storage.filling import take_in
from storage.tables import Audience, AudiencePage

_audience = Audience.__table__  # type: ignore[attr-defined]
_page = AudiencePage.__table__  # type: ignore[attr-defined]

_DROP_PAGES = text("DELETE FROM audience_page WHERE audience_id = :audience AND owner = :owner")


class Imports:
    """The store of imports."""

    def __init__(self, database: Database, limits: FileLimits, at_once: int = 2) -> None:
        """`at_once`: so many are cleaned at a time; each holds two connections meanwhile."""
        self._database = database
        self._limits = limits
        self._turn = asyncio.Semaphore(at_once)

    async def begin(
        self,
        owner: str,
        name: str,
        parsed_data_id: str,
        platform: str | None,
        now: datetime,
        act: Act | None = None,
    ) -> UUID:
        """Make the audience, with nobody in it yet. Its id."""
        audience_id = uuid4()
        row = {
            "id": audience_id,
            "owner": owner,
            "name": name,
            "rows_read": 0,
            "stored": 0,
            "dropped": 0,
            "created_at": now,
            "state": AudienceState.IMPORTING.value,
            "parsed_data_id": parsed_data_id,
            "platform": platform,
            "pages": 0,
            "fetched": False,
        }
        async with self._database.owner(owner) as tx:
            await tx.execute(insert(_audience).values(**row))
            await record(tx, owner, act, audience_id)
        return audience_id

    async def place(self, owner: str, audience_id: UUID) -> ImportPlace:
        """How far it is. Raises `NotFound` where it is over: done, failed or deleted."""
        async with self._database.owner(owner) as tx:
            row = await _importing(tx, owner, audience_id)
        return ImportPlace(
            parsed_data_id=row["parsed_data_id"],
            platform=row["platform"],
            cursor=row["position"],
            number=row["pages"],
            rows_read=row["rows_read"],
            fetched=row["fetched"],
        )

    async def keep(self, owner: str, audience_id: UUID, place: ImportPlace, page: ParsedPage) -> None:
        """Store the page at this place, unless another try has. Raises `NotFound` where the import is over."""
        async with self._database.owner(owner) as tx:
            await comings.come(tx, owner)
            row = await _importing(tx, owner, audience_id, lock=True)
            if row["pages"] != place.number or row["fetched"]:
                return
            if page.rows:
                names = {"audience_id": audience_id, "number": place.number, "owner": owner, "content": page.content}
                await tx.execute(insert(_page).values(first_line=place.rows_read + 1, **names))
            changes = {
                "pages": place.number + 1,
                "rows_read": place.rows_read + page.rows,
                "platform": page.platform or place.platform,
                "position": page.next_cursor,
                "fetched": page.next_cursor is None,
                "total": page.total,
            }
            await _write(tx, owner, audience_id, changes)

    async def finish(self, owner: str, audience_id: UUID) -> TakenIn:
        """Clean what has come, and make the audience ready; whole or not at all.

        Raises `NotFound` where the import is over, `FileError` for what no file may hold, `TooManyRows`.
        """
        async with self._turn, self._database.owner(owner) as tx:
            await comings.come(tx, owner)  # before the row is locked: whoever erases may wait for that
            row = await _importing(tx, owner, audience_id, lock=True)
            lines = self._lines(owner, audience_id, row["pages"], asyncio.get_running_loop())
            counts = await take_in(tx, owner, audience_id, lines, self._limits.rows)
            stored = counts.get(None, 0)
            dropped = sum(n for reason, n in counts.items() if isinstance(reason, DropReason))
            changes = {"state": AudienceState.READY.value, "stored": stored, "dropped": dropped}
            await _write(tx, owner, audience_id, changes)
            await tx.execute(_DROP_PAGES, {"audience": audience_id, "owner": owner})
            return TakenIn(stored, dropped)

    async def fail(self, owner: str, audience_id: UUID, fault: ImportFault) -> None:
        """It cannot become an audience: what has come is dropped. Raises `NotFound` where the import is over."""
        async with self._database.owner(owner) as tx:
            await _importing(tx, owner, audience_id, lock=True)
            await _write(tx, owner, audience_id, {"state": AudienceState.FAILED.value, "fault": fault.value})
            await tx.execute(_DROP_PAGES, {"audience": audience_id, "owner": owner})

    def _lines(self, owner: str, audience_id: UUID, pages: int, loop: asyncio.AbstractEventLoop) -> Iterator[Line]:
        """Read in a thread, which has the loop fetch one page after the other: memory holds one of them."""
        contacts = Contacts(None)
        for number in range(pages):
            fetched = asyncio.run_coroutine_threadsafe(self._page(owner, audience_id, number), loop).result()
            if fetched is None:
                continue
            before = fetched["first_line"] - 1
            blocks = JsonList(io.StringIO(fetched["content"]), {}, self._limits).blocks(contacts)
            for line in chain.from_iterable(blocks):
                yield line._replace(number=before + line.number)

    async def _page(self, owner: str, audience_id: UUID, number: int) -> RowMapping | None:
        query = select(_page.c.first_line, _page.c.content).where(
            _page.c.audience_id == audience_id, _page.c.owner == owner, _page.c.number == number
        )
        async with self._database.owner(owner) as tx:
            return (await tx.execute(query)).mappings().first()


async def _importing(tx: AsyncConnection, owner: str, audience_id: UUID, *, lock: bool = False) -> RowMapping:
    query = select(_audience).where(
        _audience.c.id == audience_id,
        _audience.c.owner == owner,
        _audience.c.state == AudienceState.IMPORTING.value,
    )
    row = (await tx.execute(query.with_for_update() if lock else query)).mappings().first()
    if row is None:
        raise NotFound("import")
    return row


async def _write(tx: AsyncConnection, owner: str, audience_id: UUID, changes: Mapping[str, object]) -> None:
    mine = (_audience.c.id == audience_id, _audience.c.owner == owner)
    await tx.execute(update(_audience).where(*mine).values(**changes))
