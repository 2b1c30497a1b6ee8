"""The queue: who of it an account may take, and taking them. Runs inside the transaction of a turn's `begin`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef, AccountState, ExternalStatus
from domain.platform import Action, Identifier
from domain.recipient import Person
from domain.turn import TRIES

# Rows that failed on this account are its own again once no other able account is untried (CONTRACTS, Tries), or
# where no other could ever take them.
_ELIGIBLE = """
    q.campaign_id = :campaign AND q.action = {action} AND q.lane = {lane}
    AND (q.bound_to IS NULL OR q.bound_to = :account)
    AND (NOT (:account = ANY (q.tried)) OR q.bound_hard OR q.tried @> {able})
"""

# A contact is added by who does the campaign's own action after it: before an invite, by who may invite.
_NEEDS_RIGHT = """
    ({action} = 'invite' OR {action} = 'add_contact'
     AND EXISTS (SELECT FROM campaign c WHERE c.id = :campaign AND c.action = 'invite'))
"""

_ABLE_FOR = f"CASE WHEN {_NEEDS_RIGHT} THEN CAST(:inviters AS text[]) ELSE CAST(:writers AS text[]) END"

_ABLE = text("""
    SELECT ca.account_id FROM campaign_account ca
    JOIN account a ON a.owner = ca.owner AND a.adapter = :adapter AND a.account_id = ca.account_id
    JOIN campaign c ON c.id = ca.campaign_id AND (c.account_ids IS NULL OR ca.account_id = ANY (c.account_ids))
    WHERE ca.campaign_id = :campaign AND a.state <> :blocked AND a.external_status = :active
      AND (ca.can_invite OR NOT :must_invite)
    LIMIT :enough
""")

# The head of each kind of work in each lane: a dozen index look-ups, however long the queue is.
_WAITING = text(f"""
    SELECT w.action, w.lane FROM (
        SELECT a.action, l.lane FROM (VALUES ('invite'), ('message'), ('add_contact')) a (action),
                                     (VALUES ('username'), ('phone'), ('user_id')) l (lane)
        WHERE :can_invite OR NOT {_NEEDS_RIGHT.format(action="a.action")}
    ) w CROSS JOIN LATERAL (
        SELECT q.seq FROM queue q
        WHERE {_ELIGIBLE.format(action="w.action", lane="w.lane", able=_ABLE_FOR.format(action="w.action"))}
        ORDER BY q.seq LIMIT 1
    ) head ORDER BY head.seq
""")

_CLAIM = text(f"""
    WITH next AS (
        SELECT q.seq FROM queue q
        WHERE {_ELIGIBLE.format(action=":action", lane=":lane", able=_ABLE_FOR.format(action=":action"))}
        ORDER BY q.seq LIMIT :size FOR UPDATE SKIP LOCKED
    ), claimed AS (
        DELETE FROM queue USING next
        WHERE queue.campaign_id = :campaign AND queue.action = :action AND queue.lane = :lane AND queue.seq = next.seq
        RETURNING queue.*
    )
    SELECT c.seq, c.instead, c.tried, c.lane, c.bound_to, c.bound_hard, r.position, r.username, r.phone, r.user_id,
           r.first_name, r.last_name, r.fields
    FROM claimed c JOIN recipient r ON r.campaign_id = :campaign AND r.position = c.position ORDER BY c.seq
""")

_KNOWN = text("""
    SELECT EXISTS (SELECT FROM address_book WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
                   AND identifier = ANY (CAST(:names AS text[])))
""")


@dataclass(frozen=True)
class Able:
    """Accounts chosen for the campaign that are active or resting. At most `TRIES` are listed: more can't be tried."""

    inviters: tuple[str, ...]
    writers: tuple[str, ...]

    @property
    def names(self) -> dict[str, object]:
        """As parameters."""
        return {"inviters": list(self.inviters), "writers": list(self.writers)}


@dataclass(frozen=True)
class Claimed:
    """One row taken from the queue."""

    person: Person
    seq: int
    lane: str
    instead: bool
    tried: tuple[str, ...]
    bound_to: str | None
    bound_hard: bool


async def able(tx: AsyncConnection, campaign_id: str, adapter: str) -> Able:
    """Who could take somebody on whom others failed."""
    names = {
        "campaign": campaign_id,
        "adapter": adapter,
        "blocked": AccountState.BLOCKED.value,
        "active": ExternalStatus.ACTIVE.value,
        "enough": TRIES,
    }
    inviters = await tx.scalars(_ABLE, names | {"must_invite": True})
    writers = await tx.scalars(_ABLE, names | {"must_invite": False})
    return Able(tuple(inviters), tuple(writers))


async def waiting(
    tx: AsyncConnection, campaign_id: str, account_id: str, can_invite: bool, who: Able
) -> list[tuple[Action, Identifier]]:
    """The kinds of work, by lane, for which the account finds somebody in the queue, in the queue's order."""
    names = {"campaign": campaign_id, "account": account_id, "can_invite": can_invite} | who.names
    rows = await tx.execute(_WAITING, names)
    return [(Action(action), Identifier(lane)) for action, lane in rows.all()]


async def claim(
    tx: AsyncConnection, campaign_id: str, account_id: str, action: Action, lane: Identifier, who: Able, size: int
) -> Sequence[Claimed]:
    """Take up to `size` rows, in order, that no other transaction is taking."""
    names = {"campaign": campaign_id, "account": account_id, "action": action.value, "lane": lane.value, "size": size}
    rows = (await tx.execute(_CLAIM, names | who.names)).mappings()
    return [
        Claimed(
            person=person(row),
            seq=row["seq"],
            lane=row["lane"],
            instead=row["instead"],
            tried=tuple(row["tried"]),
            bound_to=row["bound_to"],
            bound_hard=row["bound_hard"],
        )
        for row in rows
    ]


async def is_known(tx: AsyncConnection, ref: AccountRef, someone: Person) -> bool:
    """Whether the account has looked the person up before, and so needs no look-up now."""
    names = {"owner": ref.owner, "adapter": ref.adapter, "account_id": ref.account_id, "names": list(someone.names)}
    return bool(await tx.scalar(_KNOWN, names))


def person(row: RowMapping) -> Person:
    """A recipient's row as a person. In the phones' lane nobody has the username, if there is one."""
    return Person(
        position=row["position"],
        username=row["username"] if row["lane"] == Identifier.USERNAME else None,
        phone=row["phone"],
        user_id=row["user_id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        fields=row["fields"],
    )
