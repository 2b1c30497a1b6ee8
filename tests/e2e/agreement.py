"""All places that tell a campaign's numbers, compared to the last person when nothing is in flight (STA-3)."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from domain.outcome import SUCCESSES
from tests.e2e.town import Town

TOLD = ("position", "username", "outcome", "reason", "action", "instead", "account_id")
PAGE = 33
"""So many that there are several pages, and the last one is not full."""
BY_REASON = ("refused", "unreachable", "failed", "skipped")

Row = Mapping[str, Any]


def assert_same_everywhere(here: Town, campaign: str, status: Row) -> None:
    """The database, `/recipients`, report rows and totals, status and the workflow's query are of the same people."""
    stored = _stored(here, campaign)
    assert [_told(each) for each in _listed(here, campaign)] == stored
    report = here.api.get(f"/invite/{campaign}/report").json()
    not_reached = [each for each in stored if each["outcome"] not in SUCCESSES]
    assert [_told(each) for each in report["not_reached"]] == not_reached
    table = here.api.get(f"/invite/{campaign}/report?format=csv").content.decode("utf-8-sig")
    [_, *rows] = csv.reader(io.StringIO(table))
    assert [row[0] for row in rows] == [each["username"] for each in not_reached]
    _assert_totals(report["totals"], stored)
    assert report["status"]["counts"] == status["counts"] == here.status(campaign, source="workflow")["counts"]
    _assert_counts(status["counts"], stored)


def _stored(here: Town, campaign: str) -> list[Row]:
    servers = here.stack.infrastructure
    dsn = make_conninfo(servers.cluster.admin_dsn, dbname=servers.database)
    with psycopg.connect(dsn, row_factory=dict_row) as database:
        rows = database.execute(
            "SELECT position, username, outcome, reason, action, instead, account_id, settled_at "
            "FROM recipient WHERE campaign_id = %s ORDER BY position",
            (campaign,),
        )
        return rows.fetchall()


def _listed(here: Town, campaign: str) -> Iterator[Row]:
    after = -1
    while after is not None:
        page = here.api.get(f"/invite/{campaign}/recipients", params={"limit": PAGE, "after": after}).json()
        yield from page["items"]
        after = page["next"]


def _told(person: Row) -> Row:
    return {name: person[name] for name in TOLD} | {"settled_at": datetime.fromisoformat(person["settled_at"])}


def _assert_totals(totals: Row, stored: Sequence[Row]) -> None:
    reached = [each for each in stored if each["outcome"] in SUCCESSES]
    for name, keys in (("by_action", ("action", "instead")), ("by_account", ("account_id",))):
        told = {tuple(part[key] for key in keys): (part["recipients"], part["reached"]) for part in totals[name]}
        all_of, reached_of = (Counter(tuple(each[key] for key in keys) for each in some) for some in (stored, reached))
        assert told == {part: (n, reached_of[part]) for part, n in all_of.items()}
    reasons = {(part["outcome"], part["reason"]): part["recipients"] for part in totals["by_reason"]}
    assert reasons == Counter((each["outcome"], each["reason"]) for each in stored)
    days = [(part["recipients"], part["reached"]) for part in totals["by_day"]]
    assert tuple(map(sum, zip(*days, strict=True))) == (len(stored), len(reached))


def _assert_counts(counts: Row, stored: Sequence[Row]) -> None:
    assert (counts["total"], counts["processed"], counts["left"]) == (len(stored), len(stored), 0)
    outcomes = Counter(f"{each['outcome']}{'_instead' * _replaces(each)}" for each in stored)
    simple = {name: n for name, n in counts.items() if isinstance(n, int) and name in outcomes}
    by_reason = {
        name: dict(Counter(each["reason"] for each in stored if each["outcome"] == name)) for name in BY_REASON
    }
    assert simple | {name: sum(reasons.values()) for name, reasons in by_reason.items() if reasons} == outcomes
    assert {name: counts[name] for name in BY_REASON} == by_reason


def _replaces(person: Row) -> bool:
    return bool(person["instead"]) and person["outcome"] in ("messaged", "forwarded")
