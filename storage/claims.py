"""The queue: who of it an account may take, and taking them. Runs inside the transaction of a turn's `begin`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountState, ExternalStatus
from domain.platform import Action
from domain.recipient import Person
from domain.turn import TRIES

# Rows that failed on this account are its own again once no other able account is untried (CONTRACTS, Tries).
_ELIGIBLE = """
    q.campaign_id = :campaign AND q.action = {action} AND (q.bound_to IS NULL OR q.bound_to = :account)
    AND (NOT (:account = ANY (q.tried)) OR q.tried @> {able})
"""

_ABLE = text("""
    SELECT ca.account_id FROM campaign_account ca
    JOIN account a ON a.owner = ca.owner AND a.adapter = :adapter AND a.account_id = ca.account_id
    WHERE ca.campaign_id = :campaign AND a.state <> :blocked AND a.external_status = :active
      AND (ca.can_invite OR NOT :must_invite)
    LIMIT :enough
""")

_WAITING = text(f"""
    SELECT EXISTS (SELECT FROM queue q WHERE {_ELIGIBLE.format(action="'invite'", able="CAST(:inviters AS text[])")}),
           EXISTS (SELECT FROM queue q WHERE {_ELIGIBLE.format(action="'message'", able="CAST(:writers AS text[])")})
""")

_CLAIM = text(f"""
    WITH next AS (
        SELECT q.seq FROM queue q WHERE {_ELIGIBLE.format(action=":action", able="CAST(:able AS text[])")}
        ORDER BY q.seq LIMIT :size FOR UPDATE SKIP LOCKED
    ), claimed AS (
        DELETE FROM queue USING next
        WHERE queue.campaign_id = :campaign AND queue.action = :action AND queue.seq = next.seq
        RETURNING queue.seq, queue.position, queue.instead, queue.tried
    )
    SELECT c.seq, c.instead, c.tried, r.position, r.username, r.phone, r.user_id, r.first_name, r.last_name, r.fields
    FROM claimed c JOIN recipient r ON r.campaign_id = :campaign AND r.position = c.position ORDER BY c.seq
""")


@dataclass(frozen=True)
class Able:
    """Accounts of the campaign that are active or resting. At most `TRIES` are listed: so many can't all be tried."""

    inviters: tuple[str, ...]
    writers: tuple[str, ...]

    def of(self, action: Action) -> tuple[str, ...]:
        """Those that can do the action."""
        return self.inviters if action is Action.INVITE else self.writers


@dataclass(frozen=True)
class Claimed:
    """One row taken from the queue."""

    person: Person
    seq: int
    instead: bool
    tried: tuple[str, ...]


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


async def waiting(tx: AsyncConnection, campaign_id: str, account_id: str, can_invite: bool, who: Able) -> list[Action]:
    """The actions for which the account finds somebody in the queue; invites first."""
    names = {
        "campaign": campaign_id,
        "account": account_id,
        "inviters": list(who.inviters),
        "writers": list(who.writers),
    }
    invites, messages = (await tx.execute(_WAITING, names)).one()
    found = [Action.INVITE] if invites and can_invite else []
    return [*found, Action.MESSAGE] if messages else found


async def claim(
    tx: AsyncConnection, campaign_id: str, account_id: str, action: Action, who: Able, size: int
) -> Sequence[Claimed]:
    """Take up to `size` rows, in order, that no other transaction is taking."""
    names = {
        "campaign": campaign_id,
        "account": account_id,
        "action": action.value,
        "able": list(who.of(action)),
        "size": size,
    }
    rows = (await tx.execute(_CLAIM, names)).mappings()
    return [
        Claimed(
            person=Person(
                position=row["position"],
                username=row["username"],
                phone=row["phone"],
                user_id=row["user_id"],
                first_name=row["first_name"],
                last_name=row["last_name"],
                fields=row["fields"],
            ),
            seq=row["seq"],
            instead=row["instead"],
            tried=tuple(row["tried"]),
        )
        for row in rows
    ]
