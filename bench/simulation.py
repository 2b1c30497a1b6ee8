"""Three simulated weeks: five campaigns of three owners over forty accounts, with floods, bans, pauses and edits.

`./run bench simulation [--recipients 20000] [--picture docs/simulation.svg]`: the real workflows, activities and
stores, with time skipped. Checks the invariants over the journal of what was done, compares a campaign that nothing
befell with its plan, and draws the picture. Fails if anything is wrong.
"""

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from alembic import command
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL

from bench._picture import Picture
from devstack.postgres import Postgres
from devstack.state import temporary_state
from domain.outcome import Kind
from runtime import telemetry
from storage.migrations.__main__ import configuration
from tests.simulation.course import POLL, QUIET, Course, Plan, play
from tests.simulation.invariants import CLOSE, took_and_planned, violations
from tests.simulation.platform import Done
from tests.simulation.town import Town, town

CHECKOUT = Path(__file__).parents[1]
DATABASE = "simulation"
FLOOR = timedelta(seconds=10)
_SHOWN = 20
_HANDLED = frozenset({Kind.INVITED, Kind.MESSAGED})
_RESTS = {Kind.RATE_LIMITED: "FloodWait", Kind.LIMITED: "limited for spam", Kind.BLOCKED: "banned"}


def main(argv: Sequence[str]) -> int:
    """0: everything held."""
    parser = argparse.ArgumentParser(prog="./run bench simulation", description=__doc__.split("\n\n")[1])
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--picture", type=Path, help="draw it into this SVG file")
    options = parser.parse_args(argv)
    telemetry.configure("WARNING")
    with temporary_state() as state:
        server = Postgres(state.postgres_home, durable=False)
        server.start()
        try:
            return asyncio.run(_simulate(server, Plan(options.recipients), options.picture))
        finally:
            server.stop()


def _prepare(server: Postgres) -> None:
    server.create_database(DATABASE)
    owner = server.url("invite_owner", DATABASE)
    command.upgrade(configuration(owner), "head")
    with psycopg.connect(owner.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(SQL("GRANT TEMPORARY ON DATABASE simulation TO invite_api"))


async def _simulate(server: Postgres, plan: Plan, picture: Path | None) -> int:
    _prepare(server)
    with TemporaryDirectory() as folder:
        limits_file = Path(folder) / "limits.toml"
        limits_file.write_text(plan.limits)
        admin = make_conninfo(server.admin_dsn, dbname=DATABASE)
        worker, api = (server.url(role, DATABASE) for role in ("invite_worker", "invite_api"))
        async with town(worker, api, admin, limits_file, POLL) as played:
            began = time.monotonic()

            async def look() -> None:
                await show(played, time.monotonic() - began)

            course = await play(played, plan, look)
            return told(plan, played, course, time.monotonic() - began, picture)


async def show(played: Town, seconds: float) -> None:
    """Print a line of progress: it takes a while. `seconds`: so long already."""
    now = await played.now()
    parts = []
    for label, made in played.campaigns.items():
        found = await played.reports.snapshot(made.owner, made.id, now)
        parts.append(f"{label} {found.numbers.processed}/{found.numbers.total} {found.state}")
    print(f"{seconds:7.1f} s  {now:%d %b %H:%M}  " + "  ".join(parts), flush=True)


def told(plan: Plan, played: Town, course: Course, seconds: float, picture: Path | None) -> int:
    """Print what was done and what is wrong with it, and draw it; the exit status. `seconds`: so long it took here."""
    journal = played.platform.journal
    _report(plan, journal, course, seconds, played.activities)
    if picture is not None:
        _picture(journal, course).write(picture, f"{plan.recipients} people, {len(journal)} actions")
    wrong = violations(journal, course, plan.daily, FLOOR)
    for line in wrong[:_SHOWN]:
        print(f"WRONG: {line}")
    print(f"{len(wrong)} of all actions broke a rule")
    took, planned = took_and_planned(journal, course)
    print(f"{QUIET}, which nothing befell, took {took} and was planned to take {planned}: {planned / took - 1:+.1%}")
    return 1 if wrong or abs(took - planned) > CLOSE * took else 0


def _report(plan: Plan, journal: Sequence[Done], course: Course, seconds: float, activities: Mapping[str, int]) -> None:
    assert course.began is not None
    days = (journal[-1].at - course.began) / timedelta(days=1)
    print(f"\n{plan.recipients} recipients, {len(journal)} actions by 42 accounts in {days:.1f} days", end=" ")
    print(f"({seconds:.0f} s here: {days * 86400 / seconds:.0f} times as fast)")
    total = sum(activities.values())
    print(f"{total} activities, {total / len(journal):.1f} an action: ", end="")
    print(", ".join(f"{name} {n}" for name, n in sorted(activities.items(), key=lambda each: -each[1])))


def _picture(journal: Sequence[Done], course: Course) -> Picture:
    assert course.began is not None
    dots: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    rests: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    progress: dict[str, list[tuple[datetime, int]]] = {
        label: [(hours[0][0], 0)] for label, hours in course.hours.items()
    }
    for done in journal:
        if done.kind in _RESTS:
            later = next(
                (each.at for each in journal if each.account_id == done.account_id and each.at > done.at), None
            )
            rests[done.account_id].append((done.at, later or journal[-1].at, _RESTS[done.kind]))
        dots[done.account_id].append((done.at, done.campaign))
        if done.kind in _HANDLED:
            progress[done.campaign].append((done.at, progress[done.campaign][-1][1] + 1))
    return Picture(
        began=course.began,
        ended=journal[-1].at,
        dots=dict(sorted(dots.items())),
        rests=rests,
        progress=progress,
        planned=course.planned,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
