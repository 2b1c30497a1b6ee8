"""docs/operations.md's commands, tried: a new cluster is made, a dump is taken, and restored where all was lost."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from alembic import command
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from devstack.database import ADMINISTRATOR, LOGIN_ROLES, ROLES_FILE
from devstack.postgres import Postgres
from devstack.postgres_files import binaries
from devstack.state import temporary_state
from domain.campaign import Command
from storage.migrations.__main__ import configuration
from tests.operations.tools import ROOT
from tests.storage.world import INVITED, make_world

DATABASES = ROOT / "deploy" / "postgres" / "databases.sql"
DOCUMENT = ROOT / "docs" / "operations.md"
PASSWORDS = {f"{role.upper()}_PASSWORD": f"of-{role}" for role in (*LOGIN_ROLES, "temporal")}


class Elsewhere:
    """A cluster that is new but for its superuser, as the postgres image makes it; `run` has a shell's place."""

    def __init__(self, server: Postgres, programs: Path, folder: Path) -> None:
        self.server = server
        self._programs = programs
        self._folder = folder

    def run(self, command: str, dsn: str) -> str:
        """A documented command, spoken to `dsn` as its environment says it."""
        at = urlsplit(dsn)
        where = {"PGHOST": at.hostname, "PGPORT": str(at.port), "PGUSER": ADMINISTRATOR, "PGPASSWORD": at.password}
        environment = os.environ | PASSWORDS | {name: value for name, value in where.items() if value}
        environment["PATH"] = f"{self._programs}:{environment['PATH']}"
        done = subprocess.run(
            command,
            shell=True,
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def made(self) -> None:
        """What the image's first start does with the two files that are mounted."""
        for file in (ROLES_FILE, DATABASES):
            self.run(f"psql -v ON_ERROR_STOP=1 -q -d postgres -f {file}", self.server.admin_dsn)

    def urls(self, database: str) -> Mapping[str, str]:
        """By role, with the passwords that the new cluster was given."""
        at = urlsplit(self.server.admin_dsn)
        return {
            role: f"postgresql+psycopg://{role}:{PASSWORDS[f'{role.upper()}_PASSWORD']}@{at.hostname}:{at.port}/{database}"
            for role in LOGIN_ROLES
        }


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with temporary_state() as state:
        server = Postgres(state.postgres_home, durable=False)
        server.start()
        try:
            server.drop_database("invite")
            yield Elsewhere(server, binaries(state.postgres_home), tmp_path)
        finally:
            server.stop()


def documented(name: str) -> str:
    """The command of that program in the document, without what brings it into a container."""
    [command] = re.findall(rf"^ +docker compose exec -T postgres ({name} .+)$", DOCUMENT.read_text(), re.MULTILINE)
    return str(command)


async def test_what_was_dumped_is_there_again_and_as_well_guarded(
    new_database: Callable[[], Mapping[str, str]], postgres: Postgres, elsewhere: Elsewhere
) -> None:
    urls = new_database()
    name = str(make_url(urls["invite_owner"]).database)
    async with make_world(urls, make_conninfo(postgres.admin_dsn, dbname=name)) as world:
        campaign = await world.campaign(5, fallback=True)
        await world.act(campaign, INVITED)
        await world.command(campaign, Command.PAUSE)
        await world.campaign(3, owner="boris", accounts=("b",))
        rows = await world.everything()
    elsewhere.run(documented("pg_dump").replace("-d invite", f"-d {name}"), postgres.admin_dsn)
    schema = elsewhere.run(f"pg_dump --schema-only --create -d {name}", postgres.admin_dsn)
    elsewhere.made()
    elsewhere.run(documented("pg_restore"), elsewhere.server.admin_dsn)
    found = elsewhere.run(f"pg_dump --schema-only --create -d {name}", elsewhere.server.admin_dsn)
    assert same(found) == same(schema), "rights and policies included"
    async with make_world(elsewhere.urls(name), make_conninfo(elsewhere.server.admin_dsn, dbname=name)) as restored:
        assert await restored.everything() == rows
        restored.now, restored.fences, restored.listed = world.now, world.fences, world.listed
        restored.numbers = world.numbers
        await restored.command(campaign, Command.RESUME)
        await restored.act(campaign, INVITED)
        await restored.campaign(2)  # a list is taken in: that needs a right on the database itself


def test_a_new_cluster_is_made_for_the_migration(elsewhere: Elsewhere) -> None:
    elsewhere.made()
    command.upgrade(configuration(elsewhere.urls("invite")["invite_owner"]), "head")
    with psycopg.connect(make_conninfo(elsewhere.server.admin_dsn, dbname="invite")) as superuser:
        row = superuser.execute("SELECT has_database_privilege('invite_api', 'invite', 'TEMPORARY')").fetchone()
    assert row == (True,)


def same(schema: str) -> str:
    """Without the lines that are made anew by each dump."""
    return "\n".join(line for line in schema.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))
