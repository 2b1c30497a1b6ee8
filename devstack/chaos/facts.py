"""What PostgreSQL and Temporal hold of a campaign: asked as their administrator, past the row-level security."""

import time
from datetime import timedelta

import psycopg
from psycopg.conninfo import make_conninfo

from devstack.chaos.verdict import Facts
from devstack.database import CONNECT_TIMEOUT_S
from devstack.http import http_client
from devstack.infrastructure import Infrastructure
from devstack.ports import HOST
from devstack.temporal import NAMESPACE
from domain.outcome import SUCCESSES

_NUMBERS = """
    SELECT (SELECT count(*) FROM queue WHERE campaign_id = %(campaign)s),
           (SELECT count(*) FROM turn WHERE campaign_id = %(campaign)s AND closed_at IS NULL),
           (SELECT count(*) FROM attempt WHERE campaign_id = %(campaign)s AND state <> 'settled'),
           (SELECT count(*) FROM (SELECT FROM attempt WHERE campaign_id = %(campaign)s AND outcome = ANY (%(good)s)
                                  GROUP BY position HAVING count(*) > 1) AS twice)
"""


_RUNS_END_WITHIN = timedelta(seconds=45)
_POLL = timedelta(milliseconds=500)


def of(servers: Infrastructure, campaign_id: str) -> Facts:
    """The facts of a campaign that has ended."""
    names = {"campaign": campaign_id, "good": [kind.value for kind in SUCCESSES]}
    dsn = make_conninfo(servers.cluster.admin_dsn, dbname=servers.database)
    with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        outcomes = connection.execute(
            "SELECT outcome, count(*) FROM recipient WHERE campaign_id = %(campaign)s GROUP BY outcome", names
        ).fetchall()
        numbers = connection.execute(_NUMBERS, names).fetchone()
    assert numbers is not None
    queued, open_turns, open_attempts, twice = numbers
    by_kind = {str(kind) if kind else None: n for kind, n in outcomes}
    return Facts(by_kind, queued, open_turns, open_attempts, twice, _still_running(servers, campaign_id))


def _still_running(servers: Infrastructure, campaign_id: str) -> tuple[str, ...]:
    """The campaign's workflows that do not end: those of its accounts are told to by a signal each."""
    ends = time.monotonic() + _RUNS_END_WITHIN.total_seconds()
    while (found := _running(servers, campaign_id)) and time.monotonic() < ends:
        time.sleep(_POLL.total_seconds())
    return found


def _running(servers: Infrastructure, campaign_id: str) -> tuple[str, ...]:
    if servers.temporal is None:
        return ()
    url = f"http://{HOST}:{servers.temporal.ports[1]}/api/v1/namespaces/{NAMESPACE}/workflows"
    with http_client(timedelta(seconds=CONNECT_TIMEOUT_S)) as client:
        answer = client.get(url, params={"query": 'ExecutionStatus = "Running"'}).raise_for_status().json()
    ids = (each["execution"]["workflowId"] for each in answer.get("executions", ()))
    return tuple(sorted(each for each in ids if campaign_id in each))
