"""The migrated schema equals the tables of the code, to the last index."""

from collections.abc import Mapping
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlmodel import SQLModel

import storage.tables  # noqa: F401  its import fills the metadata
from devstack.postgres import Postgres

OWNER = "invite_owner"

ASPECTS = {
    "columns": """
        SELECT table_name, column_name, ordinal_position, format_type(atttypid, atttypmod), is_nullable, column_default
        FROM information_schema.columns
        JOIN pg_attribute ON attrelid = table_name::regclass AND attname = column_name
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "AND tablename <> 'alembic_version'",
    "constraints": "SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'",
    "options": "SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "AND relkind = 'r' AND relname <> 'alembic_version'",
}


def aspects(connection: Connection) -> dict[str, set[tuple[Any, ...]]]:
    found = {}
    for name, query in ASPECTS.items():
        rows = connection.execute(text(query)).all()
        found[name] = {tuple(str(value) for value in row) for row in rows}
    return found


def test_alembic_finds_no_difference(database_urls: Mapping[str, str]) -> None:
    engine = create_engine(database_urls[OWNER])
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_types_keys_indexes_and_options_are_what_the_tables_say(
    postgres: Postgres, database_urls: Mapping[str, str]
) -> None:
    postgres.create_database("from_metadata")
    made = create_engine(postgres.url(OWNER, "from_metadata"))
    migrated = create_engine(database_urls[OWNER])
    try:
        SQLModel.metadata.create_all(made)
        with made.connect() as one, migrated.connect() as other:
            expected, found = aspects(one), aspects(other)
        assert all(expected.values())
        for name in ASPECTS:
            assert found[name] == expected[name]
    finally:
        made.dispose()
        migrated.dispose()
        postgres.drop_database("from_metadata")
