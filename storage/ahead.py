"""Looking ahead in the queue: who will be written to soon and needs no look-up for a question. Nobody is claimed."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.recipient import Person
from domain.turn import TurnKey
from storage import claims
from storage.accounts import key
from storage.engine import Ask, together

# The heads of the lanes only, from their low-water marks on: what it costs does not grow with the queue, or with those
# who were served before.
_NEXT = text("""
    SELECT next.lane, r.position, r.username, r.phone, r.user_id, r.first_name, r.last_name, r.fields
    FROM (VALUES ('username'), ('phone'), ('user_id')) l (lane)
    LEFT JOIN queue_low low ON low.campaign_id = :campaign AND low.action = 'message' AND low.lane = l.lane
    CROSS JOIN LATERAL (
        SELECT q.position, q.lane, q.seq FROM queue q
        WHERE q.campaign_id = :campaign AND q.action = 'message' AND q.lane = l.lane
          AND q.seq >= CASE WHEN low.seq IS NULL THEN 0 ELSE low.seq END
          AND (q.bound_to IS NULL OR q.bound_to = :account_id)
        ORDER BY q.seq LIMIT :at_most
    ) next
    JOIN recipient r ON r.campaign_id = :campaign AND r.position = next.position
    WHERE EXISTS (
        SELECT FROM address_book b
        WHERE b.owner = :owner AND b.adapter = :adapter AND b.account_id = :account_id
          AND b.identifier = ANY (ARRAY['username:' || r.username, 'phone:' || r.phone, 'user_id:' || r.user_id])
    )
    ORDER BY next.seq LIMIT :at_most
""")


async def known_next(tx: AsyncConnection, by: TurnKey, at_most: int) -> Sequence[Person]:
    """The next people in the campaign's queue for messages whom this account has in its address book."""
    names = key(by.ref) | {"campaign": by.campaign_id, "at_most": at_most}
    [rows] = await together(tx, Ask(_NEXT, names))
    return [claims.person(row) for row in rows]
