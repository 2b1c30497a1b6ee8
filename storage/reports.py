"""Numbers and lists for people: read from counters, so that they cost the same for ten recipients or a million."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakValueDictionary

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountState, ExternalStatus
from domain.campaign import State
from domain.forecast import Unknown
from domain.outcome import SUCCESSES, Reason
from domain.platform import Action
from domain.preflight import Look, Preflight, preflight
from domain.standing import Standing, account_rest
from domain.statistics import AccountLine, Count, Snapshot, done_by, errors_of, numbers
from domain.totals import Part, SettledAt, Totals, totals
from domain.why import Why
from storage import looks
from storage.campaigns import COUNTS, CampaignView, read
from storage.engine import Database

SPEED_OVER = timedelta(minutes=5)
"""The present speed is the mean over so long."""

_ACCOUNTS = text("""
    SELECT ca.account_id, ca.can_invite, ca.checked, ca.refused, ca.warnings, ca.why, ca.since, ca.until,
           ca.to_campaign, a.label, a.state, a.reason, a.since AS state_since, a.until AS state_until, a.next_at,
           a.external_status
    FROM campaign_account ca
    LEFT JOIN account a ON a.owner = ca.owner AND a.adapter = :adapter AND a.account_id = ca.account_id
    WHERE ca.campaign_id = :campaign ORDER BY ca.account_id
""")

_SPEED = text("""
    SELECT coalesce(sum(n), 0) AS n, min(minute) AS first FROM progress
    WHERE campaign_id = :campaign AND minute > :since
""")

_TIMES = text("""
    SELECT date_bin('15 minutes', settled_at, 'epoch') AS quarter, count(*) AS recipients,
           count(*) FILTER (WHERE outcome = ANY (:successes)) AS reached
    FROM recipient WHERE campaign_id = :campaign AND outcome IS NOT NULL GROUP BY quarter
""")

_COLUMNS = """
    position, username, phone, user_id, first_name, last_name, outcome, reason, action, instead, account_id, settled_at,
    membership
"""

_PEOPLE = text(f"""
    SELECT {_COLUMNS} FROM recipient
    WHERE campaign_id = :campaign AND position > :after ORDER BY position LIMIT :limit
""")

# In the order of the key, behind `after`: all pages together look at every recipient once, whatever is filtered. An
# index on the outcome would make every settlement dearer (storage.tables).
_FILTERED = text(f"""
    SELECT {_COLUMNS} FROM recipient
    WHERE campaign_id = :campaign AND position > :after
      AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
      AND (CAST(:reason AS text) IS NULL OR reason = :reason)
      AND (CAST(:account_id AS text) IS NULL OR account_id = :account_id)
      AND (CAST(:waiting AS boolean) IS NULL OR (outcome IS NULL) = :waiting)
    ORDER BY position LIMIT :limit
""")

_PAGE = 1_000
"""Recipients of a report read at once: a few milliseconds in which the process does nothing else."""
_WHOLE_AT_ONCE = 2
"""Whole reports read at the same time by one process: the other connections are for everything else."""


@dataclass(frozen=True)
class PersonLine:
    """One recipient in a report. `outcome` is None while it waits, `membership` while no look has told."""

    position: int
    username: str | None
    phone: str | None
    user_id: int | None
    first_name: str
    last_name: str
    outcome: str | None
    reason: str | None
    action: str | None
    instead: bool | None
    account_id: str | None
    settled_at: datetime | None
    membership: str | None

    @property
    def reached(self) -> bool:
        """Whether the person has got what the campaign wanted."""
        return self.outcome in SUCCESSES


@dataclass(frozen=True)
class Which:
    """Of which recipients a list tells; None: whatever it is. `waiting`: whether there is no outcome yet."""

    outcome: str | None = None
    reason: str | None = None
    account_id: str | None = None
    waiting: bool | None = None


class Reports:
    """The store of numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._room = asyncio.Semaphore(_WHOLE_AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def snapshot(self, owner: str, campaign_id: UUID, now: datetime) -> Snapshot:
        """The campaign's numbers as of `now`, from one transaction. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            return await snapshot(tx, await read(tx, owner, campaign_id), now)

    async def recipients(
        self, owner: str, campaign_id: UUID, which: Which, after: int, limit: int
    ) -> Sequence[PersonLine]:
        """The next recipients behind the position `after`, in order. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            await read(tx, owner, campaign_id)
            names = {"campaign": campaign_id, "after": after, "limit": limit, **asdict(which)}
            return [PersonLine(**row) for row in (await tx.execute(_FILTERED, names)).mappings()]

    @asynccontextmanager
    async def whole(
        self, owner: str, campaign_id: UUID, clock: Callable[[], Awaitable[datetime]]
    ) -> AsyncIterator["Whole"]:
        """A campaign's numbers and everybody in it, all as they stood at one moment. Raises `NotFound`.

        `clock` is asked when its turn has come; an owner's reports are read one by one, so that others have a turn too.
        It holds a transaction, which keeps old versions of rows: whoever reads must not wait for anybody.
        """
        turn = self._turns.setdefault(owner, asyncio.Lock())
        async with turn, self._room, self._database.owner(owner, frozen=True) as tx:
            campaign = await read(tx, owner, campaign_id)
            yield Whole(campaign, await snapshot(tx, campaign, await clock()), await _totals(tx, campaign), tx)


class Whole:
    """All that a report tells, within one transaction that sees one moment."""

    def __init__(self, campaign: CampaignView, numbers: Snapshot, divided: Totals, tx: AsyncConnection) -> None:
        self.campaign = campaign
        self.snapshot = numbers
        self.totals = divided
        self._tx = tx

    async def pages(self, page: int = _PAGE) -> AsyncIterator[Sequence[PersonLine]]:
        """All recipients in order, page by page."""
        after = -1
        while True:
            names = {"campaign": self.campaign.id, "after": after, "limit": page}
            lines = [PersonLine(*row) for row in await self._tx.execute(_PEOPLE, names)]
            if lines:
                yield lines
            if len(lines) < page:
                return
            after = lines[-1].position


async def _totals(tx: AsyncConnection, campaign: CampaignView) -> Totals:
    names = {"campaign": campaign.id, "successes": [kind.value for kind in SUCCESSES]}
    counts = [Count(**row) for row in (await tx.execute(COUNTS, names)).mappings()]
    times = [SettledAt(quarter, Part(n, reached)) for quarter, n, reached in await tx.execute(_TIMES, names)]
    return totals(counts, times, campaign.terms.schedule.zone)


async def snapshot(tx: AsyncConnection, campaign: CampaignView, now: datetime) -> Snapshot:
    """The campaign's numbers within a transaction.

    The counters are read by one statement, so they hold each settled turn entirely or not at all.
    """
    names = {"campaign": campaign.id, "adapter": campaign.adapter, "since": now - SPEED_OVER}
    seen = await looks.counted(tx, campaign.id)
    counts = [Count(**row) for row in (await tx.execute(COUNTS, names)).mappings()]
    accounts = (await tx.execute(_ACCOUNTS, names)).mappings().all()
    speed = (await tx.execute(_SPEED, names)).mappings().one()
    per_minute = _per_minute(speed, campaign, now)
    result = numbers(campaign.recipients, counts)
    own = _by_account(counts)
    end = campaign.expected
    return Snapshot(
        campaign_id=str(campaign.id),
        state=campaign.state.value,
        why=campaign.why.value,
        since=campaign.since,
        until=campaign.until,
        as_of=now,
        numbers=result,
        accounts=[_account(row, own.get(row["account_id"], ()), campaign, now) for row in accounts],
        per_minute=per_minute,
        expected_end=None if isinstance(end, Unknown) else max(end, now),
        to=None if campaign.to_campaign is None else str(campaign.to_campaign),
        preflight=_preflight(accounts, campaign),
        membership=looks.in_all(counts, seen) if campaign.action is Action.INVITE else None,
        no_end=end.value if isinstance(end, Unknown) else None,
    )


def _preflight(rows: Sequence[RowMapping], campaign: CampaignView) -> Preflight | None:
    if campaign.action is not Action.INVITE:
        return None
    chosen = None if campaign.account_ids is None else frozenset(campaign.account_ids)
    return preflight(_look(row) for row in rows if chosen is None or row["account_id"] in chosen)


def _look(row: RowMapping) -> Look:
    # Whoever may not invite is looked at again and again: until the next answer the last one stands.
    checked = row["checked"] or row["refused"] is not None
    return Look(checked, row["can_invite"], row["refused"] or "", row["warnings"])


def _per_minute(speed: RowMapping, campaign: CampaignView, now: datetime) -> float:
    if speed["first"] is None or campaign.ended_at is not None:
        return 0.0
    began = max(speed["first"], campaign.started_at or speed["first"], now - SPEED_OVER)
    minutes: float = max((now - began) / timedelta(minutes=1), 1 / 60)
    settled: int = speed["n"]
    return round(settled / minutes, 1)


def _by_account(counts: Iterable[Count]) -> Mapping[str, Sequence[Count]]:
    """Thousands of accounts with a few counters each: looking through all for each would take seconds."""
    found: defaultdict[str, list[Count]] = defaultdict(list)
    for each in counts:
        found[each.account_id].append(each)
    return found


def _account(row: RowMapping, counts: Sequence[Count], campaign: CampaignView, now: datetime) -> AccountLine:
    why, since, until = _account_why(row, campaign, now)
    return AccountLine(
        account_id=row["account_id"],
        state=_account_state(why, row["can_invite"], row["checked"]),
        why=why.value,
        since=since,
        until=until,
        warnings=list(row["warnings"]),
        done=done_by(counts, row["account_id"]),
        errors=errors_of(counts, row["account_id"]),
        to=str(row["to_campaign"]) if why is Why.GIVES_WAY else None,
    )


def _account_why(
    row: RowMapping, campaign: CampaignView, now: datetime
) -> tuple[Why, datetime | None, datetime | None]:
    """What the account is doing: its own state first, then the campaign's, then what its run said last."""
    if row["state"] is not None:
        standing = Standing(AccountState(row["state"]), Reason(row["reason"]), row["state_until"])
        rest = account_rest(now, standing)
        if rest is not None:
            return rest.why, row["state_since"], rest.until
        if row["external_status"] != ExternalStatus.ACTIVE:
            return Why.ACCOUNT_INACTIVE, None, None
    if campaign.ended_at is not None:
        return Why.ENDED, campaign.ended_at, None
    if campaign.state is State.PAUSED:
        return Why.PAUSED, campaign.since, None
    return Why(row["why"]), row["since"], row["until"]


ACCOUNT_STATES = {
    Why.COOLDOWN: "cooldown",
    Why.ACCOUNT_LIMITED: "limited",
    Why.ACCOUNT_BLOCKED: "blocked",
    Why.ACCOUNT_INACTIVE: "inactive",
    Why.NOT_CHOSEN: "not_chosen",
}
"""What these make of an account; any other is `working` or `not_admin`."""


def _account_state(why: Why, can_invite: bool, checked: bool) -> str:
    if why in ACCOUNT_STATES:
        return ACCOUNT_STATES[why]
    return "not_admin" if checked and not can_invite else "working"
