"""What a turn's outcomes change: attempts, recipients, queue, counters, budget and account, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.campaign import Wanted
from domain.limits import PlatformLimits
from domain.membership import is_followed, next_look
from domain.outcome import UNSPENT, Kind, Outcome, Party, Reason
from domain.platform import Action, Budget, Identifier
from domain.standing import FLOOD_SIGNS, Standing, after
from domain.turn import Again, AttemptState, Final, Rules, TurnKey, Work, follow_up, keeps_from_forwarding
from domain.why import Why
from storage import low_water, suppression, waiters
from storage.accounts import stand
from storage.engine import Ask, Row, together
from storage.usage import Purse

_TURN = text("""
    SELECT t.id, t.campaign_id, t.action, t.budget, t.fence, t.opened_at, t.closed_at, t.pause, c.wanted,
           c.message_when_refused, c.test, c.action AS campaign_action
    FROM turn t JOIN campaign c ON c.id = t.campaign_id
    WHERE t.id = :turn AND t.owner = :owner FOR UPDATE OF t
""")

_OPEN_TURN_OF = text("""
    SELECT id FROM turn WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
      AND campaign_id = :campaign AND closed_at IS NULL
""")

_ATTEMPTS = text("""
    SELECT a.slot, a.position, a.action, a.instead, a.lane, a.seq, a.bound_to, a.bound_hard, a.tried, a.state,
           a.outcome, a.reason, a.revision, r.phone IS NOT NULL AS has_phone
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
    WITH back AS (
        INSERT INTO queue (campaign_id, action, lane, seq, owner, position, instead, tried, bound_to, bound_hard)
        VALUES (:campaign, :action, :lane, CASE WHEN :to_tail THEN nextval('queue_tail') ELSE :seq END, :owner,
                :position, :instead, :tried, :bound_to, :bound_hard)
        RETURNING seq
    )
    UPDATE queue_low low SET seq = back.seq FROM back
    WHERE low.campaign_id = :campaign AND low.action = :action AND low.lane = :lane AND low.seq > back.seq
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

_LOOK = text("""
    INSERT INTO look (campaign_id, position, owner, adapter, account_id, since, due_at)
    VALUES (:campaign, :position, :owner, :adapter, :account_id, :now, :look_at)
    ON CONFLICT (campaign_id, position) DO NOTHING
""")

_CLOSE = text("UPDATE turn SET closed_at = :now WHERE id = :turn")

_LOSES_RIGHT = text("""
    UPDATE campaign_account SET can_invite = false, checked = true, refused = :reason, why = :why, since = :now,
                                until = NULL, to_campaign = NULL
    WHERE campaign_id = :campaign AND account_id = :account_id
""")

# Whatever the owner has wished since then may have mended it, and what was edited meanwhile is another post.
_LOSES_SIGHT = text("""
    UPDATE campaign_account ca SET post_unseen_no = c.control_no FROM campaign c
    WHERE c.id = :campaign AND c.revision = :revision AND ca.campaign_id = c.id AND ca.account_id = :account_id
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
    turn, attempts = await _read(tx, turn_id, ref)
    if turn is None:
        return
    if turn["closed_at"] is not None:
        await together(tx, *_upgrade(turn, ref, attempts, outcomes, limits, now))
        return
    purse = Purse(ref, turn["campaign_id"], standing, limits)
    flood = any(each is not None and each.kind in FLOOD_SIGNS for each in outcomes.values())
    floods = [waiters.note_flood(ref, now)] if flood else []
    stood = _stood(standing, outcomes, limits, now)
    late = fence is not None and fence < turn["fence"]
    if late and not all(_is_fact(outcomes.get(attempt["slot"])) for attempt in attempts):
        await together(tx, *floods, stand(ref, stood, now))
        return
    settled = [
        each
        for attempt in attempts
        for each in _settle_one(turn, ref, attempt, outcomes.get(attempt["slot"]), purse, now)
    ]
    closing = Ask(_CLOSE, {"turn": turn_id, "now": now})
    await together(tx, *floods, *settled, closing, stand(ref, _paced(stood, turn["pause"], now), now))


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
    turn, attempts = await _read(tx, turn_id, ref)
    assert turn is not None  # the account's row is locked
    purse = Purse(ref, campaign_id, standing, limits)
    settled: list[Ask] = []
    for attempt in attempts:
        sent = attempt["state"] == AttemptState.SENT
        outcome = Outcome(Kind.UNCERTAIN, Reason.ACCOUNT_GONE) if sent else None
        settled += _settle_one(turn, ref, attempt, outcome, purse, now)
    await together(tx, *settled, Ask(_CLOSE, {"turn": turn_id, "now": now}))


async def _read(tx: AsyncConnection, turn_id: str, ref: AccountRef) -> tuple[Row | None, Sequence[Row]]:
    """The turn, whose row is locked then, with its attempts."""
    this = {"turn": turn_id, "owner": ref.owner}
    turns, attempts = await together(tx, Ask(_TURN, this), Ask(_ATTEMPTS, this))
    return (turns[0] if turns else None), attempts


def count_contact(by: TurnKey) -> Ask:
    """Looking somebody up has put them into the account's contacts: counted as a step on the way."""
    names: dict[str, object] = {"campaign": by.campaign_id, "account_id": by.ref.account_id, "owner": by.ref.owner}
    names |= {"action": Action.ADD_CONTACT.value, "instead": False}
    return _count(names, Outcome(Kind.CONTACT_ADDED), final=False)


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


def _settle_one(
    turn: Row,
    ref: AccountRef,
    attempt: Row,
    outcome: Outcome | None,
    purse: Purse,
    now: datetime,
) -> Sequence[Ask]:
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
        action, wanted = Action(turn["campaign_action"]), Wanted(turn["wanted"])
        rules = Rules(action, turn["message_when_refused"], wanted, turn["test"])
        following = follow_up(outcome, work, ref.account_id, rules)
    elif turn["wanted"] == Wanted.CANCELLED:
        following = Final(Outcome(Kind.CANCELLED, Reason.CAMPAIGN_CANCELLED))
    names = _names(turn, ref, attempt, purse.limits, now)
    kind, reason = (outcome.kind.value, outcome.reason.value) if outcome else (None, None)
    asks = [Ask(_SETTLE_ATTEMPT, names | {"kind": kind, "reason": reason})]
    if outcome is None or outcome.kind in UNSPENT:
        asks.append(purse.give_back(Budget(turn["budget"]), turn["opened_at"]))
    if outcome is not None and outcome.kind is Kind.POSTPONED:
        asks.append(purse.spend_up(Budget.ADD_CONTACT, now))
    if outcome is not None and outcome.kind in (Kind.NOT_ADMIN, Kind.DESTINATION):
        why = _DESTINATION.get(outcome.reason, Why.DESTINATION_CLOSED)
        why = Why.NOT_ADMIN if outcome.kind is Kind.NOT_ADMIN else why
        asks.append(Ask(_LOSES_RIGHT, names | {"why": why.value, "reason": reason}))
    if outcome is not None and keeps_from_forwarding(outcome):
        asks.append(Ask(_LOSES_SIGHT, names | {"revision": attempt["revision"]}))
    if isinstance(following, Again):
        return [*asks, *_again(names, following, outcome)]
    return [*asks, *_final(names, following.outcome, outcome)]


def _names(turn: Row, ref: AccountRef, attempt: Row, limits: PlatformLimits, now: datetime) -> dict[str, object]:
    return {
        "now": now,
        "look_at": next_look(limits.look_again, now, now),
        "turn": turn["id"],
        "slot": attempt["slot"],
        "campaign": turn["campaign_id"],
        "owner": ref.owner,
        "adapter": ref.adapter,
        "account_id": ref.account_id,
        "position": attempt["position"],
        "action": attempt["action"],
        "instead": attempt["instead"],
        "lane": attempt["lane"],
        "seq": attempt["seq"],
    }


def _again(names: dict[str, object], again: Again, outcome: Outcome | None) -> Sequence[Ask]:
    counted = [] if outcome is None else [_count(names, outcome, final=False)]
    work = {
        "action": again.work.action.value,
        "instead": again.work.instead,
        "tried": list(again.work.tried),
        "bound_to": again.work.bound_to,
        "bound_hard": again.work.bound_hard,
        "lane": again.work.lane.value,
    }
    going = low_water.going_back(names["campaign"])
    return [going, Ask(_QUEUE_AGAIN, names | work | {"to_tail": again.to_tail}), *counted]


def _final(names: dict[str, object], final: Outcome, answered: Outcome | None) -> Sequence[Ask]:
    # Another answer than the final one: the third account's failure, or one in a cancelled campaign.
    steps = [] if answered is None or answered == final else [_count(names, answered, final=False)]
    settled = names | {"kind": final.kind.value, "reason": final.reason.value}
    settling = [Ask(_SETTLE_RECIPIENT, settled), *steps, _count(names, final, final=True), Ask(_PROGRESS, names)]
    return [*settling, *suppression.remembered(final, settled), *_followed(names, final)]


def _followed(names: dict[str, object], final: Outcome) -> Sequence[Ask]:
    """Who was invited is looked for at the destination again, first by the account that knows them."""
    return [Ask(_LOOK, names)] if is_followed(final) and names["look_at"] is not None else []


def _count(names: dict[str, object], outcome: Outcome, *, final: bool, n: int = 1) -> Ask:
    counted = {"kind": outcome.kind.value, "reason": outcome.reason.value, "final": final, "n": n}
    return Ask(_COUNT, names | counted)


def _upgrade(
    turn: Row,
    ref: AccountRef,
    attempts: Sequence[Row],
    outcomes: Mapping[int, Outcome | None],
    limits: PlatformLimits,
    now: datetime,
) -> Sequence[Ask]:
    """A late fact takes the place of an `uncertain`. Anything else that comes twice changes nothing."""
    asks: list[Ask] = []
    for attempt in attempts:
        fact = outcomes.get(attempt["slot"])
        if attempt["outcome"] != Kind.UNCERTAIN or fact is None or not _is_fact(fact):
            continue
        names = _names(turn, ref, attempt, limits, now)
        found = names | {"kind": fact.kind.value, "reason": fact.reason.value}
        before = Outcome(Kind.UNCERTAIN, Reason(attempt["reason"]))
        asks += [Ask(_SETTLE_ATTEMPT, found), Ask(_SETTLE_RECIPIENT, found)]
        asks += [_count(names, before, final=True, n=-1), _count(names, fact, final=True)]
        asks += [*suppression.remembered(fact, found), *_followed(names, fact)]
    return asks
