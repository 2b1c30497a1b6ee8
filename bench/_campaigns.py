"""Campaigns of any size on a database of their own, for benchmarks: made, and worked off in bulk."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import psycopg
from alembic import command
from psycopg.conninfo import make_conninfo

from devstack.postgres import Postgres
from domain.account import AccountRef, ExternalStatus, KnownAccount, Lease
from domain.limits import Gap, Limits, PlatformLimits
from domain.message import Message
from domain.platform import Action, Budget, Identifier
from domain.ports import DestinationCheck, Right
from domain.terms import Pace, Terms
from storage.accounts import Accounts
from storage.campaigns import Campaigns, NewCampaign
from storage.engine import Database
from storage.migrations.__main__ import configuration
from storage.runs import Polling, Runs
from storage.turns import Turns

PLATFORM = "telegram"
SERVICE, PLAIN = "service", "plain"
"""Owners: whose campaign goes through our stores, and whose through plain SQL."""
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
STEP = timedelta(seconds=1)
"""So far apart, in business time, an account's turns are: more than the gap."""
POOL = 10
"""Connections of one worker, as it has them by default."""
_PLENTY = 1_000_000_000
_LIMITS = Limits(
    {
        PLATFORM: PlatformLimits(
            gap=Gap(timedelta(milliseconds=1), timedelta(milliseconds=1)),
            daily=dict.fromkeys(Budget, _PLENTY),
            limited_rests=(timedelta(hours=24),),
            unavailable_rest=timedelta(minutes=1),
        )
    }
)

_AUDIENCE = """
    WITH made AS (
        INSERT INTO audience (id, owner, name, rows_read, stored, dropped, created_at, state, pages, fetched)
        VALUES (%(id)s, %(owner)s, 'benchmark', %(n)s, %(n)s, 0, now(), 'ready', 0, false)
    )
    INSERT INTO audience_recipient (audience_id, position, owner, line, username, first_name, last_name, fields)
    SELECT %(id)s, n, %(owner)s, n + 1, 'person_' || n, 'Ann', 'Smith', '{}' FROM generate_series(0, %(n)s - 1) n
"""

# The rows that the claims of these people would have left, dead versions included: the queue's deleted, the attempt
# and the recipient written, and written again.
_WORK_OFF = (
    """
    CREATE TEMPORARY TABLE done AS
    SELECT position, 'account_' || (position %% %(accounts)s) AS account_id FROM queue
    WHERE campaign_id = %(campaign)s ORDER BY seq LIMIT %(n)s
    """,
    "DELETE FROM queue USING done WHERE campaign_id = %(campaign)s AND queue.seq = done.position",
    """
    INSERT INTO turn (id, owner, campaign_id, adapter, account_id, action, budget, fence, opened_at, closed_at, pause)
    SELECT %(prefix)s::text || position, %(owner)s, %(campaign)s::uuid, %(adapter)s, account_id, 'invite', 'invite', 1,
           %(now)s, %(now)s, '1ms' FROM done
    """,
    """
    INSERT INTO attempt (turn_id, slot, owner, campaign_id, position, account_id, action, instead, lane, seq,
                         bound_hard, tried, key, revision, state, opened_at)
    SELECT %(prefix)s::text || position, 0, %(owner)s, %(campaign)s::uuid, position, account_id, 'invite', false,
           'username', position, false, '{}', position, 1, 'open', %(now)s FROM done
    """,
    """
    UPDATE attempt SET state = 'settled', sent_at = %(now)s, settled_at = %(now)s, outcome = 'invited', reason = ''
    WHERE campaign_id = %(campaign)s AND state = 'open'
    """,
    """
    UPDATE recipient r SET outcome = 'invited', reason = '', action = 'invite', instead = false,
                           account_id = done.account_id, settled_at = %(now)s
    FROM done WHERE r.campaign_id = %(campaign)s AND r.position = done.position
    """,
    """
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    SELECT %(campaign)s::uuid, account_id, 'invite', false, 'invited', '', true, %(owner)s, count(*) FROM done
    GROUP BY account_id
    ON CONFLICT (campaign_id, account_id, action, instead, kind, reason, final) DO UPDATE SET n = counter.n + excluded.n
    """,
    "DROP TABLE done",
)


@dataclass
class Sized:
    """A database with a campaign of `recipients` people per owner. `now` is the business time."""

    recipients: int
    urls: dict[str, str]
    admin_dsn: str
    accounts: int

    def __post_init__(self) -> None:
        self.api, self.worker = Database(self.urls["invite_api"]), Database(self.urls["invite_worker"], POOL)
        keys = count(1)
        self.turns = Turns(self.worker, lambda: _LIMITS, lambda: 0.5, lambda: next(keys))
        self.runs = Runs(self.worker, Polling(), lambda: _LIMITS)
        self.now = NOW
        self.campaigns: dict[str, str] = {}
        self.fences: dict[str, int] = {}
        self._connections: dict[str, psycopg.AsyncConnection] = {}

    async def make(self, owner: str) -> float:
        """Make the owner's campaign with its accounts; the seconds that `POST /invite` waits for the database."""
        audience = uuid4()
        await self.do(_AUDIENCE, id=audience, owner=owner, n=self.recipients)
        new = NewCampaign(
            name="benchmark",
            platform=PLATFORM,
            adapter=PLATFORM,
            audience_id=audience,
            action=Action.INVITE,
            destination="@club",
            message=Message(("Hello",)),
            message_when_refused=False,
            account_ids=None,
            start=True,
            reaches=(Identifier.USERNAME,),
            terms=Terms(pace=Pace.FAST),
        )
        begun = time.monotonic()
        made, _ = await Campaigns(self.api).create(owner, new, None, "hash", self.now)
        took = time.monotonic() - begun
        self.campaigns[owner] = str(made.id)
        await self._enlist(owner)
        return took

    async def _enlist(self, owner: str) -> None:
        campaign, store = self.campaigns[owner], Accounts(self.worker, lambda: _LIMITS)
        ids = [f"account_{number}" for number in range(self.accounts)]
        known = [KnownAccount(each, each, PLATFORM, ExternalStatus.ACTIVE, NOW, 1) for each in ids]
        await store.know(owner, PLATFORM, known, self.now)
        await self.runs.join(await self.runs.chosen(owner, campaign), ids, self.now)
        for each in ids:
            await self.runs.rights(owner, campaign, each, DestinationCheck(Right.INVITE), self.now)
            lease = await store.acquire(AccountRef(owner, PLATFORM, each), "bench", "bench", timedelta(days=1))
            assert isinstance(lease, Lease)
            self.fences[each] = lease.fence

    async def review(self, owner: str) -> float:
        """One look at the campaign, as its workflow has it every second to minute; the seconds it takes."""
        begun = time.monotonic()
        await self.runs.review(owner, self.campaigns[owner], None, self.now)
        return time.monotonic() - begun

    async def work_off(self, owner: str, leave: int) -> None:
        """Have everybody but the last `leave` settled, in bulk."""
        campaign = self.campaigns[owner]
        async with await psycopg.AsyncConnection.connect(self.admin_dsn) as connection:
            row = await (
                await connection.execute("SELECT count(*) FROM queue WHERE campaign_id = %s", [campaign])
            ).fetchone()
            assert row is not None
            names = {"campaign": campaign, "owner": owner, "adapter": PLATFORM, "accounts": self.accounts}
            names |= {"now": self.now, "n": max(row[0] - leave, 0), "prefix": f"{campaign}/"}
            for statement in _WORK_OFF:
                await connection.execute(statement.encode(), names)

    async def do(self, statement: str, **names: object) -> None:
        """One statement as the superuser, committed."""
        async with await psycopg.AsyncConnection.connect(self.admin_dsn, autocommit=True) as connection:
            await connection.execute(statement.encode(), names or None)

    async def left(self, owner: str) -> int:
        """How many wait."""
        async with await psycopg.AsyncConnection.connect(self.admin_dsn) as connection:
            query = "SELECT count(*) FROM queue WHERE campaign_id = %s"
            row = await (await connection.execute(query, [UUID(self.campaigns[owner])])).fetchone()
            assert row is not None
            return int(row[0])

    async def connection(self, account: str) -> psycopg.AsyncConnection:
        """The superuser's, kept open for this account."""
        if account not in self._connections:
            self._connections[account] = await psycopg.AsyncConnection.connect(self.admin_dsn, autocommit=True)
        return self._connections[account]

    async def close(self) -> None:
        """Close all connections."""
        for each in self._connections.values():
            await each.close()
        await self.api.close()
        await self.worker.close()


def make_database(server: Postgres, recipients: int, accounts: int) -> Sized:
    """A database with the newest schema; no campaign is in it yet."""
    name = f"claims_{recipients}"
    server.create_database(name)
    urls = {role: server.url(role, name) for role in ("invite_owner", "invite_api", "invite_worker")}
    command.upgrade(configuration(urls["invite_owner"]), "head")
    return Sized(recipients, urls, make_conninfo(server.admin_dsn, dbname=name), accounts)
