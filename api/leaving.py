"""Long work for one answer, which stops when nobody waits for it any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

Result = TypeVar("Result")


async def while_waited_for(request: Request, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What the work gives; None if whoever asked leaves first: the work is cancelled then.

    The server alone would go on for nobody, while whoever gave up waiting asks again.
    """
    working, leaving = asyncio.create_task(work), asyncio.create_task(_leaving(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait({working, leaving})


async def _leaving(request: Request) -> None:
    """Ends when the client has gone. The request has no body left to read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
