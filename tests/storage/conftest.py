"""A world of its own for each test: a fresh database, seen through the service's roles."""

from collections.abc import AsyncIterator, Mapping

import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from devstack.postgres import Postgres
from tests.storage.world import World, make_world


@pytest.fixture
def admin_dsn(postgres: Postgres, database_urls: Mapping[str, str]) -> str:
    """The superuser's way into this test's database."""
    return make_conninfo(postgres.admin_dsn, dbname=make_url(database_urls["invite_owner"]).database)


@pytest.fixture
async def world(database_urls: Mapping[str, str], admin_dsn: str) -> AsyncIterator[World]:
    async with make_world(database_urls, admin_dsn) as world:
        yield world
