"""What all tests share: a PostgreSQL for each process, Hypothesis' settings, their order, the switch for long ones."""

import gc
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice

import pytest
from alembic import command
from hypothesis import settings
from psycopg import connect, sql

from devstack.database import LOGIN_ROLES
from devstack.postgres import Postgres
from devstack.state import temporary_state
from storage.migrations.__main__ import configuration

WHOLE_STACKS = ("chaos", "e2e", "simulation")
"""Folders of tests that take ten seconds or more each, and mostly wait."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes long; runs only with --long")
    # A busy machine is no failure. The same examples in each run, lest a rare draw fails one that changed nothing;
    # --long draws others every time.
    settings.register_profile(
        "tests", deadline=None, database=None, derandomize=not config.getoption("--long"), max_examples=60
    )
    settings.load_profile("tests")


def pytest_collection_finish() -> None:
    # Else the collector goes over thousands of tests and all that they import time and again.
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = _dealt(items, getattr(config, "workerinput", {"workercount": 1})["workercount"])
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long: runs with --long"))


def _dealt(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """xdist gives each process as many of them, one part of the list: its share of the whole stacks comes first in it.

    Who waits for a stack leaves a core to the others, and nobody begins a long one when these have nothing left.
    """
    stacks = [item for item in items if item.path.parent.name in WHOLE_STACKS]
    others = iter([item for item in items if item.path.parent.name not in WHOLE_STACKS])
    dealt: list[pytest.Item] = []
    for process in range(processes):
        part = stacks[process::processes]
        size = (len(items) - len(dealt)) // (processes - process)
        dealt += [*part, *islice(others, max(size - len(part), 0))]
    return dealt


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
