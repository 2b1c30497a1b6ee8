"""A world of its own for each test: one database for all, emptied before each, seen through the service's roles.

To copy a database takes ten times as long as most tests take.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from devstack.postgres import Postgres
from tests.storage.world import World, make_world

# Rows go faster one by one, unless there are many; sequences begin anew. What the migrations wrote is no table's row.
_EMPTY = """
    DO $$
    DECLARE
        name regclass;
    BEGIN
        FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                                              AND relname <> 'alembic_version' LOOP
            IF pg_relation_size(name) > 256 * 1024 THEN
                EXECUTE format('TRUNCATE %s CASCADE', name);
            ELSE
                EXECUTE format('DELETE FROM %s', name);
            END IF;
        END LOOP;
        PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
    END
    $$
"""


@pytest.fixture(scope="session")
def one_database(new_database: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """The URLs by role of the database that these tests use one after the other."""
    return new_database()


@pytest.fixture(scope="session")
def admin_dsn(postgres: Postgres, one_database: Mapping[str, str]) -> str:
    """The superuser's way into it."""
    return make_conninfo(postgres.admin_dsn, dbname=make_url(one_database["invite_owner"]).database)


@pytest.fixture(scope="session")
def superuser(admin_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(admin_dsn, autocommit=True) as superuser:
        # Foreign keys ask for an order; a test that has left a transaction open is to be heard of.
        superuser.execute("SET session_replication_role = replica; SET lock_timeout = '20s'")
        yield superuser


@pytest.fixture
def database_urls(one_database: Mapping[str, str], superuser: psycopg.Connection) -> Mapping[str, str]:
    """An empty database for this test: its URL by role."""
    superuser.execute(_EMPTY)
    return one_database


@pytest.fixture
async def world(database_urls: Mapping[str, str], admin_dsn: str) -> AsyncIterator[World]:
    async with make_world(database_urls, admin_dsn) as world:
        yield world
