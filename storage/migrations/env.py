"""Alembic's environment. Run by `python -m storage.migrations` or `./run migrate`."""

from alembic import context
from sqlalchemy import create_engine, pool, text
from sqlmodel import SQLModel

import storage.tables  # noqa: F401  its import fills the metadata

_LOCK = 0x1A71_5E
"""Advisory lock: two migrations at the same time wait for each other."""


def migrate() -> None:
    """Bring the database to the newest revision, in one transaction."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.configure(connection=connection, target_metadata=SQLModel.metadata)
        context.run_migrations()


migrate()
