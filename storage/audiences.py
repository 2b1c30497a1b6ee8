"""Audiences: cleaned lists of people, stored whole or not at all.

COPY is refused under row-level security, so lines go into a temporary table of this transaction first; duplicates are
found there, over all lines and all identifiers, and what remains is moved in two statements.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import Contact, DroppedLine, DropReason, Line, TooManyRows
from domain.errors import NotFound, Unavailable
from storage.engine import Database
from storage.tables import Audience

_CHUNK = 10_000
"""Lines per COPY: so much is held in memory, and no statement lasts long, however slowly the file is read."""

_audience = Audience.__table__  # type: ignore[attr-defined]

_INCOMING = (
    text("""
    CREATE TEMPORARY TABLE incoming (
        line integer NOT NULL, content text NOT NULL, reason text, username text, phone text, user_id bigint,
        first_name text NOT NULL, last_name text NOT NULL, fields jsonb NOT NULL
    ) ON COMMIT DROP
    """),
    text("SET LOCAL work_mem = '64MB'"),
    # A million rows in one statement, on a busy server, are no runaway.
    text("SET LOCAL statement_timeout = '5min'"),
)

_COPY = "COPY pg_temp.incoming FROM STDIN"

# Whoever was named by an earlier line is dropped, be that line one that was dropped for the same reason: a person
# given under a name, then under that name and a phone, then under the phone alone, is one person.
_DUPLICATES = [
    text(f"""
    UPDATE pg_temp.incoming SET reason = '{DropReason.DUPLICATE.value}'
    FROM (SELECT {name} AS value, min(line) AS first FROM pg_temp.incoming WHERE {name} IS NOT NULL
          GROUP BY {name} HAVING count(*) > 1) again
    WHERE incoming.{name} = again.value AND incoming.line > again.first
    """)
    for name in ("username", "phone", "user_id")
]

_COUNTS = text("SELECT coalesce(reason, '') AS reason, count(*) AS n FROM pg_temp.incoming GROUP BY 1")

_PEOPLE = text("""
    INSERT INTO audience_recipient (audience_id, position, owner, line, username, phone, user_id, first_name,
                                    last_name, fields)
    SELECT :audience, row_number() OVER (ORDER BY line) - 1, :owner, line, username, phone, user_id, first_name,
           last_name, fields
    FROM pg_temp.incoming WHERE reason IS NULL
""")

_DROPPED = text("""
    INSERT INTO audience_dropped (audience_id, line, owner, content, reason)
    SELECT :audience, line, :owner, content, reason FROM pg_temp.incoming WHERE reason IS NOT NULL
""")

_REASONS = text("""
    SELECT audience_id, reason, count(*) AS n FROM audience_dropped
    WHERE audience_id = ANY(:audiences) AND owner = :owner GROUP BY audience_id, reason
""")

_DROPPED_PAGE = text("""
    SELECT line, content, reason FROM audience_dropped
    WHERE audience_id = :audience AND owner = :owner AND line > :after ORDER BY line LIMIT :limit
""")


@dataclass(frozen=True)
class StoredAudience:
    """An audience in numbers: `rows_read` = `stored` + `dropped`, and `reasons` add up to `dropped`."""

    id: UUID
    name: str
    rows_read: int
    stored: int
    dropped: int
    reasons: Mapping[DropReason, int]
    created_at: datetime


class Audiences:
    """The store of audiences."""

    def __init__(self, database: Database, at_once: int = 3) -> None:
        """`at_once`: so many are stored at a time; each holds a connection for as long as its file is read."""
        self._database = database
        self._turn = asyncio.Semaphore(at_once)

    async def store(self, owner: str, name: str, lines: Iterable[Line], now: datetime, max_rows: int) -> StoredAudience:
        """Store the people of `lines`, which is read in a thread. Raises `TooManyRows` and whatever `lines` raises."""
        async with self._turn, self._database.owner(owner) as tx:
            for statement in _INCOMING:
                await tx.execute(statement)
            await _copy_all(tx, lines, max_rows)
            for statement in _DUPLICATES:
                await tx.execute(statement)
            counts = {row.reason: row.n for row in await tx.execute(_COUNTS)}
            audience = _counted(name, counts, now)
            await tx.execute(insert(_audience).values(owner=owner, **_row(audience)))
            for statement in (_PEOPLE, _DROPPED):
                await tx.execute(statement, {"audience": audience.id, "owner": owner})
            return audience

    async def get(self, owner: str, audience_id: UUID) -> StoredAudience:
        """One audience. Raises `NotFound`."""
        query = select(_audience).where(_audience.c.id == audience_id, _audience.c.owner == owner)
        async with self._database.owner(owner) as tx:
            rows = (await tx.execute(query)).mappings().all()
            if not rows:
                raise NotFound("audience")
            return (await _with_reasons(tx, owner, rows))[0]

    async def list(self, owner: str, limit: int, before: datetime | None = None) -> Sequence[StoredAudience]:
        """The owner's audiences, newest first; `before`: those made earlier than that."""
        query = select(_audience).where(_audience.c.owner == owner)
        if before is not None:
            query = query.where(_audience.c.created_at < before)
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(query.order_by(_audience.c.created_at.desc()).limit(limit))
            return await _with_reasons(tx, owner, rows.mappings().all())

    async def dropped(self, owner: str, audience_id: UUID, after: int, limit: int) -> Sequence[DroppedLine]:
        """The lines behind `after` that were not taken. Raises `NotFound`."""
        exists = select(_audience.c.id).where(_audience.c.id == audience_id, _audience.c.owner == owner)
        async with self._database.owner(owner) as tx:
            if await tx.scalar(exists) is None:
                raise NotFound("audience")
            names = {"audience": audience_id, "owner": owner, "after": after, "limit": limit}
            rows = (await tx.execute(_DROPPED_PAGE, names)).mappings()
            return [DroppedLine(row["line"], row["content"], DropReason(row["reason"])) for row in rows]


async def _copy_all(tx: AsyncConnection, lines: Iterable[Line], max_rows: int) -> None:
    driver = (await tx.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    read, source = 0, iter(lines)
    while True:
        block, count = await asyncio.to_thread(_block, source)
        if not count:
            return
        read += count
        if read > max_rows:
            raise TooManyRows(max_rows)
        await _copy(driver, block)


async def _copy(driver: psycopg.AsyncConnection[Any], block: bytes) -> None:
    try:
        async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            await copy.write(block)
    except psycopg.OperationalError as error:
        raise Unavailable("the database", type(error).__name__) from error


def _block(lines: Iterator[Line]) -> tuple[bytes, int]:
    """The next lines in COPY's text format, and how many they are."""
    chunk = list(islice(lines, _CHUNK))
    return "".join(map(_copied, chunk)).encode(), len(chunk)


_EMPTY = Contact()
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _copied(line: Line) -> str:
    dropped = isinstance(line.found, DropReason)
    person = line.found if isinstance(line.found, Contact) else _EMPTY
    values = (
        str(line.number),
        line.content.translate(_ESCAPES),
        str(line.found) if dropped else r"\N",
        person.username or r"\N",
        person.phone or r"\N",
        r"\N" if person.user_id is None else str(person.user_id),
        person.first_name.translate(_ESCAPES),
        person.last_name.translate(_ESCAPES),
        json.dumps(person.fields, ensure_ascii=False).translate(_ESCAPES) if person.fields else "{}",
    )
    return "\t".join(values) + "\n"


def _counted(name: str, counts: Mapping[str, int], now: datetime) -> StoredAudience:
    reasons = {DropReason(reason): n for reason, n in counts.items() if reason}
    stored, dropped = counts.get("", 0), sum(reasons.values())
    return StoredAudience(uuid4(), name, stored + dropped, stored, dropped, reasons, now)


def _row(audience: StoredAudience) -> dict[str, object]:
    return {
        "id": audience.id,
        "name": audience.name,
        "rows_read": audience.rows_read,
        "stored": audience.stored,
        "dropped": audience.dropped,
        "created_at": audience.created_at,
    }


async def _with_reasons(tx: AsyncConnection, owner: str, rows: Sequence[RowMapping]) -> Sequence[StoredAudience]:
    reasons: dict[UUID, dict[DropReason, int]] = {}
    names = {"audiences": [row["id"] for row in rows], "owner": owner}
    for audience_id, reason, n in await tx.execute(_REASONS, names):
        reasons.setdefault(audience_id, {})[DropReason(reason)] = n
    return [
        StoredAudience(
            id=row["id"],
            name=row["name"],
            rows_read=row["rows_read"],
            stored=row["stored"],
            dropped=row["dropped"],
            reasons=reasons.get(row["id"], {}),
            created_at=row["created_at"],
        )
        for row in rows
    ]
