"""People come in, or one of them is erased: never both at once for the same owner.

An erasure sees what was committed before it. An upload, a page of an import or a campaign that is being made meanwhile
would bring the person in again behind its back.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK = """
    SELECT set_config('lock_timeout', '60s', true),  -- a large list is taken in for seconds
           {lock}(hashtextextended('people/' || :owner, 0))
"""
_COME = text(_LOCK.format(lock="pg_advisory_xact_lock_shared"))
_STAY_OUT = text(_LOCK.format(lock="pg_advisory_xact_lock"))


async def come(tx: AsyncConnection, owner: str) -> None:
    """To be called first in every transaction that stores people: it waits for an erasure to end."""
    await tx.execute(_COME, {"owner": owner})


async def stay_out(tx: AsyncConnection, owner: str) -> None:
    """To be called first in an erasure: nobody comes in until it ends."""
    await tx.execute(_STAY_OUT, {"owner": owner})
