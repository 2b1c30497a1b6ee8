"""`python -m storage.migrations`: bring the database of INVITE_DATABASE_URL (role invite_owner) up to date."""

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError


def configuration(url: str) -> Config:
    """Alembic's settings for a database URL."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def main() -> int:
    """Exit status 0 when the schema is at its newest revision."""
    url = os.environ.get("INVITE_DATABASE_URL")
    if not url:
        print("migrate: set INVITE_DATABASE_URL to the database, as role invite_owner", file=sys.stderr)
        return 2
    try:
        make_url(url)
    except (ArgumentError, ValueError):  # whose text may have a part of the password
        print("migrate: INVITE_DATABASE_URL is no address of a database", file=sys.stderr)
        return 2
    try:
        command.upgrade(configuration(url), "head")
    except SQLAlchemyError as error:
        print(f"migrate: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    print("migrate: the schema is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
