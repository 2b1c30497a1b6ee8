"""Where each lane of a campaign's queue begins: nobody waits below it.

A claim deletes its row, but the index keeps the entry until a vacuum; without a low-water mark every look for the
lane's head walks over all who were served before. The mark is raised at each review. People who go back to the queue
lower it where they must, and keep out of the way of a raise: it would count those as gone who are on their way back.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.engine import Ask, together

_KEY = "hashtextextended('queue/' || :campaign, 0)"

_GOING_BACK = text(f"SELECT pg_advisory_xact_lock_shared({_KEY})")

_RAISING = text(f"SELECT pg_advisory_xact_lock({_KEY})")

# An empty lane begins at the end of the tail: whoever comes back later is put behind it, or lowers the mark.
# (CASE: behind row-level security PostgreSQL looks nothing up by `coalesce`.)
_RAISE = text("""
    INSERT INTO queue_low AS low (campaign_id, action, lane, owner, seq)
    SELECT :campaign, a.action, l.lane, :owner, coalesce(head.seq, tail.last_value)
    FROM (VALUES ('invite'), ('message'), ('add_contact')) a (action)
    CROSS JOIN (VALUES ('username'), ('phone'), ('user_id')) l (lane)
    CROSS JOIN queue_tail tail
    LEFT JOIN queue_low before ON before.campaign_id = :campaign AND before.action = a.action AND before.lane = l.lane
    LEFT JOIN LATERAL (
        SELECT q.seq FROM queue q
        WHERE q.campaign_id = :campaign AND q.action = a.action AND q.lane = l.lane
          AND q.seq >= CASE WHEN before.seq IS NULL THEN 0 ELSE before.seq END
        ORDER BY q.seq LIMIT 1
    ) head ON true
    ON CONFLICT (campaign_id, action, lane) DO UPDATE SET seq = excluded.seq WHERE low.seq <> excluded.seq
""")


async def rise(tx: AsyncConnection, owner: str, campaign_id: UUID) -> None:
    """Raise the marks to where the lanes begin now. The campaign's row is locked, and nothing behind it in the order.

    Waits for those who are on their way back to the queue, and then looks: a look before would not see them.
    """
    this = {"campaign": str(campaign_id), "owner": owner}
    await together(tx, Ask(_RAISING, this), Ask(_RAISE, this))


def going_back(campaign_id: object) -> Ask:
    """Before somebody goes back to the queue: no mark is raised until the transaction ends."""
    return Ask(_GOING_BACK, {"campaign": str(campaign_id)})
