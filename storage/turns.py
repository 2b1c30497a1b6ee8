"""Turns: begin, mark as sent, settle. The record by which nothing is lost and nothing done twice (DESIGN §6).

The account's row is locked first, and everything else is read after that: a statement that waits for the lock and
reads in one would see the campaign as it was before the wait. Order of locks: account, campaign, budgets, queue,
counters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef, ExternalStatus
from domain.campaign import Wanted
from domain.course import NO_PATH_IN
from domain.errors import LeaseLost, NotFound
from domain.outcome import Outcome
from domain.platform import Action, Budget, Identifier
from domain.policy import (
    BUCKET,
    WINDOW,
    Act,
    Decision,
    NothingNow,
    Rest,
    Spent,
    Standing,
    Waiting,
    account_rest,
    decide,
)
from domain.ports import Found, LimitsSource
from domain.turn import Attempt, AttemptState, Halted, Settled, Turn, TurnKey
from domain.why import Why
from storage import claims, settling, texts
from storage.accounts import key, lock, scope, spend, stand
from storage.engine import Database

BUSY_RETRY = timedelta(seconds=1)
"""When to ask again for an account that another campaign is using just now."""

_HELD = text("""
    SELECT external_status FROM account WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
      AND fence = :fence AND lease_until > clock_timestamp()
""")

_TURNS = text("""
    SELECT id, campaign_id, action, closed_at FROM turn WHERE id = :turn AND owner = :owner
    UNION
    SELECT id, campaign_id, action, closed_at FROM turn
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id AND closed_at IS NULL
""")

_ATTEMPTS = text("""
    SELECT a.slot, a.lane, a.state, a.key, a.sent_at, r.position, r.username, r.phone, r.user_id, r.first_name,
           r.last_name, r.fields
    FROM attempt a JOIN recipient r ON r.campaign_id = a.campaign_id AND r.position = a.position
    WHERE a.turn_id = :turn AND a.state <> 'settled' ORDER BY a.slot
""")

_CAMPAIGN = text("""
    SELECT c.wanted, c.ended_at, c.action, c.destination, c.message_budget, c.revision, ca.can_invite, ca.why
    FROM campaign c JOIN campaign_account ca ON ca.campaign_id = c.id AND ca.account_id = :account_id
    WHERE c.id = :campaign AND c.owner = :owner
""")

_USAGE = text("SELECT budget, hour, amount FROM usage WHERE owner = :owner AND scope = :scope AND hour > :since")

_OPEN_TURN = text("""
    INSERT INTO turn (id, owner, campaign_id, adapter, account_id, action, budget, fence, opened_at)
    VALUES (:turn, :owner, :campaign, :adapter, :account_id, :action, :budget, :fence, :now)
""")

_ADOPT = text("UPDATE turn SET fence = :fence WHERE id = :turn")

_OPEN_ATTEMPT = text("""
    INSERT INTO attempt (turn_id, slot, owner, campaign_id, position, account_id, action, instead, lane, seq, bound_to,
                         bound_hard, tried, key, revision, state, opened_at)
    VALUES (:turn, :slot, :owner, :campaign, :position, :account_id, :action, :instead, :lane, :seq, :bound_to,
            :bound_hard, :tried, :key, :revision, 'open', :now)
""")

_SAY = text("""
    UPDATE campaign_account SET why = :why, until = :until, since = CASE WHEN why = :why THEN since ELSE :now END
    WHERE campaign_id = :campaign AND account_id = :account_id AND (why, until) IS DISTINCT FROM (:why, :until)
""")

_IDENTIFY = text("""
    INSERT INTO peer (campaign_id, peer, owner, position) VALUES (:campaign, :peer, :owner, :position)
    ON CONFLICT (campaign_id, peer) DO NOTHING
""")

_IDENTIFIED = text("SELECT position FROM peer WHERE campaign_id = :campaign AND peer = :peer")

# The last look before a call: the wish, the fence and the lease, at once with the mark.
_MARK_SENT = text("""
    UPDATE attempt t SET state = 'sent', sent_at = :now
    FROM campaign c, account a
    WHERE t.turn_id = :turn AND t.slot = ANY (CAST(:slots AS smallint[])) AND t.state = 'open'
      AND c.id = t.campaign_id AND c.wanted = 'run' AND c.ended_at IS NULL
      AND a.owner = :owner AND a.adapter = :adapter AND a.account_id = :account_id
      AND a.fence = :fence AND a.lease_until > clock_timestamp()
    RETURNING t.slot
""")


@dataclass(frozen=True)
class _Campaign:
    wanted: Wanted
    ended: bool
    destination: str
    message_budget: Budget
    revision: int
    invites: bool
    can_invite: bool
    says: Why


class Turns:
    """The store of turns. `chance` in [0, 1) draws gaps, `keys` the attempts' 63-bit keys."""

    def __init__(
        self, database: Database, limits: LimitsSource, chance: Callable[[], float], keys: Callable[[], int]
    ) -> None:
        self._database = database
        self._limits = limits
        self._chance = chance
        self._keys = keys

    async def begin(self, turn: TurnKey, action: Action, now: datetime) -> Turn | Decision | Settled | Halted:
        """Give the account its turn for `action`, or say why not; `Act` names another action that is due instead.

        Repeated with the same id it gives back the same attempts, or says that the turn is settled. A turn of this
        account that an earlier run left open is given back before a new one is made. Raises `LeaseLost`.
        """
        async with self._database.owner(turn.ref.owner) as tx:
            standing = await lock(tx, turn.ref)
            status = await _check_lease(tx, turn)
            earlier = await _earlier(tx, turn)
            campaign = await _campaign(tx, turn)
            if earlier is not None:
                return await texts.addressed(tx, turn, await _given_back(tx, turn, campaign, earlier, standing, now))
            if campaign.wanted is not Wanted.RUN or campaign.ended:
                return Halted(campaign.wanted)
            if status is not ExternalStatus.ACTIVE:  # switched off while its client was open
                switched_off = Rest(None, Why.ACCOUNT_INACTIVE)
                await _say(tx, turn, switched_off, now)
                return switched_off
            limits = self._limits().of(turn.ref.adapter)
            who = await claims.able(tx, turn.campaign_id, turn.ref.adapter)
            found = await claims.waiting(tx, turn.campaign_id, turn.ref.account_id, campaign.can_invite, who)
            waiting = [_waiting(each, lane, campaign.message_budget) for each, lane in found]
            decision = decide(now, standing, limits, await _usage(tx, turn.ref, now), waiting)
            decision = _without_right(decision, campaign)
            await _say(tx, turn, decision, now)
            if not isinstance(decision, Act) or decision.waiting.action is not action:
                return decision
            lane = decision.waiting.lane
            taken = await claims.claim(tx, turn.campaign_id, turn.ref.account_id, action, lane, who, size=1)
            if not taken:  # others took the last ones of this lane meanwhile: look again
                return decision
            gap = limits.gap.draw(self._chance())
            await stand(tx, turn.ref, replace(standing, next_at=now + gap), now)
            await spend(tx, turn.ref, decision.waiting.budget, len(taken), now)
            await _spend_lookups(tx, turn.ref, decision.waiting.lookup, taken, now)
            opened = await self._open(tx, turn, campaign, decision.waiting, taken, now)
            return await texts.addressed(tx, turn, opened)

    async def mark_sent(self, turn_id: str, by: TurnKey, slots: Sequence[int], now: datetime) -> frozenset[int]:
        """Record that these attempts' calls may be made from now on. Those missing in the answer must not be called:
        the owner has paused, or the lease is another's."""
        names = key(by.ref) | {"turn": turn_id, "slots": list(slots), "fence": by.fence, "now": now}
        async with self._database.owner(by.ref.owner) as tx:
            return frozenset(await tx.scalars(_MARK_SENT, names))

    async def identify(self, by: TurnKey, position: int, found: Found) -> bool:
        """Write down who a recipient turned out to be. False: the same person is another recipient of the campaign."""
        names = {"campaign": by.campaign_id, "peer": found.peer, "owner": by.ref.owner, "position": position}
        async with self._database.owner(by.ref.owner) as tx:
            if found.contact_added:
                await settling.count_contact(tx, by)
            await tx.execute(_IDENTIFY, names)
            return bool(await tx.scalar(_IDENTIFIED, names) == position)

    async def still_ours(self, by: TurnKey) -> bool:
        """Whether the lease and the fence still hold: asked before a call in doubt is repeated."""
        async with self._database.owner(by.ref.owner) as tx:
            return (await tx.execute(_HELD, key(by.ref) | {"fence": by.fence})).first() is not None

    async def settle(
        self,
        turn_id: str,
        ref: AccountRef,
        outcomes: Mapping[int, Outcome | None],
        now: datetime,
        fence: int | None = None,
    ) -> None:
        """Write what became of the turn's attempts, by slot, and close it. None: surely no call was made.

        Repeated it changes nothing, but for a fact in place of an `uncertain`. Facts count whatever the fence says;
        that nothing was done does not, once a holder with a newer fence than `fence` has been given the turn: that one
        may have done it.
        """
        async with self._database.owner(ref.owner) as tx:
            standing = await lock(tx, ref)
            limits = self._limits().of(ref.adapter)
            gap = limits.gap.draw(self._chance())
            await settling.settle(tx, turn_id, ref, standing, outcomes, limits, gap, now, fence)

    async def abandon(self, ref: AccountRef, campaign_id: str, now: datetime) -> None:
        """Close a turn that nobody will carry on with: unsent recipients go back, sent ones are uncertain."""
        async with self._database.owner(ref.owner) as tx:
            await lock(tx, ref)
            await settling.abandon(tx, ref, campaign_id, self._limits().of(ref.adapter), now)

    async def _open(
        self,
        tx: AsyncConnection,
        turn: TurnKey,
        campaign: _Campaign,
        waiting: Waiting,
        taken: Sequence[claims.Claimed],
        now: datetime,
    ) -> Turn:
        names = key(turn.ref) | {"turn": turn.turn_id, "campaign": turn.campaign_id, "now": now}
        names |= {"action": waiting.action.value, "budget": waiting.budget.value, "fence": turn.fence}
        await tx.execute(_OPEN_TURN, names)
        attempts = [
            Attempt(slot, each.person, waiting.action, AttemptState.OPEN, self._keys())
            for slot, each in enumerate(taken)
        ]
        rows = [
            names
            | {"slot": attempt.slot, "position": each.person.position, "instead": each.instead, "seq": each.seq}
            | {"tried": list(each.tried), "key": attempt.key, "revision": campaign.revision, "lane": each.lane}
            | {"bound_to": each.bound_to, "bound_hard": each.bound_hard}
            for attempt, each in zip(attempts, taken, strict=True)
        ]
        await tx.execute(_OPEN_ATTEMPT, rows)
        return Turn(turn.turn_id, waiting.action, campaign.destination, tuple(attempts))


async def _check_lease(tx: AsyncConnection, turn: TurnKey) -> ExternalStatus:
    """The account's status in its owner's list. Raises `LeaseLost`."""
    status = await tx.scalar(_HELD, key(turn.ref) | {"fence": turn.fence})
    if status is None:
        raise LeaseLost(f"account {turn.ref.account_id} is no longer leased with fence {turn.fence}")
    return ExternalStatus(status)


async def _earlier(tx: AsyncConnection, turn: TurnKey) -> RowMapping | None:
    """This turn, if it was begun before; else one of this account that stands open."""
    rows = (await tx.execute(_TURNS, key(turn.ref) | {"turn": turn.turn_id})).mappings().all()
    return next((row for row in rows if row["id"] == turn.turn_id), rows[0] if rows else None)


async def _given_back(
    tx: AsyncConnection,
    turn: TurnKey,
    campaign: _Campaign,
    earlier: RowMapping,
    standing: Standing,
    now: datetime,
) -> Turn | Settled | Rest:
    if earlier["closed_at"] is not None:
        return Settled()
    rest = account_rest(now, standing)
    if rest is not None:  # what is in doubt waits with the account, which alone can find it out
        await _say(tx, turn, rest, now)
        return rest
    if str(earlier["campaign_id"]) != turn.campaign_id:
        busy = Rest(now + BUSY_RETRY, Why.ACCOUNT_BUSY)
        await _say(tx, turn, busy, now)
        return busy
    await tx.execute(_ADOPT, {"turn": earlier["id"], "fence": turn.fence})
    rows = (await tx.execute(_ATTEMPTS, {"turn": earlier["id"]})).mappings()
    action = Action(earlier["action"])
    attempts = tuple(
        Attempt(
            slot=row["slot"],
            person=claims.person(row),
            action=action,
            state=AttemptState(row["state"]),
            key=row["key"],
            sent_at=row["sent_at"],
        )
        for row in rows
    )
    return Turn(earlier["id"], action, campaign.destination, attempts)


async def _campaign(tx: AsyncConnection, turn: TurnKey) -> _Campaign:
    row = (await tx.execute(_CAMPAIGN, key(turn.ref) | {"campaign": turn.campaign_id})).mappings().first()
    if row is None:
        raise NotFound("account in this campaign")
    return _Campaign(
        wanted=Wanted(row["wanted"]),
        ended=row["ended_at"] is not None,
        destination=row["destination"],
        message_budget=Budget(row["message_budget"]),
        revision=row["revision"],
        invites=row["action"] == Action.INVITE,
        can_invite=row["can_invite"],
        says=Why(row["why"]),
    )


def _without_right(decision: Decision, campaign: _Campaign) -> Decision:
    """An account that finds nothing because it may not invite says that, or what is wrong with the destination."""
    if not isinstance(decision, NothingNow) or campaign.can_invite or not campaign.invites:
        return decision
    return Rest(None, campaign.says if campaign.says in NO_PATH_IN else Why.NOT_ADMIN)


_LOOKUPS = {Identifier.USERNAME: Budget.RESOLVE, Identifier.PHONE: Budget.ADD_CONTACT}


def _waiting(action: Action, lane: Identifier, message: Budget) -> Waiting:
    budgets = {Action.INVITE: Budget.INVITE, Action.ADD_CONTACT: Budget.ADD_CONTACT}
    budget, lookup = budgets.get(action, message), _LOOKUPS.get(lane)
    return Waiting(action, budget, lane, None if lookup is budget else lookup)  # it is one adding of one contact


async def _spend_lookups(
    tx: AsyncConnection, ref: AccountRef, lookup: Budget | None, taken: Sequence[claims.Claimed], now: datetime
) -> None:
    unknown = [each for each in taken if not await claims.is_known(tx, ref, each.person)]
    if lookup is not None and unknown:
        await spend(tx, ref, lookup, len(unknown), now)


async def _usage(tx: AsyncConnection, ref: AccountRef, now: datetime) -> dict[Budget, list[Spent]]:
    names = {"owner": ref.owner, "scope": scope(ref), "since": now - WINDOW - BUCKET}
    usage: dict[Budget, list[Spent]] = {}
    for row in (await tx.execute(_USAGE, names)).mappings():
        usage.setdefault(Budget(row["budget"]), []).append(Spent(row["hour"], row["amount"]))
    return usage


async def _say(tx: AsyncConnection, turn: TurnKey, decision: Decision, now: datetime) -> None:
    """Let the campaign's line of this account say what it is doing. A gap is part of working."""
    why, until = Why.WORKING, None
    if isinstance(decision, NothingNow):
        why = Why.QUEUE_EMPTY
    elif isinstance(decision, Rest) and decision.why is not Why.GAP:
        why, until = decision.why, decision.until
    names = {"campaign": turn.campaign_id, "account_id": turn.ref.account_id, "why": why.value, "until": until}
    await tx.execute(_SAY, names | {"now": now})
