"""The queue: who of it an account may take, and taking them. Runs inside the transaction of a turn's `begin`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from domain.account import AccountRef
from domain.platform import Action, Identifier
from domain.recipient import Person
from domain.turn import TRIES
from storage.engine import Ask, Row

# Rows that failed on this account are its own again once no other able account is untried (CONTRACTS, Tries), or
# where no other could ever take them.
_ELIGIBLE = """
    q.campaign_id = :campaign AND q.action = {action} AND q.lane = {lane} AND q.seq >= {low}
    AND (NOT (:account = ANY (q.tried)) OR q.bound_hard OR q.tried @> {able})
"""

# The next in a lane: of those whom anybody may take (by an id alone nobody is: that lane's are all bound), and of those
# who wait for this account. Each is found by an index of its own, however many wait for other accounts.
_NEXT = f"""
    SELECT head.seq FROM (
        SELECT free.seq FROM (
            SELECT q.seq FROM queue q WHERE {_ELIGIBLE} AND {{lane}} <> 'user_id' AND q.bound_to IS NULL
            ORDER BY q.seq LIMIT {{size}} {{taking}}
        ) free
        UNION ALL
        SELECT own.seq FROM (
            SELECT q.seq FROM queue q WHERE {_ELIGIBLE} AND q.bound_to = :account
            ORDER BY q.seq LIMIT {{size}} {{taking}}
        ) own
    ) head ORDER BY head.seq LIMIT {{size}}
"""

# A contact is added by who does the campaign's own action after it: before an invite, by who may invite.
_NEEDS_RIGHT = """
    ({action} = 'invite' OR {action} = 'add_contact'
     AND EXISTS (SELECT FROM campaign c WHERE c.id = :campaign AND c.action = 'invite'))
"""

# Accounts chosen for the campaign that are active or resting: looked up when somebody has failed on the account at all.
# So many are enough: they can't all have been tried.
_ABLE = f"""
    ARRAY(SELECT ca.account_id FROM campaign_account ca
          JOIN account a ON a.owner = ca.owner AND a.adapter = :adapter AND a.account_id = ca.account_id
          JOIN campaign c ON c.id = ca.campaign_id AND (c.account_ids IS NULL OR ca.account_id = ANY (c.account_ids))
          WHERE ca.campaign_id = :campaign AND a.state <> 'blocked' AND a.external_status = 'active' {{right}}
          LIMIT {TRIES})
"""

_SEES = "AND ca.post_unseen_no IS DISTINCT FROM c.control_no"
_ABLE_FOR = (
    f"CASE WHEN {_NEEDS_RIGHT} THEN {_ABLE.format(right='AND ca.can_invite')} ELSE {_ABLE.format(right=_SEES)} END"
)

# The head of each kind of work in each lane: a dozen index look-ups, however long the queue is. (Not `coalesce`: behind
# row-level security it might leak, says PostgreSQL, and is tested row by row instead of being looked up.)
_WAITING = text(f"""
    SELECT w.action, w.lane FROM (
        SELECT a.action, l.lane, CASE WHEN low.seq IS NULL THEN 0 ELSE low.seq END AS low
        FROM (VALUES ('invite'), ('message'), ('add_contact')) a (action)
        CROSS JOIN (VALUES ('username'), ('phone'), ('user_id')) l (lane)
        LEFT JOIN queue_low low ON low.campaign_id = :campaign AND low.action = a.action AND low.lane = l.lane
        WHERE CASE WHEN {_NEEDS_RIGHT.format(action="a.action")} THEN :can_invite ELSE :can_write END
    ) w CROSS JOIN LATERAL ({
    _NEXT.format(
        action="w.action", lane="w.lane", low="w.low", able=_ABLE_FOR.format(action="w.action"), size=1, taking=""
    )
}) head ORDER BY head.seq
""")

_LOW = """
    (SELECT coalesce(max(low.seq), 0) FROM queue_low low
     WHERE low.campaign_id = :campaign AND low.action = :action AND low.lane = :lane)
"""

_CLAIM = text(f"""
    WITH next AS ({
    _NEXT.format(
        action=":action",
        lane=":lane",
        low=_LOW,
        able=_ABLE_FOR.format(action=":action"),
        size=":size",
        taking="FOR UPDATE SKIP LOCKED",
    )
}), claimed AS (
        DELETE FROM queue USING next
        WHERE queue.campaign_id = :campaign AND queue.action = :action AND queue.lane = :lane AND queue.seq = next.seq
        RETURNING queue.*
    )
    SELECT c.seq, c.instead, c.tried, c.lane, c.bound_to, c.bound_hard, r.position, r.username, r.phone, r.user_id,
           r.first_name, r.last_name, r.fields,
           EXISTS (SELECT FROM address_book b
                   WHERE b.owner = :owner AND b.adapter = :adapter AND b.account_id = :account
                     AND b.identifier IN ('username:' || CASE WHEN c.lane = 'username' THEN r.username END,
                                          'phone:' || r.phone, 'user_id:' || r.user_id)) AS known
    FROM claimed c JOIN recipient r ON r.campaign_id = :campaign AND r.position = c.position ORDER BY c.seq
""")


@dataclass(frozen=True)
class Claimed:
    """One row taken from the queue. `known`: the account has looked the person up before, and needs no look-up now."""

    person: Person
    seq: int
    lane: str
    instead: bool
    tried: tuple[str, ...]
    bound_to: str | None
    bound_hard: bool
    known: bool


def waiting(ref: AccountRef, campaign_id: str, can_invite: bool, *, can_write: bool) -> Ask:
    """The kinds of work, by lane, for which the account finds somebody in the queue, in its order: see `heads`."""
    return Ask(_WAITING, _names(ref, campaign_id) | {"can_invite": can_invite, "can_write": can_write})


def heads(rows: Sequence[Row]) -> list[tuple[Action, Identifier]]:
    """What `waiting` found."""
    return [(Action(row["action"]), Identifier(row["lane"])) for row in rows]


def claim(ref: AccountRef, campaign_id: str, action: Action, lane: Identifier, size: int) -> Ask:
    """Take up to `size` rows, in order, that no other transaction is taking: see `claimed`."""
    return Ask(_CLAIM, _names(ref, campaign_id) | {"action": action.value, "lane": lane.value, "size": size})


def claimed(rows: Sequence[Row]) -> Sequence[Claimed]:
    """What `claim` took."""
    return [
        Claimed(
            person=person(row),
            seq=row["seq"],
            lane=row["lane"],
            instead=row["instead"],
            tried=tuple(row["tried"]),
            bound_to=row["bound_to"],
            bound_hard=row["bound_hard"],
            known=row["known"],
        )
        for row in rows
    ]


def _names(ref: AccountRef, campaign_id: str) -> dict[str, object]:
    return {"owner": ref.owner, "adapter": ref.adapter, "account": ref.account_id, "campaign": campaign_id}


def person(row: Row) -> Person:
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
