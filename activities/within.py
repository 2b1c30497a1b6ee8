"""Waiting for an answer no longer than one can afford."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, asked: Coroutine[Any, Any, T]) -> T:
    """What the database answers. Raises `TimeoutError` at once when the time is over: with a server that is stopped
    the driver takes ten seconds more to let itself be cancelled, and a client must be closed by then."""
    answer = asyncio.ensure_future(asked)
    answer.add_done_callback(_seen)
    try:
        await asyncio.wait({answer}, timeout=seconds)
        if not answer.done():
            raise TimeoutError
        return answer.result()
    finally:
        answer.cancel()


def _seen(answer: "asyncio.Future[Any]") -> None:
    """Take note of a failure that nobody waits for any more, or asyncio logs it."""
    if not answer.cancelled():
        answer.exception()
