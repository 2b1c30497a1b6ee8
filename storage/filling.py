"""A list's people go into tables, and so do the lines that are not taken: into those of audiences, or into temporary
ones, to see what would become of the list.

COPY is refused under row-level security, so each block of lines goes through a temporary table of this transaction;
its people are stored from there while the next block is read. Lines that are not taken are set aside until the end: who
is the same person is found out on the way (`domain.people`), and a late line may show that two of those stored are one.
"""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import DropReason, Line
from domain.errors import Unavailable
from storage.intake import COLUMNS, Intake

# A million rows in one statement, on a busy server, are no runaway.
PATIENT = text("SET LOCAL statement_timeout = '5min'")

_INCOMING = (
    text("""
    CREATE TEMPORARY TABLE incoming (
        line integer NOT NULL, position integer, same_as integer, reason text, content text NOT NULL, username text,
        phone text, user_id bigint, first_name text, last_name text, fields jsonb, seen_by text
    ) ON COMMIT DROP
    """),
    text("CREATE TEMPORARY TABLE set_aside (LIKE pg_temp.incoming) ON COMMIT DROP"),
    text("SET LOCAL work_mem = '64MB'"),
    PATIENT,
)

_JOINED_AT_ONCE = 50_000
_DUPLICATE = DropReason.DUPLICATE.value
_COPY = f"COPY pg_temp.incoming ({COLUMNS}) FROM STDIN"

_STORED = "audience_id, position, owner, line, username, phone, user_id, first_name, last_name, fields, seen_by"

_BLOCK = (
    f"""
    INSERT INTO {{recipients}} ({_STORED})
    SELECT :audience, position, :owner, line, username, phone, user_id, first_name, last_name, fields, seen_by
    FROM pg_temp.incoming WHERE reason IS NULL
    """,
    "INSERT INTO pg_temp.set_aside SELECT * FROM pg_temp.incoming WHERE reason IS NOT NULL",
    "TRUNCATE pg_temp.incoming",
)

# People who turned out later to be somebody of an earlier line; and those who had been found to be the same as they.
_JOINED = (
    f"""
    WITH gone AS (
        DELETE FROM {{recipients}} it
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
    """,
    """
    UPDATE pg_temp.set_aside it SET same_as = joined.first, position = joined.first_position
    FROM unnest(CAST(:lines AS integer[]), CAST(:firsts AS integer[]), CAST(:first_positions AS integer[]))
         AS joined (line, first, first_position)
    WHERE it.same_as = joined.line
    """,
)

_ANALYZE = text("ANALYZE pg_temp.set_aside")


def _earliest(column: str, there: str) -> str:
    return f"(array_agg({column} ORDER BY line) FILTER (WHERE {there}))[1] AS {column}"


# What the first line lacks is taken from the others that name the person: an opt-out may know them by that alone.
# Taken out and put in again: the API has no right to change people.
_COMPLETED = f"""
    WITH more AS (
        SELECT position, {_earliest("username", "username IS NOT NULL")},
               {_earliest("phone", "phone IS NOT NULL")}, {_earliest("user_id", "user_id IS NOT NULL")},
               {_earliest("seen_by", "seen_by IS NOT NULL")},
               {_earliest("first_name", "first_name <> ''")}, {_earliest("last_name", "last_name <> ''")},
               jsonb_object_agg(key, value ORDER BY line DESC) FILTER (WHERE key IS NOT NULL) AS fields
        FROM pg_temp.set_aside LEFT JOIN LATERAL jsonb_each(fields) ON true WHERE same_as IS NOT NULL GROUP BY position
    ), gone AS (
        DELETE FROM {{recipients}} it USING more
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
    INSERT INTO {{recipients}} ({_STORED})
    SELECT :audience, position, :owner, line, username, phone, user_id, first_name, last_name, fields, seen_by FROM gone
"""

_DROPPED = """
    INSERT INTO {dropped} (audience_id, line, owner, content, reason, same_as)
    SELECT :audience, line, :owner, content, reason, same_as FROM pg_temp.set_aside
"""


class Tables:
    """Where people, and lines that are not taken, go: tables of the shape of audiences'."""

    def __init__(self, recipients: str, dropped: str) -> None:
        self.recipients, self.dropped = recipients, dropped
        self.block = tuple(map(self._into, _BLOCK))
        self.joined = tuple(map(self._into, _JOINED))
        self.end = tuple(map(self._into, (_COMPLETED, _DROPPED)))

    def _into(self, statement: str) -> TextClause:
        return text(statement.format(recipients=self.recipients, dropped=self.dropped))


AUDIENCES = Tables("audience_recipient", "audience_dropped")
# Named with their schema: a statement that was prepared for the audiences' must not be taken for theirs.
SEEN = Tables("pg_temp.seen_recipient", "pg_temp.seen_dropped")
"""Those of one transaction, which `SEE` makes."""
SEE = (
    text("CREATE TEMPORARY TABLE seen_recipient (LIKE audience_recipient INCLUDING INDEXES) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE seen_dropped (LIKE audience_dropped INCLUDING INDEXES) ON COMMIT DROP"),
)


async def take_in(
    tx: AsyncConnection, owner: str, audience_id: UUID, lines: Iterable[Line], max_rows: int, into: Tables = AUDIENCES
) -> Mapping[DropReason | None, int]:
    """Store the people of `lines`, and what is not taken; how many lines there were by reason (None: the people).

    `lines` is read in a thread. Raises `TooManyRows` and whatever `lines` raises.
    """
    for statement in _INCOMING:
        await tx.execute(statement)
    names = {"audience": audience_id, "owner": owner}
    with Intake(lines, max_rows) as intake:
        await _copy_all(tx, intake, into, names)
        await _join(tx, intake, into, names)
    await tx.execute(_ANALYZE)
    for statement in into.end:
        await tx.execute(statement, names)
    return intake.counts


async def _copy_all(tx: AsyncConnection, intake: Intake, into: Tables, names: Mapping[str, object]) -> None:
    """A block is stored while the next one is read."""
    driver = (await tx.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    reading = asyncio.create_task(asyncio.to_thread(intake.block))
    try:
        while block := await reading:
            reading = asyncio.create_task(asyncio.to_thread(intake.block))
            await _copy(driver, block)
            for statement in into.block:
                await tx.execute(statement, names)
    finally:  # a thread cannot be stopped, and the file that it reads is about to be closed
        await asyncio.wait([reading])


async def _join(tx: AsyncConnection, intake: Intake, into: Tables, names: Mapping[str, object]) -> None:
    joined = intake.joined()
    while some := await asyncio.to_thread(lambda: list(islice(joined, _JOINED_AT_ONCE))):
        lines, positions, firsts, first_positions, contents = (list(column) for column in zip(*some, strict=True))
        those: dict[str, object] = {"firsts": firsts, "first_positions": first_positions}
        await tx.execute(into.joined[0], {**names, **those, "positions": positions, "contents": contents})
        await tx.execute(into.joined[1], {**those, "lines": lines})


async def _copy(driver: psycopg.AsyncConnection[Any], block: bytes) -> None:
    try:
        async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            await copy.write(block)
    except psycopg.OperationalError as error:
        raise Unavailable("the database", type(error).__name__) from error
