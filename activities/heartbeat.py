"""Heartbeats: they tell Temporal that the worker lives, and bring cancellation. They are no record of what was done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity

EVERY = timedelta(seconds=1)


@asynccontextmanager
async def heartbeating() -> AsyncIterator[None]:
    """Heartbeat in the background: a platform's call may last longer than the heartbeat timeout."""
    beats = asyncio.ensure_future(_beat())
    try:
        yield
    finally:
        beats.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(EVERY.total_seconds())
