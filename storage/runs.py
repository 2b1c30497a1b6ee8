"""Campaigns as their workflow sees them: reviewed, moved on, ended. Only what is here writes the phase."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from domain.audit import OPERATOR, Act, Event
from domain.campaign import ENDS, Command, Phase, Wanted
from domain.course import NOBODY_LEFT, Course, some
from domain.errors import NotFound
from domain.outcome import Reason
from domain.platform import Action
from domain.ports import DestinationCheck, LimitsSource, Right
from domain.review import Chosen, Review, ToCheck
from domain.standing import Rest
from domain.why import GUARDRAILS, Why
from storage import events, lines, waiters
from storage.campaigns import CampaignView, read, tell, wish
from storage.engine import Database
from storage.reports import snapshot
from storage.reviewing import hold, look, move
from storage.usage import pace_anew

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

# What was told while the list was being read is perhaps not in it: that stays to be answered.
_CHECKED_AT = text("""
    UPDATE campaign SET accounts_checked_at = :now, accounts_told = NULLIF(accounts_told, CAST(:told AS uuid))
    WHERE id = :campaign
""")

_MEMBERSHIP = text("""
    SELECT c.action, c.destination, c.join_destination, ca.checked FROM campaign c
    JOIN campaign_account ca ON ca.campaign_id = c.id AND ca.account_id = :account_id
    WHERE c.id = :campaign AND c.owner = :owner
""")

_RIGHTS = text("""
    UPDATE campaign_account SET can_invite = :can_invite, checked = true, refused = :refused, warnings = :warnings,
                                why = :why, until = NULL, to_campaign = NULL, since = :now
    WHERE campaign_id = :campaign AND account_id = :account_id
""")

_SAYS = text("""
    UPDATE campaign_account SET why = :why, until = :until, to_campaign = NULL,
                                since = CASE WHEN why = :why THEN since ELSE :now END
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


_NOT_NOW = frozenset({Why.SCHEDULED, Why.OUTSIDE_WINDOW, *GUARDRAILS})
"""While the campaign holds itself for these, no further account signs in for it."""
_STILL_WANTS = frozenset(
    {
        Why.COOLDOWN,
        Why.ACCOUNT_LIMITED,
        Why.ACCOUNTS_RESTING,
        Why.UNTRIED_RESTS,
        Why.BUDGET_SPENT,
        Why.GIVES_WAY,
        Why.PLATFORM_AWAY,
        Why.ACCOUNT_BUSY,
        Why.ACCOUNT_ELSEWHERE,
    }
)
"""A campaign that waits for these keeps its claims on its accounts: it goes on with them first."""
ALARMS = frozenset({*NOBODY_LEFT, *GUARDRAILS, Why.OWN_ERROR})
"""Waits that operators are told of when they begin."""


@dataclass(frozen=True)
class Polling:
    """How often the list of accounts is read again: while waiting, and while running."""

    waiting: timedelta = timedelta(minutes=1)
    running: timedelta = timedelta(minutes=5)


class Runs:
    """The store of campaigns for the worker."""

    def __init__(self, database: Database, polling: Polling, limits: LimitsSource) -> None:
        self._database = database
        self._polling = polling
        self._limits = limits

    async def review(self, owner: str, campaign_id: str, problem: Why | None, now: datetime, seen: int = 0) -> Review:
        """Look at the campaign, move its phase on, end it when everybody is settled. `seen`: see `Review`.

        Raises `NotFound`.
        """
        async with self._database.owner(owner) as tx:
            stood = await read(tx, owner, UUID(campaign_id), lock=True)
            before = _restarted(stood)
            found = await look(tx, before, self._limits().of(before.adapter), problem, now)
            step = found.step
            if problem is not None and step.why is problem:  # it is tried again at the next poll
                step = replace(step, until=now + self._polling.waiting)
            if found.held_anew is not None:
                await hold(tx, before, found.held_anew)
            if before.phase not in ENDS:
                await move(tx, before, step, now)
            gives_up = step.phase not in (Phase.RUNNING, Phase.PREPARING) and step.why not in _STILL_WANTS
            if gives_up:
                await waiters.give_up(tx, before.id)
            campaign = await read(tx, owner, before.id)
            await tell(tx, stood, campaign, now)
            heard = before.control_no > before.acknowledged_no
            running = campaign.wanted is Wanted.RUN and campaign.ended_at is None
            acts = running and step.why not in _NOT_NOW
            polled_at = self._accounts_due_at(campaign, now) if running else None
            whole = await snapshot(tx, campaign, now)
            staying = {member.account_id for member in found.members if not member.gone}
            gone = {line.account_id for line in whole.accounts} - staying
            told = await lines.tell(tx, owner, campaign.id, whole.accounts, gone, seen)
            if running and heard:
                await pace_anew(tx, owner, before.id)  # last: a turn that has taken from the queue locks these after it
            return Review(
                wanted=campaign.wanted,
                control_no=campaign.control_no,
                ended=campaign.phase in ENDS,
                accounts_due=polled_at is not None and polled_at <= now,
                platform=campaign.platform,
                adapter=campaign.adapter,
                destination=campaign.destination if campaign.action is Action.INVITE else "",
                wake=list(some(step.wake, now)),
                snapshot=replace(whole, accounts=told.lines),
                gone=told.gone,
                seen=told.seen,
                more=told.more,
                acts=acts,
                look_at=_first(step.look_at, polled_at),
                busy=step.phase in (Phase.RUNNING, Phase.PREPARING) and step.look_at is None,
                freed=list(await waiters.freed(tx, before.id, now)),
                alarm=step.why if step.why in ALARMS and step.why is not before.why else None,
                priority=campaign.terms.priority,
                news=(heard or campaign.phase is not stood.phase) and await events.due(tx, owner, before.id),
            )

    def _accounts_due_at(self, campaign: CampaignView, now: datetime) -> datetime:
        if campaign.accounts_checked_at is None or campaign.accounts_told is not None:
            return now
        every = self._polling.running if campaign.phase is Phase.RUNNING else self._polling.waiting
        return campaign.accounts_checked_at + every

    async def chosen(self, owner: str, campaign_id: str) -> Chosen:
        """Which accounts the campaign may use. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            campaign = await read(tx, owner, UUID(campaign_id))
        return Chosen(
            owner, campaign_id, campaign.platform, campaign.adapter, campaign.account_ids, campaign.accounts_told
        )

    async def join(self, chosen: Chosen, account_ids: Sequence[str], now: datetime) -> None:
        """Let these accounts, which are known, take part; those that are in it already stay as they are."""
        names = {"campaign": chosen.campaign_id, "owner": chosen.owner, "adapter": chosen.adapter, "now": now}
        async with self._database.owner(chosen.owner) as tx:
            await tx.execute(_JOIN, names | {"ids": list(account_ids), "why": Why.PREPARING.value})
            await tx.execute(_LOOK_AGAIN, names)
            await tx.execute(_CHECKED_AT, names | {"told": chosen.told})

    async def tried_to_join(self, chosen: Chosen, now: datetime) -> None:
        """The list could not be read: ask again after the usual time, not at once."""
        async with self._database.owner(chosen.owner) as tx:
            await tx.execute(_CHECKED_AT, {"campaign": chosen.campaign_id, "now": now, "told": chosen.told})

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
        may = check.right is Right.INVITE
        why = Why.WORKING if may else _PROBLEMS.get(check.reason, Why.DESTINATION_CLOSED)
        names = {"campaign": campaign_id, "account_id": account_id, "now": now, "why": why.value}
        found = {"can_invite": may, "refused": None if may else check.reason.value}
        async with self._database.owner(owner) as tx:
            await tx.execute(_RIGHTS, names | found | {"warnings": [each.value for each in check.warnings]})

    async def says(self, owner: str, campaign_id: str, account_id: str, rest: Rest, now: datetime) -> None:
        """Write why the account's run is not acting."""
        names = {"campaign": campaign_id, "account_id": account_id, "now": now}
        async with self._database.owner(owner) as tx:
            await tx.execute(_SAYS, names | {"why": rest.why.value, "until": rest.until})

    async def command(self, owner: str, campaign_id: str, command: Command, now: datetime) -> None:
        """Write a wish that came as a bare signal (an operator's, from the Web UI). Raises `Forbidden`."""
        async with self._database.owner(owner) as tx:
            await wish(tx, owner, UUID(campaign_id), command, now, Act(Event.CAMPAIGN_COMMANDED, OPERATOR, now))

    async def fail(self, owner: str, campaign_id: str, now: datetime) -> bool:
        """End the campaign by an error of our own. Whether the owner's server is to be told."""
        async with self._database.owner(owner) as tx:
            campaign = await read(tx, owner, UUID(campaign_id), lock=True)
            if campaign.phase not in ENDS:
                await move(tx, campaign, Course(Phase.FAILED, Why.OWN_ERROR), now)
                await tell(tx, campaign, await read(tx, owner, campaign.id), now)
            return await events.due(tx, owner, campaign.id)


def _restarted(campaign: CampaignView) -> CampaignView:
    """A campaign that failed, and that its owner has told to go on, is a new one as far as its phase goes."""
    restarted = campaign.phase is Phase.FAILED and campaign.control_no > campaign.acknowledged_no
    return replace(campaign, phase=Phase.NEW, ended_at=None) if restarted else campaign


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
