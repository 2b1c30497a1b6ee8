"""How long a report of many people takes, in how much memory, beside the floor: COPY of the same rows to a CSV file.

`./run bench report [--rows 1000000]`: a campaign of so many people, half of them reached, lies in a PostgreSQL of its
own. A fresh API process per format writes its report, asked by HTTP; meanwhile another client asks `/invite/{id}` ten
times a second and waits. Pages of `/recipients` with filters follow. Fails if a bound is broken.
"""

import argparse
import asyncio
import http.client
import os
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from bench._api import environment, peak_mb, token
from devstack.database import DATABASE
from devstack.postgres import Postgres
from devstack.programs import Api, migrate
from devstack.state import State, temporary_state
from domain.message import Message
from domain.platform import Action, Identifier
from storage.campaigns import Campaigns, NewCampaign
from storage.engine import Database

RESIDENT_MB = 300
PAGE_SECONDS = 2.0
OWNER = "bench"
_NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
_PIECE = 256 * 1024
_AUDIENCE = (
    """
    INSERT INTO audience (id, owner, name, rows_read, stored, dropped, created_at, state, pages, fetched)
    VALUES (%(id)s, %(owner)s, 'benchmark', %(n)s, %(n)s, 0, now(), 'ready', 0, false)
    """,
    """
    INSERT INTO audience_recipient (audience_id, position, owner, line, username, phone, first_name, last_name, fields)
    SELECT %(id)s, n, %(owner)s, n + 1, 'person_' || n, '+79' || lpad(n::text, 9, '0'), 'Анна', 'Smith', '{}'
    FROM generate_series(0, %(n)s - 1) n
    """,
)
_SETTLED = (
    """
    UPDATE recipient SET action = 'invite', instead = false, account_id = 'account_' || position %% 50,
                         outcome = CASE WHEN position %% 2 = 0 THEN 'invited' ELSE 'refused' END,
                         reason = CASE WHEN position %% 2 = 0 THEN '' ELSE 'privacy' END,
                         settled_at = timestamptz '2026-03-01T09:00Z' + position * interval '1 second'
    WHERE campaign_id = %(campaign)s
    """,
    """
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    SELECT campaign_id, account_id, action, instead, outcome, reason, true, owner, count(*)
    FROM recipient WHERE campaign_id = %(campaign)s GROUP BY 1, 2, 3, 4, 5, 6, 8
    """,
    "DELETE FROM queue WHERE campaign_id = %(campaign)s",
)
_COPY = """
    COPY (SELECT username, phone, user_id, first_name, last_name, outcome, reason, account_id, settled_at
          FROM recipient WHERE campaign_id = '{campaign}' AND outcome <> 'invited' ORDER BY position)
    TO STDOUT (FORMAT csv, HEADER)
"""
_PAGES = ("", "outcome=refused", "waiting=true", "account_id=account_7", "reason=blocked_us")


@dataclass(frozen=True)
class Measured:
    """One format. `others`: seconds that each request of another client took meanwhile."""

    first_byte: float
    seconds: float
    size: int
    resident: float
    others: list[float]


def main(argv: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench report", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args(argv).rows
    with temporary_state() as state:
        postgres = Postgres(state.postgres_home)
        postgres.start()
        try:
            migrate({"INVITE_DATABASE_URL": postgres.url("invite_owner")}, state.logs / "migration.log")
            return _measure(state, postgres, rows)
        finally:
            postgres.stop()


def _measure(state: State, postgres: Postgres, rows: int) -> int:
    admin = make_conninfo(postgres.admin_dsn, dbname=DATABASE)
    campaign = asyncio.run(_campaign(admin, postgres.url("invite_api"), rows))
    print(f"{rows:,} people, half of them reached, {len(os.sched_getaffinity(0))} cores; ", end="")
    print(f"load before: {os.getloadavg()[0]:.1f}\n")
    floor, size = _copied(admin, campaign)
    print(f"{'':<8}{'first byte':>12}{'seconds':>10}{'MB':>8}{'× COPY':>9}{'resident':>11}{'others: median, most':>24}")
    print(f"{'COPY':<8}{'':>12}{floor:>10.2f}{size / 1e6:>8.1f}")
    resident = 0.0
    pages: dict[str, float] = {}
    for written in ("json", "csv", "xlsx"):
        api = Api(state.logs / f"{written}.log", environment(postgres))
        api.start()
        try:
            found = _report(api, campaign, written)
            pages = pages or _pages(api, campaign)
        finally:
            api.stop()
        resident = max(resident, found.resident)
        others = f"{statistics.median(found.others) * 1000:.0f} ms, {max(found.others) * 1000:.0f} ms"
        print(
            f"{written:<8}{found.first_byte:>10.2f} s{found.seconds:>10.2f}{found.size / 1e6:>8.1f}"
            f"{found.seconds / floor:>9.1f}{found.resident:>8.0f} MB{others:>24}"
        )
    print("\nfirst page of /recipients, 100 people")
    for filters, seconds in pages.items():
        print(f"  {filters or 'all':<24}{seconds * 1000:>7.0f} ms")
    slowest = max(pages.values())
    print(f"\nbound: {RESIDENT_MB} MB resident at most, {'kept' if resident <= RESIDENT_MB else 'BROKEN'}")
    print(f"bound: {PAGE_SECONDS} s for a page at most, {'kept' if slowest <= PAGE_SECONDS else 'BROKEN'}")
    return 0 if resident <= RESIDENT_MB and slowest <= PAGE_SECONDS else 1


async def _campaign(admin: str, url: str, rows: int) -> UUID:
    """A campaign whose people are all settled."""
    audience = uuid4()
    database = Database(url)
    async with await psycopg.AsyncConnection.connect(admin) as connection:
        for statement in _AUDIENCE:
            await connection.execute(statement.encode(), {"id": audience, "owner": OWNER, "n": rows})
    new = NewCampaign(
        name="benchmark",
        platform="telegram",
        adapter="telegram",
        audience_id=audience,
        action=Action.INVITE,
        destination="@club",
        message=Message(),
        message_when_refused=False,
        account_ids=None,
        start=False,
        reaches=(Identifier.USERNAME, Identifier.PHONE),
    )
    made, _ = await Campaigns(database).create(OWNER, new, None, "hash", _NOW)
    await database.close()
    async with await psycopg.AsyncConnection.connect(admin) as connection:
        for statement in _SETTLED:
            await connection.execute(statement.encode(), {"campaign": made.id})
    async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
        await connection.execute(b"VACUUM ANALYZE")
    return made.id


def _copied(admin: str, campaign: UUID) -> tuple[float, int]:
    """Seconds and bytes of the floor."""
    begun = time.perf_counter()
    with psycopg.connect(admin) as connection, connection.cursor() as cursor, TemporaryFile() as file:
        with cursor.copy(_COPY.format(campaign=campaign).encode()) as copy:
            for piece in copy:
                file.write(piece)
        return time.perf_counter() - begun, file.tell()


def _report(api: Api, campaign: UUID, written: str) -> Measured:
    ended = threading.Event()
    others: list[float] = []
    asking = threading.Thread(target=_ask, args=(api.url, campaign, ended, others))
    asking.start()
    try:
        begun = time.perf_counter()
        connection, answer = _get(api.url, f"/invite/{campaign}/report?format={written}")
        first, size = time.perf_counter() - begun, 0
        while piece := answer.read(_PIECE):
            size += len(piece)
        took = time.perf_counter() - begun
        connection.close()
    finally:
        ended.set()
        asking.join()
    return Measured(first, took, size, peak_mb(api.running.pid), others)


def _ask(url: str, campaign: UUID, ended: threading.Event, took: list[float]) -> None:
    took.append(_seconds(url, f"/invite/{campaign}"))  # also where the report is written before a tenth of a second
    while not ended.wait(0.1):
        took.append(_seconds(url, f"/invite/{campaign}"))


def _pages(api: Api, campaign: UUID) -> dict[str, float]:
    return {each: _seconds(api.url, f"/invite/{campaign}/recipients?{each}") for each in _PAGES}


def _seconds(url: str, path: str) -> float:
    begun = time.perf_counter()
    connection, answer = _get(url, path)
    answer.read()
    connection.close()
    return time.perf_counter() - begun


def _get(url: str, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=900)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token(OWNER)}"})
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path}: {answer.status} {answer.read()[:2_000]!r}")
    return connection, answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
