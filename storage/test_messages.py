"""Test messages: a campaign of one recipient, so that it is sent, limited and counted like any other message."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import Contact
from domain.errors import TooMany

NO_AUDIENCE = UUID(int=0)
"""Stands where a campaign's audience does."""
PERIOD = timedelta(hours=1)

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('test/' || :owner, 0))")

_RECENT = text("""
    SELECT count(*) AS n, min(created_at) AS first FROM (
        SELECT created_at FROM campaign WHERE owner = :owner AND test AND created_at > :since
        ORDER BY created_at DESC LIMIT :most
    ) recent
""")


@dataclass(frozen=True)
class ToOneself:
    """To whom the test goes. `most`: an owner makes no more of them in an hour."""

    contact: Contact
    most: int


async def admit_test(tx: AsyncConnection, owner: str, test: ToOneself, now: datetime) -> int:
    """How many recipients it has: one. Raises `TooMany` when the hour's tests are used up."""
    await tx.execute(_ONE_AT_A_TIME, {"owner": owner})
    names = {"owner": owner, "since": now - PERIOD, "most": test.most}
    recent = (await tx.execute(_RECENT, names)).mappings().one()
    if recent["n"] >= test.most:
        raise TooMany(f"No more than {test.most} test messages an hour.", (recent["first"] or now) + PERIOD - now)
    return 1
