"""Audiences: cleaned lists of people, stored whole or not at all.

COPY is refused under row-level security, so each block of lines goes through a temporary table of this transaction;
its people are stored from there while the next block is read. Lines that are not taken are set aside until the end: who
is the same person is found out on the way (`domain.people`), and a late line may show that two of those stored are one.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import AudienceState, DroppedLine, DropReason, ImportFault, Line
from domain.audit import Act
from domain.errors import NotFound, Unavailable
from domain.preview import Preview, look_through
from storage.audit import record
from storage.engine import Database
from storage.intake import COLUMNS, Intake
from storage.tables import Audience

_audience = Audience.__table__  # type: ignore[attr-defined]

# A million rows in one statement, on a busy server, are no runaway.
_PATIENT = text("SET LOCAL statement_timeout = '5min'")

_INCOMING = (
    text("""
    CREATE TEMPORARY TABLE incoming (
        line integer NOT NULL, position integer, same_as integer, reason text, content text NOT NULL, username text,
        phone text, user_id bigint, first_name text, last_name text, fields jsonb, seen_by text
    ) ON COMMIT DROP
    """),
    text("CREATE TEMPORARY TABLE set_aside (LIKE pg_temp.incoming) ON COMMIT DROP"),
    text("SET LOCAL work_mem = '64MB'"),
    _PATIENT,
)

_JOINED_AT_ONCE = 50_000
_DUPLICATE = DropReason.DUPLICATE.value
_COPY = f"COPY pg_temp.incoming ({COLUMNS}) FROM STDIN"

_STORED = "audience_id, position, owner, line, username, phone, user_id, first_name, last_name, fields, seen_by"

_BLOCK = (
    text(f"""
    INSERT INTO audience_recipient ({_STORED})
    SELECT :audience, position, :owner, line, username, phone, user_id, first_name, last_name, fields, seen_by
    FROM pg_temp.incoming WHERE reason IS NULL
    """),
    text("INSERT INTO pg_temp.set_aside SELECT * FROM pg_temp.incoming WHERE reason IS NOT NULL"),
    text("TRUNCATE pg_temp.incoming"),
)

# People who turned out later to be somebody of an earlier line; and those who had been found to be the same as they.
_JOINED = (
    text(f"""
    WITH gone AS (
        DELETE FROM audience_recipient it
        USING unnest(CAST(:positions AS integer[]), CAST(:firsts AS integer[]), CAST(:first_positions AS integer[]),
                     CAST(:contents AS text[])) AS joined (position, first, first_position, content)
        WHERE it.audience_id = :audience AND it.owner = :owner AND it.position = joined.position
        RETURNING it.line, joined.first_position, joined.first, joined.content, it.username, it.phone, it.user_id,
                  it.first_name, it.last_name, it.fields, it.seen_by
    )
    INSERT INTO pg_temp.set_aside ({COLUMNS})
    SELECT line, first_position, first, '{_DUPLICATE}', content, username, phone, user_id, first_name, last_name,
           fields, seen_by
    FROM gone
    """),
    text("""
    UPDATE pg_temp.set_aside it SET same_as = joined.first, position = joined.first_position
    FROM unnest(CAST(:lines AS integer[]), CAST(:firsts AS integer[]), CAST(:first_positions AS integer[]))
         AS joined (line, first, first_position)
    WHERE it.same_as = joined.line
    """),
)

_ANALYZE = text("ANALYZE pg_temp.set_aside")


def _earliest(column: str, there: str) -> str:
    return f"(array_agg({column} ORDER BY line) FILTER (WHERE {there}))[1] AS {column}"


# What the first line lacks is taken from the others that name the person: an opt-out may know them by that alone.
# Taken out and put in again: the API has no right to change people.
_COMPLETED = text(f"""
    WITH more AS (
        SELECT position, {_earliest("username", "username IS NOT NULL")},
               {_earliest("phone", "phone IS NOT NULL")}, {_earliest("user_id", "user_id IS NOT NULL")},
               {_earliest("seen_by", "seen_by IS NOT NULL")},
               {_earliest("first_name", "first_name <> ''")}, {_earliest("last_name", "last_name <> ''")},
               jsonb_object_agg(key, value ORDER BY line DESC) FILTER (WHERE key IS NOT NULL) AS fields
        FROM pg_temp.set_aside LEFT JOIN LATERAL jsonb_each(fields) ON true WHERE same_as IS NOT NULL GROUP BY position
    ), gone AS (
        DELETE FROM audience_recipient it USING more
        WHERE it.audience_id = :audience AND it.owner = :owner AND it.position = more.position
          AND (it.username IS NULL AND more.username IS NOT NULL OR it.phone IS NULL AND more.phone IS NOT NULL
               OR it.user_id IS NULL AND more.user_id IS NOT NULL OR it.first_name = '' AND more.first_name IS NOT NULL
               OR it.last_name = '' AND more.last_name IS NOT NULL OR NOT it.fields @> (more.fields || it.fields)
               OR it.seen_by IS NULL AND more.seen_by IS NOT NULL)
        RETURNING it.position, it.line, coalesce(it.username, more.username) AS username,
                  coalesce(it.phone, more.phone) AS phone, coalesce(it.user_id, more.user_id) AS user_id,
                  coalesce(nullif(it.first_name, ''), more.first_name, '') AS first_name,
                  coalesce(nullif(it.last_name, ''), more.last_name, '') AS last_name,
                  coalesce(more.fields || it.fields, it.fields) AS fields,
                  coalesce(it.seen_by, more.seen_by) AS seen_by
    )
    INSERT INTO audience_recipient ({_STORED})
    SELECT :audience, position, :owner, line, username, phone, user_id, first_name, last_name, fields, seen_by FROM gone
""")

_DROPPED = text("""
    INSERT INTO audience_dropped (audience_id, line, owner, content, reason, same_as)
    SELECT :audience, line, :owner, content, reason, same_as FROM pg_temp.set_aside
""")

_DELETE = tuple(
    text(f"DELETE FROM {table} WHERE {key} = :audience AND owner = :owner")
    for table, key in (
        ("audience_recipient", "audience_id"),
        ("audience_dropped", "audience_id"),
        ("audience_page", "audience_id"),
        ("audience", "id"),
    )
)

_CAMPAIGNS = text("SELECT id FROM campaign WHERE audience_id = :audience AND owner = :owner ORDER BY created_at")

_REASONS = text("""
    SELECT audience_id, reason, count(*) AS n FROM audience_dropped
    WHERE audience_id = ANY(:audiences) AND owner = :owner GROUP BY audience_id, reason
""")

_DROPPED_PAGE = text("""
    SELECT line, content, reason, same_as FROM audience_dropped
    WHERE audience_id = :audience AND owner = :owner AND line > :after ORDER BY line LIMIT :limit
""")


@dataclass(frozen=True)
class StoredAudience:
    """An audience in numbers: `rows_read` = `stored` + `dropped`, and `reasons` add up to `dropped`.

    While it is imported only `rows_read` grows, to `total` where the source has told it. `fault`: why that failed.
    """

    id: UUID
    name: str
    rows_read: int
    stored: int
    dropped: int
    reasons: Mapping[DropReason, int]
    created_at: datetime
    state: AudienceState = AudienceState.READY
    total: int | None = None
    fault: ImportFault | None = None


class Audiences:
    """The store of audiences."""

    def __init__(self, database: Database, at_once: int = 3) -> None:
        """`at_once`: so many are stored at a time; each holds a connection for as long as its file is read."""
        self._database = database
        self._turn = asyncio.Semaphore(at_once)

    async def store(
        self,
        owner: str,
        name: str,
        lines: Iterable[Line],
        now: datetime,
        max_rows: int,
        act: Act | None = None,
    ) -> StoredAudience:
        """Store the people of `lines`, which is read in a thread. Raises `TooManyRows` and whatever `lines` raises."""
        async with self._turn, self._database.owner(owner) as tx:
            audience_id = uuid4()
            counts = await take_in(tx, owner, audience_id, lines, max_rows)
            audience = _counted(audience_id, name, counts, now)
            await tx.execute(insert(_audience).values(owner=owner, **_row(audience)))
            await record(tx, owner, act, audience_id, stored=audience.stored, dropped=audience.dropped)
            return audience

    async def preview(self, lines: Iterable[Line]) -> Preview:
        """What would become of `lines`, which is read in a thread. Raises whatever it raises."""
        async with self._turn:
            return await asyncio.to_thread(look_through, lines)

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
        async with self._database.owner(owner) as tx:
            await _must_exist(tx, owner, audience_id)
            names = {"audience": audience_id, "owner": owner, "after": after, "limit": limit}
            rows = (await tx.execute(_DROPPED_PAGE, names)).mappings()
            return [DroppedLine(row["line"], row["content"], DropReason(row["reason"]), row["same_as"]) for row in rows]

    async def delete(self, owner: str, audience_id: UUID, act: Act | None = None) -> Sequence[UUID]:
        """Forget an audience: its people and what was not taken. Raises `NotFound`.

        Answers the campaigns that were made of it. They have copies of its people, and go on.
        """
        async with self._database.owner(owner) as tx:
            # Waits for a campaign that is being made of it, and keeps the next one off.
            await _must_exist(tx, owner, audience_id, lock=True)
            await tx.execute(_PATIENT)
            names = {"audience": audience_id, "owner": owner}
            for statement in _DELETE:
                await tx.execute(statement, names)
            campaigns = (await tx.execute(_CAMPAIGNS, names)).scalars().all()
            await record(tx, owner, act, audience_id, campaigns=len(campaigns))
            return campaigns


async def take_in(
    tx: AsyncConnection, owner: str, audience_id: UUID, lines: Iterable[Line], max_rows: int
) -> Mapping[DropReason | None, int]:
    """Store the people of `lines`, and what is not taken; how many lines there were by reason (None: the people).

    `lines` is read in a thread. Raises `TooManyRows` and whatever `lines` raises.
    """
    for statement in _INCOMING:
        await tx.execute(statement)
    names = {"audience": audience_id, "owner": owner}
    with Intake(lines, max_rows) as intake:
        await _copy_all(tx, intake, names)
        await _join(tx, intake, names)
    await tx.execute(_ANALYZE)
    for statement in (_COMPLETED, _DROPPED):
        await tx.execute(statement, names)
    return intake.counts


async def _must_exist(tx: AsyncConnection, owner: str, audience_id: UUID, *, lock: bool = False) -> None:
    query = select(_audience.c.id).where(_audience.c.id == audience_id, _audience.c.owner == owner)
    if await tx.scalar(query.with_for_update() if lock else query) is None:
        raise NotFound("audience")


async def _copy_all(tx: AsyncConnection, intake: Intake, names: Mapping[str, object]) -> None:
    """A block is stored while the next one is read."""
    driver = (await tx.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    reading = asyncio.create_task(asyncio.to_thread(intake.block))
    try:
        while block := await reading:
            reading = asyncio.create_task(asyncio.to_thread(intake.block))
            await _copy(driver, block)
            for statement in _BLOCK:
                await tx.execute(statement, names)
    finally:  # a thread cannot be stopped, and the file that it reads is about to be closed
        await asyncio.wait([reading])


async def _join(tx: AsyncConnection, intake: Intake, names: Mapping[str, object]) -> None:
    joined = intake.joined()
    while some := await asyncio.to_thread(lambda: list(islice(joined, _JOINED_AT_ONCE))):
        lines, positions, firsts, first_positions, contents = (list(column) for column in zip(*some, strict=True))
        those: dict[str, object] = {"firsts": firsts, "first_positions": first_positions}
        await tx.execute(_JOINED[0], {**names, **those, "positions": positions, "contents": contents})
        await tx.execute(_JOINED[1], {**those, "lines": lines})


async def _copy(driver: psycopg.AsyncConnection[Any], block: bytes) -> None:
    try:
        async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            await copy.write(block)
    except psycopg.OperationalError as error:
        raise Unavailable("the database", type(error).__name__) from error


def _counted(audience_id: UUID, name: str, counts: Mapping[DropReason | None, int], now: datetime) -> StoredAudience:
    reasons = {reason: n for reason, n in counts.items() if reason is not None and n}
    stored, dropped = counts.get(None, 0), sum(reasons.values())
    return StoredAudience(audience_id, name, stored + dropped, stored, dropped, reasons, now)


def _row(audience: StoredAudience) -> dict[str, object]:
    return {
        "id": audience.id,
        "name": audience.name,
        "rows_read": audience.rows_read,
        "stored": audience.stored,
        "dropped": audience.dropped,
        "created_at": audience.created_at,
        "state": audience.state.value,
        "pages": 0,
        "fetched": True,
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
            state=AudienceState(row["state"]),
            total=row["total"],
            fault=None if row["fault"] is None else ImportFault(row["fault"]),
        )
        for row in rows
    ]
