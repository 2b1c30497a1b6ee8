"""How fast a list becomes an audience, beside what reading and writing it costs alone.

`./run bench import [--rows 1000000]`: a CSV file (username, phone, name; 5 % duplicates, 2 % rubbish) goes by HTTP to
an API process with a PostgreSQL of its own, durable; in the same run `csv.reader` alone reads the file, and `COPY`
alone writes as many rows. Then an XLSX file. Fails if a bound is broken, or a number is not what it must be.
"""

import argparse
import csv
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from bench._api import environment, peak_mb, token
from bench._lists import HEADER, People, write_csv, write_xlsx
from devstack.database import DATABASE
from devstack.postgres import Postgres
from devstack.programs import Api, migrate
from devstack.state import temporary_state

ROWS_PER_SECOND = 100_000
RESIDENT_MB = 300
XLSX_ROWS, XLSX_SECONDS = 100_000, 5.0
_BOUNDARY = "people-people-people"
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Round:
    """Seconds that each of the three took with the same rows."""

    reading: float
    copying: float
    upload: float


def main(argv: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-import-") as folder, temporary_state() as state:
        table = write_csv(Path(folder, "people.csv"), arguments.rows)
        book = write_xlsx(Path(folder, "people.xlsx"), min(XLSX_ROWS, arguments.rows))
        postgres = Postgres(state.postgres_home)
        postgres.start()
        api = Api(state.logs / "api.log", environment(postgres))
        try:
            migrate({"INVITE_DATABASE_URL": postgres.url("invite_owner")}, state.logs / "migration.log")
            api.start()
            return _measure(table, book, postgres, api, arguments.rounds)
        finally:
            api.stop()
            postgres.stop()


def _measure(table: People, book: People, postgres: Postgres, api: Api, rounds: int) -> int:
    admin = make_conninfo(postgres.admin_dsn, dbname=DATABASE)
    done = [
        Round(_reading(table.path), _copying(admin, table.rows), _upload(api.url, table)) for _ in range(max(1, rounds))
    ]
    resident = peak_mb(api.running.pid)
    _print(done, table.rows)
    speed = table.rows / statistics.median(each.upload for each in done)
    sheet = _upload(api.url, book)
    checks = [
        (f"{speed:,.0f} rows/s", speed >= ROWS_PER_SECOND, f"{ROWS_PER_SECOND:,} rows/s or more"),
        (f"{resident:.0f} MB resident", resident <= RESIDENT_MB, f"{RESIDENT_MB} MB at most"),
        (f"{book.rows:,} XLSX rows in {sheet:.2f} s", sheet <= XLSX_SECONDS, f"{XLSX_SECONDS} s at most"),
    ]
    print()
    for measured, kept, bound in checks:
        print(f"{measured:<32} bound: {bound}, {'kept' if kept else 'BROKEN'}")
    return 0 if all(kept for _, kept, _ in checks) else 1


def _reading(path: Path) -> float:
    """`csv.reader` alone."""
    begun = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file, delimiter=";"):
            pass
    return time.perf_counter() - begun


def _copying(admin: str, rows: int) -> float:
    """COPY alone: as many rows, as they are stored, into a table of the same columns and key, as a superuser."""
    pieces = [_copied(start, min(rows, start + 10_000)) for start in range(0, rows, 10_000)]
    with psycopg.connect(admin) as connection:
        connection.execute("DROP TABLE IF EXISTS alone")
        connection.execute("CREATE TABLE alone (LIKE audience_recipient INCLUDING ALL)")
        connection.commit()
        begun = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY alone FROM STDIN") as copy:
            for piece in pieces:
                copy.write(piece)
        connection.commit()
        took = time.perf_counter() - begun
        connection.execute("DROP TABLE alone")
    return took


def _copied(start: int, end: int) -> bytes:
    audience = "0b5c4c1e-6f0a-4f2e-9d39-0d6a3b0f6d11"
    line = "{0}\t{1}\towner\t{1}\tuser_{1:08}\t+79{1:09}\t\\N\tИван\t\t{{}}\t\\N\n"
    return "".join(line.format(audience, number) for number in range(start, end)).encode()


def _upload(url: str, people: People) -> float:
    """The whole request; the answer must say what became of the rows."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=600)
    head, tail = _form(people.path.name)
    length = len(head) + people.path.stat().st_size + len(tail)
    headers = {
        "Authorization": f"Bearer {token('bench')}",
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Content-Length": str(length),
    }
    begun = time.perf_counter()
    connection.request("POST", "/audiences", body=_pieces(head, people.path, tail), headers=headers)
    answer = connection.getresponse()
    body: dict[str, Any] = json.loads(answer.read())
    took = time.perf_counter() - begun
    connection.close()
    found = (answer.status, body.get("rows_read"), body.get("stored"), body.get("reasons", {}).get("duplicate"))
    if found != (201, people.rows, people.people, people.duplicates):
        raise RuntimeError(f"{people} became {answer.status} {str(body)[:2_000]}")
    return took


def _form(name: str) -> tuple[bytes, bytes]:
    country = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="default_country"\r\n\r\nRU\r\n'
    file = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return (country + file).encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def _pieces(head: bytes, path: Path, tail: bytes) -> Iterator[bytes]:
    yield head
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
    yield tail


def _print(rounds: Sequence[Round], rows: int) -> None:
    cores = len(os.sched_getaffinity(0))
    print(f"{rows:,} rows ({', '.join(HEADER)}) on {cores} cores; load before: {os.getloadavg()[0]:.1f}\n")
    print(f"{'round':<8}{'csv.reader':>12}{'COPY':>12}{'upload':>12}{'rows/s':>12}{'× reader':>10}{'× COPY':>10}")
    for number, each in enumerate(rounds, start=1):
        print(_row(str(number), each, rows))
    columns = [statistics.median(getattr(each, name) for each in rounds) for name in ("reading", "copying", "upload")]
    print(_row("median", Round(*columns), rows))


def _row(name: str, each: Round, rows: int) -> str:
    seconds = "".join(f"{value:>10.2f} s" for value in (each.reading, each.copying, each.upload))
    ratios = f"{each.upload / each.reading:>10.1f}{each.upload / each.copying:>10.1f}"
    return f"{name:<8}{seconds}{rows / each.upload:>12,.0f}{ratios}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
