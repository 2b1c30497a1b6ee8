"""What a plan is made from: how accounts stand and what they have spent, and who waits for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef, ExternalStatus, KnownAccount
from domain.budgets import BUCKET, WINDOW, Spent
from domain.campaign import ENDS, Wanted
from domain.crews import TYPICAL_REFUSALS, Member, Request, refusal_share, works
from domain.errors import NotFound
from domain.limits import PlatformLimits
from domain.members import members
from domain.platform import Action, Budget, Identifier
from domain.ports import LimitsSource
from domain.statistics import Count
from storage.accounts import standing
from storage.campaigns import COUNTS, CampaignView, read
from storage.engine import Ask, Database, Row, together
from storage.usage import budget_scope

# The last two columns: whether other campaigns that run have the account, and its right in this one (NULL: unknown).
_ACCOUNTS = text("""
    SELECT a.account_id, a.label, a.external_status, a.state, a.reason, a.until, a.next_at, a.times_limited,
           a.failures_running, a.block_reported, a.slow, a.slow_at, a.created_at, a.tier, a.portfolio,
           CASE WHEN ca.checked THEN ca.can_invite END AS can_invite,
           a.account_id IN (
               SELECT other.account_id FROM campaign_account other JOIN campaign c ON c.id = other.campaign_id
               WHERE c.owner = :owner AND c.adapter = :adapter AND c.wanted = 'run' AND c.ended_at IS NULL
                 AND c.id IS DISTINCT FROM CAST(:campaign AS uuid)
           ) AS shared
    FROM account a
    LEFT JOIN campaign_account ca ON ca.campaign_id = CAST(:campaign AS uuid) AND ca.account_id = a.account_id
    WHERE a.owner = :owner AND a.adapter = :adapter
    ORDER BY a.account_id
""")

# As arrays: a thousand accounts have up to 75 000 rows, which the API must not fetch one by one.
_USAGE = text("""
    SELECT scope, budget, array_agg(hour) AS hours, array_agg(amount) AS amounts, array_agg(next_at) AS next_ats
    FROM usage WHERE owner = :owner AND hour > :since AND scope = ANY (CAST(:scopes AS text[]))
    GROUP BY scope, budget
""")

# From the lanes' low-water marks on: the index still holds those who were served before (storage/low_water.py).
_WAITING = text("""
    SELECT a.action, l.lane, waiting.n
    FROM (VALUES ('invite'), ('message'), ('add_contact')) a (action)
    CROSS JOIN (VALUES ('username'), ('phone'), ('user_id')) l (lane)
    LEFT JOIN queue_low low ON low.campaign_id = :campaign AND low.action = a.action AND low.lane = l.lane
    CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM queue q
        WHERE q.campaign_id = :campaign AND q.action = a.action AND q.lane = l.lane
          AND q.seq >= CASE WHEN low.seq IS NULL THEN 0 ELSE low.seq END
    ) waiting
    UNION ALL
    SELECT a.action, a.lane, count(*) FROM turn t JOIN attempt a ON a.turn_id = t.id
    WHERE t.campaign_id = :campaign AND t.closed_at IS NULL AND a.state <> 'settled' GROUP BY a.action, a.lane
""")

_AUDIENCE = text("""
    SELECT count(*) FILTER (WHERE username IS NOT NULL) AS username,
           count(*) FILTER (WHERE username IS NULL AND phone IS NOT NULL) AS phone
    FROM audience_recipient WHERE audience_id = :audience AND owner = :owner
""")

_AUDIENCE_EXISTS = text("SELECT EXISTS (SELECT FROM audience WHERE id = :audience AND owner = :owner)")


@dataclass(frozen=True)
class Known:
    """An account that we have met. `right_known`: whether it may invite was looked up. `shared`: other campaigns that
    run have it too."""

    member: Member
    right_known: bool
    shared: bool


# A plan is a promise until the owner says something else, and the first one that names an end is the promise.
_KEEP = text("""
    UPDATE campaign SET
        planned_at = :now,
        planned_end = :end,
        promised_at = CASE WHEN promised_at > wanted_at AND promised_end IS NOT NULL THEN promised_at ELSE :now END,
        promised_end = CASE WHEN promised_at > wanted_at AND promised_end IS NOT NULL THEN promised_end ELSE :end END
    WHERE id = :campaign AND ended_at IS NULL
""")


@dataclass(frozen=True)
class Started:
    """A campaign as it stands. `refusals`: the share of its own, once it can be told."""

    campaign: CampaignView
    accounts: Sequence[Known]
    waiting: Mapping[tuple[Action, Identifier], int]
    refusals: float | None

    def request(self, limits: PlatformLimits, listed: Sequence[KnownAccount] | None, now: datetime) -> Request:
        """What is planned. `listed`: the owner's list of accounts; None: as we have met them."""
        campaign = self.campaign
        return Request(
            now=now,
            limits=limits,
            terms=campaign.terms,
            members=members(
                {each.member.account_id: each.member for each in self.accounts}, listed, campaign.account_ids
            ),
            work=works(
                campaign.action,
                campaign.add_contact_first,
                campaign.message_when_refused,
                campaign.message_budget,
                self.waiting,
            ),
            refusals=TYPICAL_REFUSALS if self.refusals is None else self.refusals,
        )


class Planning:
    """The store of what plans need, and of the ends that they name."""

    def __init__(self, database: Database, limits: LimitsSource) -> None:
        self._database = database
        self._limits = limits

    async def accounts(self, owner: str, adapter: str, now: datetime) -> Sequence[Known]:
        """The owner's accounts that we have met there."""
        async with self._database.owner(owner) as tx:
            return await _accounts(tx, owner, adapter, None, self._limits().of(adapter), now)

    async def campaign(self, owner: str, campaign_id: UUID, now: datetime) -> Started:
        """The campaign and all accounts that we have met on its platform, from one transaction. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            return await self._started(tx, await read(tx, owner, campaign_id), now)

    async def due(self, owner: str, campaign_id: str, now: datetime) -> Request | None:
        """What is to be planned anew. None: the last forecast still serves, or none is wanted. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            campaign = await read(tx, owner, UUID(campaign_id))
            runs = campaign.wanted is Wanted.RUN and campaign.phase not in ENDS
            goes_on = runs and campaign.waits_for_word is None
            if not goes_on or campaign.accounts_checked_at is None:
                return None
            if campaign.forecast is not None and not campaign.forecast.stale(campaign.wanted_at, now):
                return None
            started = await self._started(tx, campaign, now)
        return started.request(self._limits().of(campaign.adapter), None, now)

    async def keep(self, owner: str, campaign_id: str, end: datetime | None, now: datetime) -> None:
        """Write when the campaign ends by a plan that was made from how it stood at `now`. None: never."""
        async with self._database.owner(owner) as tx:
            await tx.execute(_KEEP, {"campaign": campaign_id, "end": end, "now": now})

    async def _started(self, tx: AsyncConnection, campaign: CampaignView, now: datetime) -> Started:
        limits = self._limits().of(campaign.adapter)
        counts = [Count(**row) for row in (await tx.execute(COUNTS, {"campaign": campaign.id})).mappings()]
        return Started(
            campaign=campaign,
            accounts=await _accounts(tx, campaign.owner, campaign.adapter, campaign.id, limits, now),
            waiting=await _waiting(tx, campaign.id),
            refusals=refusal_share(counts),
        )

    async def audience(self, owner: str, audience_id: UUID) -> Mapping[Identifier, int]:
        """How its people would be looked up. Raises `NotFound`."""
        names = {"audience": audience_id, "owner": owner}
        async with self._database.owner(owner) as tx:
            if not await tx.scalar(_AUDIENCE_EXISTS, names):
                raise NotFound("audience")
            row = (await tx.execute(_AUDIENCE, names)).mappings().one()
        return {Identifier.USERNAME: row["username"], Identifier.PHONE: row["phone"]}


async def _waiting(tx: AsyncConnection, campaign_id: UUID) -> Mapping[tuple[Action, Identifier], int]:
    """Who waits and who is being served, by action and lane."""
    found: dict[tuple[Action, Identifier], int] = {}
    for row in (await tx.execute(_WAITING, {"campaign": campaign_id})).mappings():
        kind = Action(row["action"]), Identifier(row["lane"])
        found[kind] = found.get(kind, 0) + row["n"]
    return found


async def _accounts(
    tx: AsyncConnection, owner: str, adapter: str, campaign_id: UUID | None, limits: PlatformLimits, now: datetime
) -> Sequence[Known]:
    names = {"owner": owner, "adapter": adapter, "campaign": campaign_id}
    [rows] = await together(tx, Ask(_ACCOUNTS, names))
    scopes = {row["account_id"]: _scopes(owner, adapter, row, limits) for row in rows}
    wanted = sorted({scope for each in scopes.values() for scope in each.values()})
    spent = await _spent(tx, owner, wanted, now)
    return [
        Known(
            member=Member(
                account_id=row["account_id"],
                label=row["label"],
                standing=standing(row),
                usage={
                    budget: spent[scope, budget]
                    for budget, scope in scopes[row["account_id"]].items()
                    if (scope, budget) in spent
                },
                may_invite=row["can_invite"] is not False,
                active=row["external_status"] == ExternalStatus.ACTIVE,
            ),
            right_known=row["can_invite"] is not None,
            shared=row["shared"],
        )
        for row in rows
    ]


def _scopes(owner: str, adapter: str, row: Row, limits: PlatformLimits) -> dict[Budget, str]:
    ref = AccountRef(owner, adapter, row["account_id"])
    return {budget: budget_scope(ref, row["portfolio"], limits, budget) for budget in Budget}


async def _spent(
    tx: AsyncConnection, owner: str, scopes: Sequence[str], now: datetime
) -> dict[tuple[str, Budget], list[Spent]]:
    names = {"owner": owner, "scopes": scopes, "since": now - WINDOW - BUCKET}
    return {
        (scope, Budget(budget)): [Spent(*each) for each in zip(hours, amounts, next_ats, strict=True)]
        for scope, budget, hours, amounts, next_ats in (await tx.execute(_USAGE, names)).all()
    }
