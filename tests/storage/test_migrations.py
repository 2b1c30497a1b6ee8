"""What is in a database of before goes on meaning what it meant."""

from collections.abc import Mapping

import psycopg
from alembic import command
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.conninfo import make_conninfo

from devstack.postgres import Postgres
from domain.rendering import render
from domain.template import parse
from storage.migrations.__main__ import configuration

EMPTY: Mapping[str, object] = {
    "text": "",
    "integer": 1,
    "smallint": 1,
    "jsonb": "{}",
    "boolean": False,
    "uuid": "5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41",
    "timestamp with time zone": "2026-03-01T09:00:00Z",
    "ARRAY": [],
}


def insert(connection: "psycopg.Connection[tuple[object, ...]]", table: str, **values: object) -> None:
    """A row with these values, and nothing to speak of in the other columns."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO' "
        "AND column_default IS NULL",
        [table],
    ).fetchall()
    row = {str(name): EMPTY[str(kind)] for name, kind in columns} | values
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(map(sql.Placeholder, row))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, places)
    connection.execute(statement, row)


def test_texts_of_before_templates_say_what_they_said(postgres: Postgres) -> None:
    texts = ["a {b|c} {{d}}", r"c:\dir | e", "plain", "50% off"]
    postgres.create_database("of_before")
    alembic = configuration(postgres.url("invite_owner", "of_before"))
    before = ScriptDirectory.from_config(alembic).get_revision("0003").down_revision
    assert isinstance(before, str)
    command.upgrade(alembic, before)
    try:
        with psycopg.connect(make_conninfo(postgres.admin_dsn, dbname="of_before"), autocommit=True) as superuser:
            insert(superuser, "campaign", owner="anna", texts=texts, revision=3)
            command.upgrade(alembic, "0003")
            rows = superuser.execute(
                "SELECT c.texts, m.texts, m.revision, m.owner, c.message_budget, c.test FROM campaign c "
                "JOIN campaign_message m ON m.campaign_id = c.id"
            ).fetchall()
            [guarded] = superuser.execute(
                "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'campaign'"
            ).fetchall()
        [(now, kept, revision, owner, budget, test)] = rows
        assert [render(parse(text), {}, 7) for text in now] == texts
        assert (kept, revision, owner, budget, test) == (now, 3, "anna", "message_with_link", False)
        assert guarded == (True,)
    finally:
        postgres.drop_database("of_before")
