"""Connections to PostgreSQL: every transaction names its owner, and every wait for the database has an end."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import TextClause, exc, text
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from domain.errors import DatabaseAway

_SESSION = " ".join(
    f"-c {setting}"
    for setting in (
        "statement_timeout=60s",
        "lock_timeout=10s",
        "idle_in_transaction_session_timeout=30s",
        # A generic plan, made while a table was small or unknown, would join by nested loops for ever.
        "plan_cache_mode=force_custom_plan",
        "timezone=UTC",
    )
)
_CONNECT = {
    "connect_timeout": 5,
    "options": _SESSION,
    "application_name": "invite-service",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]
_OWNER = text("SELECT set_config('app.owner', :owner, true)")
_FROZEN = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
# Planning is half of what the server does for a turn. Where every row is found by its key one plan fits all: made once
# per connection, and by indexes whatever size the tables had then.
_OWNER_BY_KEYS = text("""
    SELECT set_config('app.owner', :owner, true), set_config('plan_cache_mode', 'force_generic_plan', true),
           set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true)
""")

Row = Mapping[str, Any]
"""By column name."""


@dataclass(frozen=True)
class Ask:
    """A statement with its parameters, to be run with others."""

    statement: TextClause
    names: Mapping[str, object]


async def together(tx: AsyncConnection, *asked: Ask) -> list[Sequence[Row]]:
    """Run statements in this order and in one round trip; the rows of each.

    The server runs one after the other: a statement behind one that waits for a lock sees what was committed by then.
    Nothing runs after one that fails.
    """
    connection = (await tx.get_raw_connection()).driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    cursors = [connection.cursor(row_factory=dict_row) for _ in asked]
    async with connection.pipeline():
        for cursor, each in zip(cursors, asked, strict=True):
            await cursor.execute(_compiled(each.statement), each.names)
    return [await cursor.fetchall() if cursor.description else () for cursor in cursors]


@cache
def _compiled(statement: TextClause) -> bytes:
    return str(statement.compile(dialect=_DIALECT)).encode()


class Database:
    """A pool of connections under one role. Raises `DatabaseAway` when the server cannot be reached."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args=_CONNECT,
            hide_parameters=True,  # an error's text must not hold people's data (SEC-5)
        )

    @asynccontextmanager
    async def owner(self, owner: str, *, by_keys: bool = False, frozen: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees and changes this owner's rows only.

        `by_keys`: it finds every row by its key. `frozen`: it only reads, and all its statements see one moment.
        """
        if not owner:
            raise ValueError("a transaction needs an owner")
        async with self._transaction() as connection:
            named = Ask(_OWNER_BY_KEYS if by_keys else _OWNER, {"owner": owner})
            await together(connection, *([Ask(_FROZEN, {})] if frozen else []), named)
            yield connection

    @asynccontextmanager
    async def housekeeping(self) -> AsyncIterator[AsyncConnection]:
        """One transaction without an owner: it sees no rows, and may call housekeeping's functions."""
        async with self._transaction() as connection:
            yield connection

    async def ping(self) -> None:
        """Ask whether it is there. Raises `Unavailable`."""
        async with self._transaction() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
            raise DatabaseAway(type(error).__name__) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseAway(type(error).__name__) from error
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseAway("the connection was lost") from error
            raise
