"""What all tests share: one PostgreSQL for the session, and the switch for the long ones."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count

import pytest
from alembic import command
from psycopg import connect, sql

from devstack.database import LOGIN_ROLES
from devstack.postgres import Postgres
from devstack.state import temporary_state
from storage.migrations.__main__ import configuration


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes long; runs only with --long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long: runs with --long"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server with its roles; not durable. Make databases of your own on it."""
    with temporary_state() as state:
        server = Postgres(state.postgres_home, durable=False)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """The name of a database with the newest schema, to be copied."""
    postgres.create_database("migrated")
    command.upgrade(configuration(postgres.url("invite_owner", "migrated")), "head")
    return "migrated"


@pytest.fixture(scope="session")
def new_database(postgres: Postgres, migrated_template: str) -> Callable[[], Mapping[str, str]]:
    """Makes a fresh database with the newest schema, and tells its URL by role."""
    numbers = count(1)

    def make() -> Mapping[str, str]:
        name = f"test_{next(numbers)}"
        postgres.create_database(name, migrated_template)
        # Rights on a database itself are not copied with it.
        with connect(postgres.url("invite_owner", name).replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO invite_api").format(sql.Identifier(name)))
        return {role: postgres.url(role, name) for role in LOGIN_ROLES}

    return make


@pytest.fixture
def database_urls(new_database: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """A fresh database for this test: its URL by role."""
    return new_database()
