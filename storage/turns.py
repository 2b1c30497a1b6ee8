"""Turns: begin, mark as sent, settle. The record by which nothing is lost and nothing done twice (DESIGN §6).

The account's row is locked first, and everything else is read after that: a statement that waits for the lock and
reads in one would see the campaign as it was before the wait. Order of locks: account, campaign, budgets, queue,
counters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef, ExternalStatus
from domain.errors import LeaseLost
from domain.limits import PlatformLimits
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget
from domain.policy import (
    PATIENCE,
    Act,
    Campaign,
    Claim,
    Decision,
    Situation,
    Waiting,
    campaign_rest,
    claim,
    decide,
    spacing,
)
from domain.ports import Found, LimitsSource
from domain.recipient import Person
from domain.standing import Rest, Standing, account_rest
from domain.turn import Attempt, AttemptState, Halted, Settled, Turn, TurnKey
from domain.why import Why
from storage import ahead, claims, settling, situations, suppression, texts, waiters
from storage.accounts import key, lock, locked, locking, stand
from storage.engine import Ask, Database, Row, together
from storage.situations import TurnCampaign
from storage.terms import schedule
from storage.usage import Purse

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

_ATTEMPTS = text(f"""
    SELECT a.slot, a.lane, a.state, a.key, a.sent_at, r.position, r.username, r.phone, r.user_id, r.first_name,
           r.last_name, r.fields, {suppression.ON_THE_LIST.format(of="r")} AS suppressed
    FROM attempt a JOIN recipient r ON r.campaign_id = a.campaign_id AND r.position = a.position
    WHERE a.turn_id = :turn AND a.state <> 'settled' ORDER BY a.slot
""")

_OPEN_TURN = text("""
    INSERT INTO turn (id, owner, campaign_id, adapter, account_id, action, budget, fence, opened_at, pause)
    VALUES (:turn, :owner, :campaign, :adapter, :account_id, :action, :budget, :fence, :now, :pause)
""")

_ADOPT = text("UPDATE turn SET fence = :fence WHERE id = :turn")

_OPEN_ATTEMPT = text("""
    INSERT INTO attempt (turn_id, slot, owner, campaign_id, position, account_id, action, instead, lane, seq, bound_to,
                         bound_hard, tried, key, revision, state, opened_at)
    VALUES (:turn, :slot, :owner, :campaign, :position, :account_id, :action, :instead, :lane, :seq, :bound_to,
            :bound_hard, :tried, :key, :revision, 'open', :now)
""")

_IDENTIFY = text("""
    INSERT INTO peer (campaign_id, peer, owner, position) VALUES (:campaign, :peer, :owner, :position)
    ON CONFLICT (campaign_id, peer) DO NOTHING
""")

_IDENTIFIED = text("SELECT position FROM peer WHERE campaign_id = :campaign AND peer = :peer")

# The last look before a call: the wish, what holds the campaign, the choice of accounts, the fence and the lease, at
# once with the mark.
_MARK_SENT = text("""
    UPDATE attempt t SET state = 'sent', sent_at = :now
    FROM campaign c, account a
    WHERE t.turn_id = :turn AND t.slot = ANY (CAST(:slots AS smallint[])) AND t.state = 'open'
      AND c.id = t.campaign_id AND c.wanted = 'run' AND c.ended_at IS NULL AND c.held IS NULL
      AND (c.account_ids IS NULL OR a.account_id = ANY (c.account_ids))
      AND a.owner = :owner AND a.adapter = :adapter AND a.account_id = :account_id
      AND a.fence = :fence AND a.lease_until > clock_timestamp()
    RETURNING t.slot, c.schedule
""")

_TAKE_BACK = text("""
    UPDATE attempt SET state = 'open', sent_at = NULL
    WHERE turn_id = :turn AND slot = ANY (CAST(:marked AS smallint[])) AND state = 'sent'
""")


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
        async with self._database.owner(turn.ref.owner, by_keys=True) as tx:
            this = key(turn.ref) | {"turn": turn.turn_id, "fence": turn.fence}
            accounts, held, turns, campaigns = await together(
                tx, locking(turn.ref), Ask(_HELD, this), Ask(_TURNS, this), situations.asking(turn)
            )
            standing = locked(accounts)
            status = _check_lease(held, turn)
            earlier = _earlier(turns, turn)
            campaign = situations.campaign(campaigns)
            if earlier is not None:
                given = await _given_back(tx, turn, campaign, earlier, standing, now)
                return await texts.addressed(tx, turn, given)
            kept_out = situations.kept_out(campaign, status)
            if campaign.halted or kept_out is not None:
                await together(tx, waiters.claim(turn.ref, turn.campaign_id, None))
            if campaign.halted:
                return Halted(campaign.wanted)
            if kept_out is not None:
                await together(tx, situations.say(turn, kept_out, now))
                return kept_out
            return await texts.addressed(tx, turn, await self._decide(tx, turn, action, campaign, standing, now))

    async def _decide(
        self,
        tx: AsyncConnection,
        turn: TurnKey,
        action: Action,
        campaign: TurnCampaign,
        standing: Standing,
        now: datetime,
    ) -> Turn | Decision:
        limits = self._limits().of(turn.ref.adapter)
        purse = Purse(turn.ref, turn.campaign_id, standing, limits)
        found, waiting = await _look(tx, turn, campaign, standing, limits, purse, now)
        decision = situations.without_right(decide(found, waiting), campaign)
        said = (
            situations.say(turn, decision, now),
            waiters.claim(turn.ref, turn.campaign_id, claim(decision, found, waiting)),
        )
        if not isinstance(decision, Act) or decision.waiting.action is not action:
            await together(tx, *said)
            return decision
        served = decision.waiting
        claiming = claims.claim(turn.ref, turn.campaign_id, action, served.lane, decision.size)
        taken = claims.claimed((await together(tx, *said, claiming))[-1])
        if not taken:  # others took the last ones of this lane meanwhile: look again
            return decision
        spaced = spacing(found, served, len(taken), self._chance())
        opened, opening = self._open(turn, campaign, served, taken, spaced.next_at - now, now)
        names = [name for each in taken for name in each.person.names]
        listed, *_ = await together(
            tx,
            suppression.among(turn.ref.owner, names),
            stand(turn.ref, replace(standing, next_at=spaced.next_at), now),
            purse.spend(served.budget, len(taken), now, spaced.paced_at),
            *_spend_lookups(purse, served.lookup, taken, now),
            *opening,
        )
        return suppression.marked(opened, turn.ref.owner, listed)

    async def mark_sent(self, turn_id: str, by: TurnKey, slots: Sequence[int], now: datetime) -> frozenset[int]:
        """Record that these attempts' calls may be made from now on. Those missing in the answer must not be called:
        the owner has paused, the campaign's hours have ended since the turn was begun, or the lease is another's."""
        names = key(by.ref) | {"turn": turn_id, "slots": list(slots), "fence": by.fence, "now": now}
        async with self._database.owner(by.ref.owner, by_keys=True) as tx:
            [rows] = await together(tx, Ask(_MARK_SENT, names))
            marked = [row["slot"] for row in rows]
            if any(campaign_rest(now, schedule(row["schedule"])) for row in rows[:1]):
                await together(tx, Ask(_TAKE_BACK, {"turn": turn_id, "marked": marked}))
                return frozenset()
            return frozenset(marked)

    async def identify(self, by: TurnKey, person: Person, found: Found) -> Outcome | None:
        """Write down who a recipient turned out to be. An outcome: the person must not be touched.

        It is another recipient of the campaign, or on the do-not-contact list by any name that leads to who was found.
        """
        names = {"campaign": by.campaign_id, "peer": found.peer, "owner": by.ref.owner, "position": person.position}
        async with self._database.owner(by.ref.owner, by_keys=True) as tx:
            counting = [settling.count_contact(by)] if found.contact_added else []
            listing = suppression.is_known_as(by.ref.owner, by.ref.adapter, person, found.peer)
            *_, listed, _, [same] = await together(
                tx, *counting, listing, Ask(_IDENTIFY, names), Ask(_IDENTIFIED, names)
            )
        if listed:
            return Outcome(Kind.SKIPPED, Reason.SUPPRESSED)
        return None if same["position"] == person.position else Outcome(Kind.SKIPPED, Reason.SAME_PERSON)

    async def ahead(self, by: TurnKey, at_most: int) -> Sequence[Person]:
        """Of the next `at_most` in each lane of the campaign's queue for messages: whom the account knows."""
        async with self._database.owner(by.ref.owner) as tx:
            return await ahead.known_next(tx, by, at_most)

    async def still_ours(self, by: TurnKey) -> bool:
        """Whether the lease and the fence still hold: asked before a call in doubt is repeated."""
        async with self._database.owner(by.ref.owner, by_keys=True) as tx:
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
        async with self._database.owner(ref.owner, by_keys=True) as tx:
            standing = await lock(tx, ref)
            limits = self._limits().of(ref.adapter)
            await settling.settle(tx, turn_id, ref, standing, outcomes, limits, now, fence)

    async def abandon(self, ref: AccountRef, campaign_id: str, now: datetime) -> None:
        """Close a turn that nobody will carry on with: unsent recipients go back, sent ones are uncertain."""
        async with self._database.owner(ref.owner, by_keys=True) as tx:
            standing = await lock(tx, ref)
            await settling.abandon(tx, ref, standing, campaign_id, self._limits().of(ref.adapter), now)

    def _open(
        self,
        turn: TurnKey,
        campaign: TurnCampaign,
        waiting: Waiting,
        taken: Sequence[claims.Claimed],
        pause: timedelta,
        now: datetime,
    ) -> tuple[Turn, Sequence[Ask]]:
        names = key(turn.ref) | {"turn": turn.turn_id, "campaign": turn.campaign_id, "now": now, "pause": pause}
        names |= {"action": waiting.action.value, "budget": waiting.budget.value, "fence": turn.fence}
        attempts = [
            Attempt(slot, each.person, waiting.action, AttemptState.OPEN, self._keys())
            for slot, each in enumerate(taken)
        ]
        opening = [
            names
            | {"slot": attempt.slot, "position": each.person.position, "instead": each.instead, "seq": each.seq}
            | {"tried": list(each.tried), "key": attempt.key, "revision": campaign.revision, "lane": each.lane}
            | {"bound_to": each.bound_to, "bound_hard": each.bound_hard}
            for attempt, each in zip(attempts, taken, strict=True)
        ]
        opened = Turn(turn.turn_id, waiting.action, campaign.destination, tuple(attempts))
        return opened, [Ask(_OPEN_TURN, names), *(Ask(_OPEN_ATTEMPT, each) for each in opening)]


async def _look(
    tx: AsyncConnection,
    turn: TurnKey,
    campaign: TurnCampaign,
    standing: Standing,
    limits: PlatformLimits,
    purse: Purse,
    now: datetime,
) -> tuple[Situation, Sequence[Waiting]]:
    """All that the decision depends on, and who waits. The account's row is locked."""
    locks = purse.locking()
    floods = [waiters.floods(turn.ref.adapter, now)] if limits.platform_slow_down is not None else []
    asked = [
        purse.spending(now),
        waiters.others(turn.ref, turn.campaign_id, now),
        claims.waiting(turn.ref, turn.campaign_id, campaign.can_invite, can_write=campaign.can_write),
        *situations.parting(turn, limits),
        *floods,
    ]
    rows, others, heads, *more = (await together(tx, *locks, *asked))[len(locks) :]
    spent = purse.usage(rows)
    found = Situation(
        now=now,
        account=standing,
        limits=limits,
        usage=spent.account,
        own=spent.campaign,
        campaign=Campaign(turn.campaign_id, campaign.terms, situations.share(more[0]) if limits.batch > 1 else 1),
        claims=waiters.claims_of(others),
        floods=more[-1][0]["n"] if floods else 0,
    )
    return found, [situations.waiting(action, lane, campaign.message_budget) for action, lane in claims.heads(heads)]


def _check_lease(held: Sequence[Row], turn: TurnKey) -> ExternalStatus:
    """The account's status in its owner's list. Raises `LeaseLost`."""
    if not held:
        raise LeaseLost(f"account {turn.ref.account_id} is no longer leased with fence {turn.fence}")
    return ExternalStatus(held[0]["external_status"])


def _earlier(rows: Sequence[Row], turn: TurnKey) -> Row | None:
    """This turn, if it was begun before; else one of this account that stands open."""
    return next((row for row in rows if row["id"] == turn.turn_id), rows[0] if rows else None)


async def _given_back(
    tx: AsyncConnection,
    turn: TurnKey,
    campaign: TurnCampaign,
    earlier: Row,
    standing: Standing,
    now: datetime,
) -> Turn | Settled | Rest:
    if earlier["closed_at"] is not None:
        return Settled()
    rest = account_rest(now, standing)
    if rest is not None:  # what is in doubt waits with the account, which alone can find it out
        await together(tx, situations.say(turn, rest, now))
        return rest
    if str(earlier["campaign_id"]) != turn.campaign_id:
        busy_until = now + BUSY_RETRY
        busy = Rest(busy_until, Why.ACCOUNT_BUSY)
        after = Claim(turn.campaign_id, campaign.terms.priority, busy_until + PATIENCE)
        claiming = [] if campaign.halted else [waiters.claim(turn.ref, turn.campaign_id, after)]
        await together(tx, situations.say(turn, busy, now), *claiming)
        return busy
    this = {"turn": earlier["id"], "fence": turn.fence, "owner": turn.ref.owner}
    _, rows = await together(tx, Ask(_ADOPT, this), Ask(_ATTEMPTS, this))
    action = Action(earlier["action"])
    attempts = tuple(_attempt(row, action) for row in rows)
    return Turn(earlier["id"], action, campaign.destination, attempts)


def _attempt(row: Row, action: Action) -> Attempt:
    person = claims.person(row)
    return Attempt(
        slot=row["slot"],
        person=person,
        action=action,
        state=AttemptState(row["state"]),
        key=row["key"],
        sent_at=row["sent_at"],
        suppressed=row["suppressed"] or not person.names,
    )


def _spend_lookups(
    purse: Purse, lookup: Budget | None, taken: Sequence[claims.Claimed], now: datetime
) -> Sequence[Ask]:
    unknown = sum(not each.known for each in taken)
    return [] if lookup is None or not unknown else [purse.spend(lookup, unknown, now)]
