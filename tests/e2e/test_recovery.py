"""After SIGKILL of a worker its accounts work again when their leases have ended; the status answers all the time."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from devstack.programs import WORKER_STARTED, Worker
from domain.account import LeaseTimes
from tests.e2e.town import OWNER, Town, town, world

ACCOUNTS = 6
WORK = ("channels.InviteToChannel", "messages.SendMessage", "channels.GetParticipant", "contacts.ResolveUsername")
"""What an account asks of the platform when it acts, or finds out what became of an act in doubt."""
WITHIN = timedelta(seconds=2)
"""After the lease's expiry."""
STATUS_WITHIN = 2.0
"""Seconds that a status may take meanwhile, on cores that do everything at once."""
SHORT = LeaseTimes(
    length=timedelta(seconds=10),
    renew_every=timedelta(seconds=1),
    disconnect_after=timedelta(seconds=4),
    closing_margin=timedelta(seconds=2),
)
"""As short as a lease may be: a worker that fell silent is missed after a heartbeat's 5 s, and its workflows' tasks go
to another one after 2 s more; or a task that it had in hand is missed after 5 s, and then an activity after 3 s."""


DEPLOYED = pytest.param(LeaseTimes(), marks=pytest.mark.long)


@pytest.mark.parametrize("times", [SHORT, DEPLOYED], ids=["short", "deployed"])
def test_its_accounts_work_again_within_two_seconds_of_their_leases_end(tmp_path: Path, times: LeaseTimes) -> None:
    with town(tmp_path, world(accounts=ACCOUNTS, people=900), settings=_settings(times)) as here:
        campaign = here.campaign()
        here.wait(campaign, lambda status: sum(bool(each["done"]) for each in status["accounts"]) == ACCOUNTS)
        queues = [_queue(worker) for worker in here.stack.workers]
        held = Counter(lease.queue for lease in _leases(here))
        queue = max(queues, key=lambda each: held[each])
        here.stack.workers[queues.index(queue)].kill()
        at = datetime.now(UTC)
        ends = {lease.account_id: lease.ends_at for lease in _leases(here) if lease.queue == queue}
        assert ends, f"nobody was on the killed worker {queue}: {held}"
        back, slowest = _back(here, campaign, ends, at)
        late = {account_id: (back[account_id] - ends[account_id]).total_seconds() for account_id in ends}
        print(
            f"seconds from the leases' end until the accounts' next work: {late}; the slowest status: {slowest:.2f} s"
        )
        assert slowest < STATUS_WITHIN
        assert max(late.values()) <= WITHIN.total_seconds() + slowest  # which tells how busy the cores are with others
        assert min(late.values()) > 0, "taken over before the lease had ended"
        here.say(campaign, "cancel")
        here.assert_agrees(here.wait(campaign, lambda status: status["counts"]["left"] == 0))


@dataclass(frozen=True)
class Lease:
    account_id: str
    queue: str
    ends_at: datetime


def _queue(worker: Worker) -> str:
    """The queue that reaches this process alone, as its log says."""
    line = next(line for line in worker.running.said().splitlines() if WORKER_STARTED in line)
    return str(json.loads(line)["queue"])


def _leases(here: Town) -> list[Lease]:
    servers = here.stack.infrastructure
    dsn = make_conninfo(servers.cluster.admin_dsn, dbname=servers.database)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT account_id, lease_queue, lease_until FROM account WHERE owner = %s AND lease_queue IS NOT NULL",
            [OWNER],
        ).fetchall()
    return [Lease(*row) for row in rows]


def _back(here: Town, campaign: str, ends: Mapping[str, datetime], at: datetime) -> tuple[dict[str, datetime], float]:
    """When each of them first asked the platform for some work after the kill, and the seconds that the slowest
    status took: it is asked all the while."""
    deadline = max(ends.values()) + 5 * WITHIN
    slowest = 0.0
    while datetime.now(UTC) < deadline:
        asked = time.monotonic()
        here.status(campaign)
        slowest = max(slowest, time.monotonic() - asked)
        back: dict[str, datetime] = {}
        for request in here.effects().requests():
            if request.account in ends and request.at > at and request.method in WORK:
                back.setdefault(request.account, request.at)
        if len(back) == len(ends):
            return back, slowest
        time.sleep(0.1)
    raise AssertionError(f"not back by {deadline}: {set(ends) - set(back)}")


def _settings(times: LeaseTimes) -> Mapping[str, str]:
    return {
        "INVITE_LEASE_LENGTH": f"{times.length.total_seconds()}s",
        "INVITE_LEASE_RENEW_EVERY": f"{times.renew_every.total_seconds()}s",
        "INVITE_LEASE_DISCONNECT_AFTER": f"{times.disconnect_after.total_seconds()}s",
        "INVITE_LEASE_CLOSING_MARGIN": f"{times.closing_margin.total_seconds()}s",
    }
