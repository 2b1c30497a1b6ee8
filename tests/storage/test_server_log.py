"""What PostgreSQL itself writes into its log of what our processes do: nothing of people, whatever it is to log."""

from collections.abc import Mapping

import psycopg
import pytest

from devstack.database import LOGIN_ROLES
from devstack.postgres import Postgres

REFUSED = "DO $$ BEGIN RAISE EXCEPTION 'it violates something' USING DETAIL = current_setting('app.owner'); END $$"


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_neither_parameters_nor_what_an_error_is_about(
    postgres: Postgres, database_urls: Mapping[str, str], role: str
) -> None:
    dsn = database_urls[role].replace("+psycopg", "")
    database = dsn.rpartition("/")[2]
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database} SET log_min_duration_statement = 0")
    before = postgres.log.stat().st_size
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('app.owner', %s, false)", ["kanarek"])
        with pytest.raises(psycopg.Error, match="kanarek"):  # the client is told
            connection.execute(REFUSED)
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1 / (length(%s) - 7)", ["kanarek"])
    written = postgres.log.read_bytes()[before:]
    assert b"duration: " in written
    assert b"violates something" in written
    assert b"division by zero" in written
    assert b"kanarek" not in written
