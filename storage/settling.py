"""What a turn's outcomes change: attempts, recipients, queue, counters, budget and account, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.campaign import Wanted
from domain.limits import PlatformLimits
from domain.outcome import UNSPENT, Kind, Outcome, Party, Reason
from domain.platform import Action, Budget, Identifier
from domain.standing import FLOOD_SIGNS, Standing, after
from domain.turn import Again, AttemptState, Final, Rules, TurnKey, Work, follow_up
from domain.why import Why
from storage import waiters
from storage.accounts import stand
from storage.usage import Purse

_TURN = text("""
    SELECT t.id, t.campaign_id, t.action, t.budget, t.fence, t.opened_at, t.closed_at, t.pause, c.wanted,
           c.message_when_refused, c.action AS campaign_action
    FROM turn t JOIN campaign c ON c.id = t.campaign_id
    WHERE t.id = :turn AND t.owner = :owner FOR UPDATE OF t
""")

_OPEN_TURN_OF = text("""
    SELECT id FROM turn WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
      AND campaign_id = :campaign AND closed_at IS NULL
""")

_ATTEMPTS = text("""
    SELECT a.slot, a.position, a.action, a.instead, a.lane, a.seq, a.bound_to, a.bound_hard, a.tried, a.state,
           a.outcome, a.reason, r.phone IS NOT NULL AS has_phone
    FROM attempt a JOIN recipient r ON r.campaign_id = a.campaign_id AND r.position = a.position
    WHERE a.turn_id = :turn ORDER BY a.slot
""")

_SETTLE_ATTEMPT = text("""
    UPDATE attempt SET state = 'settled', settled_at = :now, outcome = :kind, reason = :reason
    WHERE turn_id = :turn AND slot = :slot
""")

_SETTLE_RECIPIENT = text("""
    UPDATE recipient SET outcome = :kind, reason = :reason, action = :action, instead = :instead,
                         account_id = :account_id, settled_at = :now
    WHERE campaign_id = :campaign AND position = :position
""")

_QUEUE_AGAIN = text("""
    INSERT INTO queue (campaign_id, action, lane, seq, owner, position, instead, tried, bound_to, bound_hard)
    VALUES (:campaign, :action, :lane, CASE WHEN :to_tail THEN nextval('queue_tail') ELSE :seq END, :owner, :position,
            :instead, :tried, :bound_to, :bound_hard)
""")

_COUNT = text("""
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    VALUES (:campaign, :account_id, :action, :instead, :kind, :reason, :final, :owner, :n)
    ON CONFLICT (campaign_id, account_id, action, instead, kind, reason, final)
    DO UPDATE SET n = counter.n + excluded.n
""")

_PROGRESS = text("""
    INSERT INTO progress (campaign_id, minute, account_id, owner, n)
    VALUES (:campaign, date_trunc('minute', CAST(:now AS timestamptz)), :account_id, :owner, 1)
    ON CONFLICT (campaign_id, minute, account_id) DO UPDATE SET n = progress.n + 1
""")

_CLOSE = text("UPDATE turn SET closed_at = :now WHERE id = :turn")

_LOSES_RIGHT = text("""
    UPDATE campaign_account SET can_invite = false, checked = true, why = :why, since = :now, until = NULL,
                                to_campaign = NULL
    WHERE campaign_id = :campaign AND account_id = :account_id
""")

_DESTINATION = {
    Reason.DESTINATION_FULL: Why.DESTINATION_FULL,
    Reason.DESTINATION_UNKNOWN: Why.DESTINATION_UNKNOWN,
    Reason.DESTINATION_PRIVATE: Why.DESTINATION_PRIVATE,
}


async def settle(
    tx: AsyncConnection,
    turn_id: str,
    ref: AccountRef,
    standing: Standing,
    outcomes: Mapping[int, Outcome | None],
    limits: PlatformLimits,
    now: datetime,
    fence: int | None,
) -> None:
    """See `Turns.settle`. The account's row is locked, `standing` is what it says."""
    turn = (await tx.execute(_TURN, {"turn": turn_id, "owner": ref.owner})).mappings().first()
    if turn is None:
        return
    attempts = (await tx.execute(_ATTEMPTS, {"turn": turn_id})).mappings().all()
    if turn["closed_at"] is not None:
        await _upgrade(tx, turn, ref, attempts, outcomes, now)
        return
    purse = Purse(tx, ref, turn["campaign_id"], standing, limits)
    if any(each is not None and each.kind in FLOOD_SIGNS for each in outcomes.values()):
        await waiters.note_flood(tx, ref, now)
    late = fence is not None and fence < turn["fence"]
    if late and not all(_is_fact(outcomes.get(attempt["slot"])) for attempt in attempts):
        await stand(tx, ref, _stood(standing, outcomes, limits, now), now)
        return
    for attempt in attempts:
        await _settle_one(tx, turn, ref, attempt, outcomes.get(attempt["slot"]), purse, now)
    await tx.execute(_CLOSE, {"turn": turn_id, "now": now})
    await stand(tx, ref, _paced(_stood(standing, outcomes, limits, now), turn["pause"], now), now)


async def abandon(
    tx: AsyncConnection,
    ref: AccountRef,
    standing: Standing,
    campaign_id: str,
    limits: PlatformLimits,
    now: datetime,
) -> None:
    """See `Turns.abandon`. The account's row is locked; its standing is left as it is."""
    names = {"owner": ref.owner, "adapter": ref.adapter, "account_id": ref.account_id, "campaign": campaign_id}
    turn_id = await tx.scalar(_OPEN_TURN_OF, names)
    if turn_id is None:
        return
    purse = Purse(tx, ref, campaign_id, standing, limits)
    turn = (await tx.execute(_TURN, {"turn": turn_id, "owner": ref.owner})).mappings().one()
    for attempt in (await tx.execute(_ATTEMPTS, {"turn": turn_id})).mappings().all():
        sent = attempt["state"] == AttemptState.SENT
        outcome = Outcome(Kind.UNCERTAIN, Reason.ACCOUNT_GONE) if sent else None
        await _settle_one(tx, turn, ref, attempt, outcome, purse, now)
    await tx.execute(_CLOSE, {"turn": turn_id, "now": now})


async def count_contact(tx: AsyncConnection, by: TurnKey) -> None:
    """Looking somebody up has put them into the account's contacts: counted as a step on the way."""
    names: dict[str, object] = {"campaign": by.campaign_id, "account_id": by.ref.account_id, "owner": by.ref.owner}
    names |= {"action": Action.ADD_CONTACT.value, "instead": False}
    await _count(tx, names, Outcome(Kind.CONTACT_ADDED), final=False)


def _is_fact(outcome: Outcome | None) -> bool:
    """Whether the platform has told what became of the person."""
    return outcome is not None and outcome.kind.party in (Party.NOBODY, Party.RECIPIENT)


def _stood(
    standing: Standing, outcomes: Mapping[int, Outcome | None], limits: PlatformLimits, now: datetime
) -> Standing:
    """How the account stands after all that the platform answered."""
    for slot in sorted(outcomes):
        outcome = outcomes[slot]
        standing = standing if outcome is None else after(outcome, standing, limits, now)
    return standing


def _paced(standing: Standing, gap: timedelta, now: datetime) -> Standing:
    """The gap counts from the end of the action."""
    return replace(standing, next_at=max(now + gap, standing.next_at or now))


async def _settle_one(
    tx: AsyncConnection,
    turn: RowMapping,
    ref: AccountRef,
    attempt: RowMapping,
    outcome: Outcome | None,
    purse: Purse,
    now: datetime,
) -> None:
    work = Work(
        Action(attempt["action"]),
        attempt["instead"],
        tuple(attempt["tried"]),
        attempt["bound_to"],
        attempt["bound_hard"],
        Identifier(attempt["lane"]),
        attempt["has_phone"],
    )
    following: Final | Again = Again(work, to_tail=False)
    if outcome is not None:
        rules = Rules(Action(turn["campaign_action"]), turn["message_when_refused"], Wanted(turn["wanted"]))
        following = follow_up(outcome, work, ref.account_id, rules)
    elif turn["wanted"] == Wanted.CANCELLED:
        following = Final(Outcome(Kind.CANCELLED, Reason.CAMPAIGN_CANCELLED))
    names = _names(turn, ref, attempt) | {"now": now}
    kind, reason = (outcome.kind.value, outcome.reason.value) if outcome else (None, None)
    await tx.execute(_SETTLE_ATTEMPT, names | {"kind": kind, "reason": reason})
    if outcome is None or outcome.kind in UNSPENT:
        await purse.give_back(Budget(turn["budget"]), turn["opened_at"])
    if outcome is not None and outcome.kind is Kind.POSTPONED:
        await purse.spend_up(Budget.ADD_CONTACT, now)
    if outcome is not None and outcome.kind in (Kind.NOT_ADMIN, Kind.DESTINATION):
        why = _DESTINATION.get(outcome.reason, Why.DESTINATION_CLOSED)
        why = Why.NOT_ADMIN if outcome.kind is Kind.NOT_ADMIN else why
        await tx.execute(_LOSES_RIGHT, names | {"why": why.value})
    if isinstance(following, Again):
        await _again(tx, names, following, outcome)
    else:
        await _final(tx, names, following.outcome, outcome)


def _names(turn: RowMapping, ref: AccountRef, attempt: RowMapping) -> dict[str, object]:
    return {
        "turn": turn["id"],
        "slot": attempt["slot"],
        "campaign": turn["campaign_id"],
        "owner": ref.owner,
        "account_id": ref.account_id,
        "position": attempt["position"],
        "action": attempt["action"],
        "instead": attempt["instead"],
        "lane": attempt["lane"],
        "seq": attempt["seq"],
    }


async def _again(tx: AsyncConnection, names: dict[str, object], again: Again, outcome: Outcome | None) -> None:
    if outcome is not None:
        await _count(tx, names, outcome, final=False)
    work = {
        "action": again.work.action.value,
        "instead": again.work.instead,
        "tried": list(again.work.tried),
        "bound_to": again.work.bound_to,
        "bound_hard": again.work.bound_hard,
        "lane": again.work.lane.value,
    }
    await tx.execute(_QUEUE_AGAIN, names | work | {"to_tail": again.to_tail})


async def _final(tx: AsyncConnection, names: dict[str, object], final: Outcome, answered: Outcome | None) -> None:
    if answered is not None and answered != final:  # the third account's failure, or one in a cancelled campaign
        await _count(tx, names, answered, final=False)
    await tx.execute(_SETTLE_RECIPIENT, names | {"kind": final.kind.value, "reason": final.reason.value})
    await _count(tx, names, final, final=True)
    await tx.execute(_PROGRESS, names)


async def _count(tx: AsyncConnection, names: dict[str, object], outcome: Outcome, *, final: bool, n: int = 1) -> None:
    counted = {"kind": outcome.kind.value, "reason": outcome.reason.value, "final": final, "n": n}
    await tx.execute(_COUNT, names | counted)


async def _upgrade(
    tx: AsyncConnection,
    turn: RowMapping,
    ref: AccountRef,
    attempts: Sequence[RowMapping],
    outcomes: Mapping[int, Outcome | None],
    now: datetime,
) -> None:
    """A late fact takes the place of an `uncertain`. Anything else that comes twice changes nothing."""
    for attempt in attempts:
        fact = outcomes.get(attempt["slot"])
        if attempt["outcome"] != Kind.UNCERTAIN or fact is None or not _is_fact(fact):
            continue
        names = _names(turn, ref, attempt) | {"now": now}
        found = {"kind": fact.kind.value, "reason": fact.reason.value}
        await tx.execute(_SETTLE_ATTEMPT, names | found)
        await tx.execute(_SETTLE_RECIPIENT, names | found)
        await _count(tx, names, Outcome(Kind.UNCERTAIN, Reason(attempt["reason"])), final=True, n=-1)
        await _count(tx, names, fact, final=True)
