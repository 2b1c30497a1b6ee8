"""Campaigns as their workflow sees them: reviewed, moved on, ended. Only what is here writes the phase."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountState, ExternalStatus
from domain.campaign import ENDS, Command, Phase, Wanted
from domain.course import Course, Member, Open, course, some
from domain.errors import NotFound
from domain.outcome import ERRORS, Reason
from domain.platform import Action
from domain.policy import Rest, Standing, account_rest
from domain.ports import DestinationCheck, Right
from domain.review import Chosen, Review, ToCheck
from domain.why import Why
from storage import lines, recipients
from storage.campaigns import CampaignView, read, wish
from storage.engine import Database
from storage.reports import snapshot

_OPEN = text("""
    SELECT EXISTS (SELECT FROM queue WHERE campaign_id = :campaign AND bound_to IS NULL AND action = ANY (:inviting))
               AS invites,
           EXISTS (SELECT FROM queue WHERE campaign_id = :campaign AND bound_to IS NULL AND action <> ALL (:inviting))
               AS messages,
           ARRAY(SELECT DISTINCT bound_to FROM queue WHERE campaign_id = :campaign AND bound_to IS NOT NULL
                 AND action = ANY (:inviting)) AS invites_by,
           ARRAY(SELECT DISTINCT bound_to FROM queue WHERE campaign_id = :campaign AND bound_to IS NOT NULL
                 AND action <> ALL (:inviting)) AS messages_by,
           (SELECT count(*) FROM turn WHERE campaign_id = :campaign AND closed_at IS NULL) AS turns
""")

_MEMBERS = text("""
    SELECT ca.account_id, ca.can_invite, ca.checked, ca.why, ca.until, a.state, a.reason, a.until AS state_until,
           a.external_status
    FROM campaign_account ca
    JOIN account a ON a.owner = ca.owner AND a.adapter = :adapter AND a.account_id = ca.account_id
    WHERE ca.campaign_id = :campaign ORDER BY ca.account_id
""")

_MOVE = text("""
    UPDATE campaign SET phase = :phase, why = :why, until = :until,
                        since = CASE WHEN phase = :phase AND why = :why THEN since ELSE :now END,
                        acknowledged_no = :control_no, started_at = coalesce(started_at, :now),
                        ended_at = CASE WHEN :ended THEN CAST(:now AS timestamptz) ELSE ended_at END
    WHERE id = :campaign
""")

_ERRORS = text("""
    SELECT EXISTS (SELECT FROM counter WHERE campaign_id = :campaign AND final AND n > 0 AND kind = ANY (:errors))
""")

_JOIN = text("""
    INSERT INTO campaign_account (campaign_id, account_id, owner, can_invite, checked, warnings, why, since)
    SELECT :campaign, account_id, owner, false, false, '{}', :why, :now FROM account
    WHERE owner = :owner AND adapter = :adapter AND account_id = ANY (:ids)
    ON CONFLICT (campaign_id, account_id) DO NOTHING
""")

# Those who may not invite are looked at again at each poll: the owner may have made one an administrator meanwhile.
_LOOK_AGAIN = text("""
    UPDATE campaign_account SET checked = false WHERE campaign_id = :campaign AND checked AND NOT can_invite
""")

_CHECKED_AT = text("UPDATE campaign SET accounts_checked_at = :now WHERE id = :campaign")

_MEMBERSHIP = text("""
    SELECT c.action, c.destination, c.join_destination, ca.checked FROM campaign c
    JOIN campaign_account ca ON ca.campaign_id = c.id AND ca.account_id = :account_id
    WHERE c.id = :campaign AND c.owner = :owner
""")

_RIGHTS = text("""
    UPDATE campaign_account SET can_invite = :can_invite, checked = true, warnings = :warnings, why = :why,
                                until = NULL, since = :now
    WHERE campaign_id = :campaign AND account_id = :account_id
""")

_SAYS = text("""
    UPDATE campaign_account SET why = :why, until = :until, since = CASE WHEN why = :why THEN since ELSE :now END
    WHERE campaign_id = :campaign AND account_id = :account_id
""")

_PROBLEMS = {
    Reason.NO_RIGHT_TO_INVITE: Why.NOT_ADMIN,
    Reason.DESTINATION_UNKNOWN: Why.DESTINATION_UNKNOWN,
    Reason.DESTINATION_PRIVATE: Why.DESTINATION_PRIVATE,
    Reason.DESTINATION_FULL: Why.DESTINATION_FULL,
    Reason.JOIN_NEEDED: Why.DESTINATION_PRIVATE,
    Reason.JOIN_REQUESTED: Why.DESTINATION_PRIVATE,
    Reason.CHANNEL_PAST_INVITES: Why.DESTINATION_FULL,
}


@dataclass(frozen=True)
class Polling:
    """How often the list of accounts is read again: while waiting, and while running."""

    waiting: timedelta = timedelta(minutes=1)
    running: timedelta = timedelta(minutes=5)


class Runs:
    """The store of campaigns for the worker."""

    def __init__(self, database: Database, polling: Polling) -> None:
        self._database = database
        self._polling = polling

    async def review(self, owner: str, campaign_id: str, problem: Why | None, now: datetime, seen: int = 0) -> Review:
        """Look at the campaign, move its phase on, end it when everybody is settled. `seen`: see `Review`.

        Raises `NotFound`.
        """
        async with self._database.owner(owner) as tx:
            campaign = await read(tx, owner, UUID(campaign_id), lock=True)
            if campaign.phase not in ENDS and campaign.wanted is Wanted.CANCELLED:
                await recipients.drain(tx, owner, campaign_id, now)
            await recipients.release_bound(tx, owner, campaign.adapter, campaign.id, now)
            members = await _members(tx, campaign, now)
            step = await _course(tx, campaign, members, problem)
            if problem is not None and step.why is problem:  # it is tried again at the next poll
                step = replace(step, until=now + self._polling.waiting)
            if campaign.phase not in ENDS:
                await _move(tx, campaign, step, now)
            campaign = await read(tx, owner, campaign.id)
            running = campaign.wanted is Wanted.RUN and campaign.ended_at is None
            whole = await snapshot(tx, campaign, now)
            gone = {member.account_id for member in members if member.gone}
            told = await lines.tell(tx, owner, campaign.id, whole.accounts, gone, seen)
            return Review(
                wanted=campaign.wanted,
                control_no=campaign.control_no,
                ended=campaign.phase in ENDS,
                accounts_due=running and await self._accounts_due(tx, campaign, now),
                platform=campaign.platform,
                adapter=campaign.adapter,
                destination=campaign.destination if campaign.action is Action.INVITE else "",
                wake=list(some(step.wake, now)),
                snapshot=replace(whole, accounts=told.lines),
                gone=told.gone,
                seen=told.seen,
                more=told.more,
            )

    async def _accounts_due(self, tx: AsyncConnection, campaign: CampaignView, now: datetime) -> bool:
        query = text("SELECT accounts_checked_at FROM campaign WHERE id = :campaign")
        checked_at: datetime | None = await tx.scalar(query, {"campaign": campaign.id})
        every = self._polling.waiting if campaign.phase is Phase.WAITING else self._polling.running
        return checked_at is None or checked_at + every <= now

    async def chosen(self, owner: str, campaign_id: str) -> Chosen:
        """Which accounts the campaign may use. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            campaign = await read(tx, owner, UUID(campaign_id))
        return Chosen(owner, campaign_id, campaign.platform, campaign.adapter, campaign.account_ids)

    async def join(self, chosen: Chosen, account_ids: Sequence[str], now: datetime) -> None:
        """Let these accounts, which are known, take part; those that are in it already stay as they are."""
        names = {"campaign": chosen.campaign_id, "owner": chosen.owner, "adapter": chosen.adapter, "now": now}
        async with self._database.owner(chosen.owner) as tx:
            await tx.execute(_JOIN, names | {"ids": list(account_ids), "why": Why.PREPARING.value})
            await tx.execute(_LOOK_AGAIN, names)
            await tx.execute(_CHECKED_AT, names)

    async def tried_to_join(self, owner: str, campaign_id: str, now: datetime) -> None:
        """The list could not be read: ask again after the usual time, not at once."""
        async with self._database.owner(owner) as tx:
            await tx.execute(_CHECKED_AT, {"campaign": campaign_id, "now": now})

    async def destination_to_check(self, owner: str, campaign_id: str, account_id: str) -> ToCheck:
        """Where the account's rights are not known yet. Raises `NotFound`."""
        names = {"campaign": campaign_id, "account_id": account_id, "owner": owner}
        async with self._database.owner(owner) as tx:
            row = (await tx.execute(_MEMBERSHIP, names)).mappings().first()
        if row is None:
            raise NotFound("account in this campaign")
        unknown: bool = row["action"] == Action.INVITE and not row["checked"]
        return ToCheck(row["destination"] if unknown else "", row["join_destination"])

    async def rights(
        self, owner: str, campaign_id: str, account_id: str, check: DestinationCheck, now: datetime
    ) -> None:
        """Write what the account may do at the destination."""
        why = Why.WORKING if check.right is Right.INVITE else _PROBLEMS.get(check.reason, Why.DESTINATION_CLOSED)
        names = {"campaign": campaign_id, "account_id": account_id, "now": now, "why": why.value}
        async with self._database.owner(owner) as tx:
            may = {"can_invite": check.right is Right.INVITE, "warnings": [each.value for each in check.warnings]}
            await tx.execute(_RIGHTS, names | may)

    async def says(self, owner: str, campaign_id: str, account_id: str, rest: Rest, now: datetime) -> None:
        """Write why the account's run is not acting."""
        names = {"campaign": campaign_id, "account_id": account_id, "now": now}
        async with self._database.owner(owner) as tx:
            await tx.execute(_SAYS, names | {"why": rest.why.value, "until": rest.until})

    async def command(self, owner: str, campaign_id: str, command: Command, now: datetime) -> None:
        """Write a wish that came as a bare signal (an operator's, from the Web UI). Raises `Forbidden`."""
        async with self._database.owner(owner) as tx:
            await wish(tx, owner, UUID(campaign_id), command, now)

    async def fail(self, owner: str, campaign_id: str, now: datetime) -> None:
        """End the campaign by an error of our own."""
        async with self._database.owner(owner) as tx:
            campaign = await read(tx, owner, UUID(campaign_id), lock=True)
            if campaign.phase not in ENDS:
                await _move(tx, campaign, Course(Phase.FAILED, Why.OWN_ERROR), now)


async def _course(
    tx: AsyncConnection, campaign: CampaignView, members: Sequence[Member], problem: Why | None
) -> Course:
    # Before an invite, contacts are added by who may invite.
    inviting = [Action.INVITE.value, *([Action.ADD_CONTACT.value] if campaign.action is Action.INVITE else [])]
    row = (await tx.execute(_OPEN, {"campaign": campaign.id, "inviting": inviting})).mappings().one()
    left = Open(
        invites=row["invites"],
        messages=row["messages"],
        turns=row["turns"],
        invites_by=frozenset(row["invites_by"]),
        messages_by=frozenset(row["messages_by"]),
    )
    if left.nothing and campaign.wanted is not Wanted.NONE:
        return Course(await _end(tx, campaign), Why.ENDED)
    if campaign.wanted is Wanted.CANCELLED:
        return Course(Phase.RUNNING, Why.CANCELLING)
    if campaign.wanted is Wanted.PAUSED:
        return Course(Phase.PAUSED, Why.PAUSED)
    if not members and problem is None and campaign.phase in (Phase.NEW, Phase.PREPARING):
        return Course(Phase.PREPARING, Why.PREPARING)
    return course(members, left, problem)


async def _end(tx: AsyncConnection, campaign: CampaignView) -> Phase:
    if campaign.wanted is Wanted.CANCELLED:
        return Phase.CANCELLED
    names = {"campaign": campaign.id, "errors": [kind.value for kind in ERRORS]}
    return Phase.DONE_WITH_ERRORS if await tx.scalar(_ERRORS, names) else Phase.DONE


async def _move(tx: AsyncConnection, campaign: CampaignView, step: Course, now: datetime) -> None:
    await tx.execute(
        _MOVE,
        {
            "campaign": campaign.id,
            "phase": step.phase.value,
            "why": step.why.value,
            "until": step.until,
            "control_no": campaign.control_no,
            "ended": step.phase in ENDS,
            "now": now,
        },
    )


async def _members(tx: AsyncConnection, campaign: CampaignView, now: datetime) -> list[Member]:
    rows = await tx.execute(_MEMBERS, {"campaign": campaign.id, "adapter": campaign.adapter})
    return [
        Member(row["account_id"], row["can_invite"], row["checked"], _rest(row, now), Why(row["why"]))
        for row in rows.mappings()
    ]


def _rest(row: RowMapping, now: datetime) -> Rest | None:
    """Why the account does not act: its own state first, then what it said in this campaign, while that lasts."""
    if row["external_status"] != ExternalStatus.ACTIVE:
        return Rest(None, Why.ACCOUNT_INACTIVE)
    rest = account_rest(now, Standing(AccountState(row["state"]), Reason(row["reason"]), row["state_until"]))
    if rest is None and row["until"] is not None and row["until"] > now:
        return Rest(row["until"], Why(row["why"]))
    return rest
