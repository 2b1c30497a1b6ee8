"""Waiting for news, with an end."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

NEARLY = timedelta(seconds=1)
"""A timer that has no more than that to go is left to run out.

Cancelled at the moment at which it fires, it fails the workflow task: the server repeats it (UNHANDLED_COMMAND), and
the time-skipping test server never does (sdk-java issue 3088). One needless wake-up is cheaper.
"""


async def news(condition: Callable[[], bool], patience: timedelta | None) -> None:
    """Wait until the condition holds, or the time is over."""
    if patience is None:
        await workflow.wait_condition(condition)
        return
    if patience <= timedelta(0) or condition():
        return
    ends = workflow.now() + patience
    timer = asyncio.ensure_future(asyncio.sleep(patience.total_seconds()))
    await workflow.wait_condition(lambda: condition() or timer.done())
    if ends - workflow.now() > NEARLY:
        timer.cancel()
