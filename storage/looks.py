"""Who is to be looked for at a destination again, and what the looks found (`domain.membership`).

A row of `look` stands for a person's next look: written when they are settled (`settling`), gone with the last one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.campaign import Wanted
from domain.membership import Membership, Memberships, ToLookFor, is_followed, memberships, next_look, seen
from domain.outcome import Kind, Outcome, Reason
from domain.ports import LimitsSource
from domain.recipient import Person
from domain.statistics import Count
from storage.accounts import key
from storage.engine import Database

AT_ONCE = 10
"""People of one look: about so many requests a turn of the same account may have to wait for."""
GIVEN_UP_AFTER = timedelta(days=3)
"""What no account could look at for so long is not looked at any more."""

_DUE = text("""
    SELECT l.campaign_id, c.destination, r.position, r.username, r.phone, r.user_id, r.first_name, r.last_name
    FROM look l
    JOIN campaign c ON c.id = l.campaign_id
    JOIN recipient r ON r.campaign_id = l.campaign_id AND r.position = l.position
    WHERE l.owner = :owner AND l.adapter = :adapter AND l.account_id = :account_id AND l.due_at <= :now
      AND l.campaign_id = (SELECT first.campaign_id FROM look first
                           WHERE first.owner = :owner AND first.adapter = :adapter AND first.account_id = :account_id
                             AND first.due_at <= :now ORDER BY first.due_at LIMIT 1)
    ORDER BY l.due_at, l.position LIMIT :at_most
""")

_LOOKED_AT = text("""
    SELECT l.position, l.since, r.membership, r.outcome, r.reason, c.wanted FROM look l
    JOIN campaign c ON c.id = l.campaign_id
    JOIN recipient r ON r.campaign_id = l.campaign_id AND r.position = l.position
    WHERE l.campaign_id = :campaign AND l.position = ANY (CAST(:positions AS integer[])) AND l.owner = :owner
      AND l.due_at <= :now
    ORDER BY l.position FOR UPDATE OF l
""")

_WRITE = text("""
    UPDATE recipient r SET membership = found.state
    FROM unnest(CAST(:positions AS integer[]), CAST(:states AS text[])) AS found (position, state)
    WHERE r.campaign_id = :campaign AND r.position = found.position
""")

# One order of locks for accounts that look for people of the same campaign.
_COUNT = text("""
    INSERT INTO membership (campaign_id, state, owner, n)
    SELECT :campaign, state, :owner, n
    FROM unnest(CAST(:states AS text[]), CAST(:numbers AS integer[])) AS changed (state, n) ORDER BY state
    ON CONFLICT (campaign_id, state) DO UPDATE SET n = membership.n + excluded.n
""")

_LATER = text("""
    UPDATE look l SET due_at = later.due_at
    FROM unnest(CAST(:positions AS integer[]), CAST(:moments AS timestamptz[])) AS later (position, due_at)
    WHERE l.campaign_id = :campaign AND l.position = later.position
""")

_NO_MORE = text("""
    DELETE FROM look WHERE campaign_id = :campaign AND position = ANY (CAST(:positions AS integer[]))
""")

_HAND_OVER = text("""
    WITH other AS (
        SELECT DISTINCT ON (ca.campaign_id) ca.campaign_id, ca.account_id FROM campaign_account ca
        JOIN account a ON a.owner = ca.owner AND a.adapter = :adapter AND a.account_id = ca.account_id
        WHERE ca.owner = :owner AND ca.can_invite AND ca.account_id <> :account_id AND a.external_status = 'active'
          AND a.state <> 'blocked' AND (a.until IS NULL OR a.until <= :now)
          AND ca.campaign_id IN (SELECT campaign_id FROM look WHERE owner = :owner AND adapter = :adapter
                                   AND account_id = :account_id AND due_at <= :now)
        ORDER BY ca.campaign_id, ca.account_id
    )
    UPDATE look l SET account_id = other.account_id FROM other
    WHERE l.campaign_id = other.campaign_id AND l.owner = :owner AND l.adapter = :adapter
      AND l.account_id = :account_id AND l.due_at <= :now
""")

_GIVE_UP = text("""
    DELETE FROM look WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id AND due_at <= :before
""")

_COUNTED = text("SELECT state, n FROM membership WHERE campaign_id = :campaign")


class Looks:
    """The store of looks."""

    def __init__(self, database: Database, limits: LimitsSource) -> None:
        self._database = database
        self._limits = limits

    async def due(self, ref: AccountRef, now: datetime) -> ToLookFor | None:
        """For whom the account is to look now: people of one campaign, those that have waited longest."""
        async with self._database.owner(ref.owner) as tx:
            rows = (await tx.execute(_DUE, key(ref) | {"now": now, "at_most": AT_ONCE})).mappings().all()
        if not rows:
            return None
        return ToLookFor(str(rows[0]["campaign_id"]), rows[0]["destination"], [_person(row) for row in rows])

    async def seen(self, ref: AccountRef, sought: ToLookFor, told: Mapping[int, bool], now: datetime) -> None:
        """Write what a look told, by position, and when the next one is. Repeated, it changes nothing.

        A cancelled campaign's people are looked for once more, and then no more.
        """
        names = {"campaign": sought.campaign_id, "owner": ref.owner, "now": now}
        async with self._database.owner(ref.owner) as tx:
            positions = [person.position for person in sought.people]
            rows = (await tx.execute(_LOOKED_AT, names | {"positions": positions})).mappings().all()
            await _write(tx, names, rows, told)
            await _plan(tx, names, rows, self._limits().of(ref.adapter).look_again, now)

    async def hand_over(self, ref: AccountRef, now: datetime) -> None:
        """The account cannot look, perhaps never again: another one of each campaign does, if there is one."""
        async with self._database.owner(ref.owner) as tx:
            await tx.execute(_HAND_OVER, key(ref) | {"now": now})
            await tx.execute(_GIVE_UP, key(ref) | {"before": now - GIVEN_UP_AFTER})


async def counted(tx: AsyncConnection, campaign: object) -> Mapping[str, int]:
    """How many people the looks found how, by state. To be read before the counters, whose sum is never less."""
    rows = await tx.execute(_COUNTED, {"campaign": campaign})
    return {row["state"]: row["n"] for row in rows.mappings()}


def in_all(counts: Sequence[Count], found: Mapping[str, int]) -> Memberships:
    """Who of those invited has stayed, by the counters and by what the looks `counted`."""
    finals = (each for each in counts if each.final and is_followed(Outcome(Kind(each.kind), Reason(each.reason))))
    return memberships(sum(each.n for each in finals), found)


def _person(row: RowMapping) -> Person:
    return Person(
        position=row["position"],
        username=row["username"],
        phone=row["phone"],
        user_id=row["user_id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
    )


async def _write(
    tx: AsyncConnection, names: Mapping[str, object], rows: Sequence[RowMapping], told: Mapping[int, bool]
) -> None:
    """The states that changed, and their counts."""
    changed: dict[int, Membership] = {}
    counts: Counter[Membership] = Counter()
    for row in rows:
        before = Membership(row["membership"] or Membership.UNKNOWN)
        after = seen(before, told.get(row["position"]), Outcome(Kind(row["outcome"]), Reason(row["reason"])))
        if after is not before:
            changed[row["position"]] = after
            counts[before] -= 1
            counts[after] += 1
    del counts[Membership.UNKNOWN]  # whoever is in no other number
    if changed:
        states = [state.value for state in changed.values()]
        await tx.execute(_WRITE, {**names, "positions": list(changed), "states": states})
        await tx.execute(_COUNT, {**names, "states": [each.value for each in counts], "numbers": list(counts.values())})


async def _plan(
    tx: AsyncConnection,
    names: Mapping[str, object],
    rows: Sequence[RowMapping],
    after: Sequence[timedelta],
    now: datetime,
) -> None:
    cancelled = any(row["wanted"] == Wanted.CANCELLED for row in rows[:1])
    moments = {row["position"]: None if cancelled else next_look(after, row["since"], now) for row in rows}
    later = {position: moment for position, moment in moments.items() if moment is not None}
    if later:
        await tx.execute(_LATER, {**names, "positions": list(later), "moments": list(later.values())})
    over = [position for position, moment in moments.items() if moment is None]
    if over:
        await tx.execute(_NO_MORE, {**names, "positions": over})
