"""Numbers and lists for people: read from counters, so that they cost the same for ten recipients or a million."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

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

_PEOPLE = text("""
    SELECT position, username, phone, user_id, first_name, last_name, outcome, reason, action, instead, account_id,
           settled_at
    FROM recipient WHERE campaign_id = :campaign AND position > :after ORDER BY position LIMIT :limit
""")


@dataclass(frozen=True)
class PersonLine:
    """One recipient in a report. `outcome` is None while it waits."""

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

    @property
    def reached(self) -> bool:
        """Whether the person has got what the campaign wanted."""
        return self.outcome in SUCCESSES


class Reports:
    """The store of numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def snapshot(self, owner: str, campaign_id: UUID, now: datetime) -> Snapshot:
        """The campaign's numbers as of `now`, from one transaction. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            return await snapshot(tx, await read(tx, owner, campaign_id), now)

    async def people(self, owner: str, campaign_id: UUID, page: int = 5_000) -> AsyncIterator[PersonLine]:
        """All recipients in order, read page by page in transactions of their own. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            await read(tx, owner, campaign_id)
        after = -1
        while True:
            async with self._database.owner(owner) as tx:
                rows = await tx.execute(_PEOPLE, {"campaign": campaign_id, "after": after, "limit": page})
                lines = [PersonLine(**row) for row in rows.mappings()]
            for line in lines:
                yield line
            if len(lines) < page:
                return
            after = lines[-1].position


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


_STATES = {
    Why.COOLDOWN: "cooldown",
    Why.ACCOUNT_LIMITED: "limited",
    Why.ACCOUNT_BLOCKED: "blocked",
    Why.ACCOUNT_INACTIVE: "inactive",
    Why.NOT_CHOSEN: "not_chosen",
}


def _account_state(why: Why, can_invite: bool, checked: bool) -> str:
    if why in _STATES:
        return _STATES[why]
    return "not_admin" if checked and not can_invite else "working"
