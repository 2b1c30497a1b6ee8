"""One look at a campaign, in one transaction: who can do what, where that puts the campaign, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountState, ExternalStatus
from domain.campaign import ENDS, Phase, Wanted
from domain.course import NOBODY_LEFT, Course, Member, Open, Tried, course, held_by
from domain.guardrails import Sample, sample, tripped
from domain.limits import PlatformLimits
from domain.outcome import ERRORS, Kind, Outcome, Reason
from domain.platform import Action
from domain.policy import campaign_rest
from domain.standing import Rest, Standing, account_rest
from domain.statistics import Count
from domain.why import Why
from storage import low_water, recipients, waiters
from storage.campaigns import COUNTS, CampaignView

LOOKED_AT = 100
"""So many people of a lane a review looks at."""

# Whoever waits is found through the head of a lane, or of an account's own lane: the cost is that of the accounts. Each
# head is asked for in its index's order: a look for just anybody would be planned as one through the whole queue.
# Of a lane so many are looked at for accounts that have failed on them; the last of so many counts as untried.
_OPEN = text(f"""
    WITH RECURSIVE free AS (
        SELECT low.action = ANY (:inviting) AS invites,
               CASE WHEN first.n = {LOOKED_AT} THEN '{{}}' ELSE first.tried END AS tried
        FROM queue_low low
        CROSS JOIN LATERAL (
            SELECT q.tried, row_number() OVER (ORDER BY q.seq) AS n FROM queue q
            WHERE q.campaign_id = :campaign AND q.action = low.action AND q.lane = low.lane AND q.seq >= low.seq
              AND q.bound_to IS NULL
            ORDER BY q.seq LIMIT {LOOKED_AT}
        ) first
        WHERE low.campaign_id = :campaign AND low.lane <> 'user_id'
    ), bound AS (
        SELECT (SELECT q.bound_to FROM queue q WHERE q.campaign_id = :campaign AND q.bound_to IS NOT NULL
                ORDER BY q.bound_to LIMIT 1) AS account_id
        UNION ALL
        SELECT (SELECT q.bound_to FROM queue q
                WHERE q.campaign_id = :campaign AND q.bound_to IS NOT NULL AND q.bound_to > bound.account_id
                ORDER BY q.bound_to LIMIT 1)
        FROM bound WHERE bound.account_id IS NOT NULL
    ), waits AS (
        SELECT bound.account_id, a.action = ANY (:inviting) AS invites
        FROM bound CROSS JOIN (VALUES ('invite'), ('message'), ('add_contact')) a (action)
        CROSS JOIN LATERAL (
            SELECT FROM queue q
            WHERE q.campaign_id = :campaign AND q.bound_to = bound.account_id AND q.action = a.action
            ORDER BY q.lane, q.seq LIMIT 1
        ) somebody
    )
    SELECT (SELECT jsonb_agg(DISTINCT to_jsonb(tried)) FROM free WHERE invites) AS invites,
           (SELECT jsonb_agg(DISTINCT to_jsonb(tried)) FROM free WHERE NOT invites) AS messages,
           ARRAY(SELECT DISTINCT account_id FROM waits WHERE invites) AS invites_by,
           ARRAY(SELECT DISTINCT account_id FROM waits WHERE NOT invites) AS messages_by,
           (SELECT count(*) FROM turn WHERE campaign_id = :campaign AND closed_at IS NULL) AS turns
""")

# Whoever gave way rests as long as a higher claim stands, and no longer.
_MEMBERS = text(f"""
    SELECT ca.account_id, ca.can_invite, ca.post_unseen_no IS DISTINCT FROM c.control_no AS can_write, ca.checked,
           ca.why, ca.until, ca.to_campaign, a.state, a.reason,
           a.until AS state_until, a.external_status, {waiters.CLAIMED_UNTIL} AS claimed_until
    FROM campaign_account ca JOIN campaign c ON c.id = ca.campaign_id
    JOIN account a ON a.owner = ca.owner AND a.adapter = c.adapter AND a.account_id = ca.account_id
    WHERE ca.campaign_id = :campaign
      AND (CAST(:chosen AS text[]) IS NULL OR ca.account_id = ANY (CAST(:chosen AS text[])))
    ORDER BY ca.account_id
""")

_ERRORS = text("""
    SELECT EXISTS (SELECT FROM counter WHERE campaign_id = :campaign AND final AND n > 0 AND kind = ANY (:errors))
""")

_MOVE = text("""
    UPDATE campaign SET phase = :phase, why = :why, until = :until, to_campaign = CAST(:to AS uuid),
                        since = CASE WHEN phase = :phase AND why = :why THEN since ELSE :now END,
                        acknowledged_no = :control_no,
                        started_at = coalesce(started_at, CASE WHEN :begun THEN CAST(:now AS timestamptz) END),
                        ended_at = CASE WHEN :ended THEN CAST(:now AS timestamptz) END
    WHERE id = :campaign
""")

_HOLD = text("UPDATE campaign SET held = :held WHERE id = :campaign")

WAKING = timedelta(seconds=10)
"""So long after its time a run that wakes by itself is trusted to: it is not woken, and looked at again."""

_CANCELLED = Outcome(Kind.CANCELLED, Reason.CAMPAIGN_CANCELLED)
_NOBODY_LEFT = Outcome(Kind.FAILED, Reason.NO_ACCOUNT_LEFT)


@dataclass(frozen=True)
class Look:
    """Where the campaign stands and who is in it. `held_anew`: the guardrail that it has passed just now."""

    step: Course
    members: Sequence[Member]
    held_anew: Why | None = None


async def look(
    tx: AsyncConnection, campaign: CampaignView, limits: PlatformLimits, problem: Why | None, now: datetime
) -> Look:
    """Look at a campaign whose row is locked, and settle whoever nobody will serve any more."""
    await low_water.rise(tx, campaign.owner, campaign.id)
    if campaign.phase not in ENDS:
        await _drain(tx, campaign, now)
    await recipients.release_bound(tx, campaign.owner, campaign.adapter, campaign.id, now)
    members = await _members(tx, campaign, now)
    held = campaign.held or await _tripped(tx, campaign, limits)
    step = await _course(tx, campaign, members, held, problem, now)
    if step.why in NOBODY_LEFT and limits.gone_for is not None:
        step = await _without_anybody(tx, campaign, step, limits.gone_for, now)
    return Look(step, members, held if held is not campaign.held else None)


async def hold(tx: AsyncConnection, campaign: CampaignView, why: Why) -> None:
    """Have the campaign wait for its owner's word."""
    await tx.execute(_HOLD, {"campaign": campaign.id, "held": why.value})


async def move(tx: AsyncConnection, campaign: CampaignView, step: Course, now: datetime) -> None:
    """Write where the campaign stands."""
    await tx.execute(
        _MOVE,
        {
            "campaign": campaign.id,
            "phase": step.phase.value,
            "why": step.why.value,
            "until": step.until,
            "to": step.to,
            "control_no": campaign.control_no,
            "begun": step.phase is not Phase.SCHEDULED,
            "ended": step.phase in ENDS,
            "now": now,
        },
    )


async def _drain(tx: AsyncConnection, campaign: CampaignView, now: datetime) -> None:
    if campaign.wanted is Wanted.CANCELLED:
        await recipients.drain(tx, campaign.owner, campaign.id, _CANCELLED, now)
    elif campaign.wanted is Wanted.FINISHED:
        await recipients.drain(tx, campaign.owner, campaign.id, _NOBODY_LEFT, now)


async def _course(
    tx: AsyncConnection,
    campaign: CampaignView,
    members: Sequence[Member],
    held: Why | None,
    problem: Why | None,
    now: datetime,
) -> Course:
    left = await _open(tx, campaign)
    if left.nothing and campaign.wanted is not Wanted.NONE:
        return Course(await _end(tx, campaign), Why.ENDED)
    if campaign.wanted in (Wanted.CANCELLED, Wanted.FINISHED):
        return Course(Phase.RUNNING, Why.CANCELLING)
    if campaign.wanted is Wanted.PAUSED:
        return Course(Phase.PAUSED, Why.PAUSED)
    rest = campaign_rest(now, campaign.terms.schedule) or (Rest(None, held) if held else None)
    if rest is not None and not left.turns:
        return held_by(rest)
    if not members and problem is None and campaign.accounts_checked_at is None and not left.turns:
        return Course(Phase.PREPARING, Why.PREPARING)
    return course(members, left, problem)


async def _open(tx: AsyncConnection, campaign: CampaignView) -> Open:
    # Before an invite, contacts are added by who may invite.
    inviting = [Action.INVITE.value, *([Action.ADD_CONTACT.value] if campaign.action is Action.INVITE else [])]
    row = (await tx.execute(_OPEN, {"campaign": campaign.id, "inviting": inviting})).mappings().one()
    return Open(
        invites=_tried(row["invites"]),
        messages=_tried(row["messages"]),
        turns=row["turns"],
        invites_by=frozenset(row["invites_by"]),
        messages_by=frozenset(row["messages_by"]),
    )


def _tried(found: Sequence[Sequence[str]] | None) -> Tried:
    return frozenset(frozenset(each) for each in found or ())


async def _end(tx: AsyncConnection, campaign: CampaignView) -> Phase:
    if campaign.wanted is Wanted.CANCELLED:
        return Phase.CANCELLED
    if campaign.wanted is Wanted.FINISHED:
        return Phase.DONE_WITH_ERRORS
    names = {"campaign": campaign.id, "errors": [kind.value for kind in ERRORS]}
    return Phase.DONE_WITH_ERRORS if await tx.scalar(_ERRORS, names) else Phase.DONE


async def _without_anybody(
    tx: AsyncConnection, campaign: CampaignView, step: Course, patience: timedelta, now: datetime
) -> Course:
    """No account is left: an end of the wait is set, and comes (LIM-7)."""
    ends = (campaign.since if campaign.why is step.why else now) + patience
    if now < ends:
        return replace(step, until=ends, look_at=ends)
    await recipients.drain(tx, campaign.owner, campaign.id, _NOBODY_LEFT, now)
    return Course(await _end(tx, campaign), Why.ENDED)


async def _tripped(tx: AsyncConnection, campaign: CampaignView, limits: PlatformLimits) -> Why | None:
    if limits.guardrails is None or campaign.wanted is not Wanted.RUN:
        return None
    rows = (await tx.execute(COUNTS, {"campaign": campaign.id})).mappings()
    return tripped(sample(Count(**row) for row in rows).since(Sample(**campaign.held_base)), limits.guardrails)


async def _members(tx: AsyncConnection, campaign: CampaignView, now: datetime) -> list[Member]:
    names = {
        "campaign": campaign.id,
        "chosen": None if campaign.account_ids is None else list(campaign.account_ids),
        "now": now,
    }
    return [_member(row, now) for row in (await tx.execute(_MEMBERS, names)).mappings()]


def _member(row: RowMapping, now: datetime) -> Member:
    rest = _rest(row, now)
    # What it said last may be that it gives way, while it is the account itself that rests.
    to = str(row["to_campaign"]) if rest is not None and rest.why is Why.GIVES_WAY else None
    wakes = row["until"] is not None and now - WAKING <= row["until"] <= now
    says = Why(row["why"])
    return Member(row["account_id"], row["can_invite"], row["checked"], rest, says, to, wakes, row["can_write"])


def _rest(row: RowMapping, now: datetime) -> Rest | None:
    """Why the account does not act: its own state first, then what it said in this campaign, while that lasts."""
    if row["external_status"] != ExternalStatus.ACTIVE:
        return Rest(None, Why.ACCOUNT_INACTIVE)
    rest = account_rest(now, Standing(AccountState(row["state"]), Reason(row["reason"]), row["state_until"]))
    until = _gives_way_until(row, now) if row["why"] == Why.GIVES_WAY else row["until"]
    if rest is None and until is not None and until > now:
        return Rest(until, Why(row["why"]))
    return rest


def _gives_way_until(row: RowMapping, now: datetime) -> datetime | None:
    """None: no higher claim stands. One that was renewed is seen by the account's run, which looks again just now."""
    claimed_until: datetime | None = row["claimed_until"]
    if claimed_until is None:
        return None
    until: datetime = row["until"] or now
    return until if until > now else min(claimed_until, now + WAKING)
