"""Skipping time on Temporal's test server, in spite of what it forgets.

It takes a lock on its clock for a child that ends, which the parent is to give back; a parent that has ended before, or
continued as new, never does, and from then on time only runs. So while nothing is at work and time runs nevertheless,
a forgotten lock is given back.

Besides it keeps a list of every lock that was ever taken and given back, and searches it from its beginning each time a
timer has run: what a simulated action costs grows with the number of actions before it.
"""

import asyncio
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from temporalio.api.testservice.v1 import SleepRequest, UnlockTimeSkippingRequest
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker import Interceptor as WorkerInterceptor

DEADLINE = timedelta(hours=1)
"""Real time that one sleep may take: everything that is due in it happens, and forgotten locks are given back. (By
default a call has a minute: simulations of some thousand people broke off there.)"""
_LOOK = 0.2
"""Seconds between two looks at the clock."""
_LATE = 0.5
"""A look that took so many seconds tells of a busy machine, on which something may wait to be carried on."""
_IDLE = 4.0
"""Seconds without an activity, and without a late look, after which nothing is at work: a lock that is given back while
something holds it breaks the server. Not much longer: with a forgotten lock time runs, and the next action comes."""


class _Counting(ActivityInboundInterceptor):
    def __init__(self, next_: ActivityInboundInterceptor, at_work: "AtWork") -> None:
        super().__init__(next_)
        self._at_work = at_work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        self._at_work.running += 1
        self._at_work.counts[input.fn.__name__] += 1
        try:
            return await super().execute_activity(input)
        finally:
            self._at_work.running -= 1
            self._at_work.last = time.monotonic()


class AtWork(ClientInterceptor, WorkerInterceptor):
    """Knows whether an activity runs, or has just run; `last`: when something may last have been at work."""

    def __init__(self) -> None:
        self.running = 0
        self.counts: Counter[str] = Counter()
        self.last = time.monotonic()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Counting(next, self)

    @property
    def idle(self) -> bool:
        """Nothing is at work."""
        return not self.running and time.monotonic() - self.last > _IDLE


async def sleep_until(env: WorkflowEnvironment, moment: datetime, at_work: AtWork) -> None:
    """Skip to the moment, and let everything happen that is due on the way."""
    while (left := moment - await env.get_current_time()) > timedelta(0):
        sleeping = asyncio.ensure_future(_sleep(env, left))
        while not sleeping.done():
            looked, before = time.monotonic(), await env.get_current_time()
            await asyncio.wait({sleeping}, timeout=_LOOK)
            runs = await env.get_current_time() - before < timedelta(seconds=5 * _LOOK)
            if time.monotonic() - looked > _LATE:
                at_work.last = time.monotonic()
            elif not sleeping.done() and runs and at_work.idle:
                await _give_back(env)
        await sleeping


async def _sleep(env: WorkflowEnvironment, length: timedelta) -> None:
    request = SleepRequest()
    request.duration.FromTimedelta(length)
    await env.client.test_service.unlock_time_skipping_with_sleep(request, timeout=DEADLINE)


async def _give_back(env: WorkflowEnvironment) -> None:
    try:
        await env.client.test_service.unlock_time_skipping(UnlockTimeSkippingRequest())
    except RPCError:  # none was held: something was at work after all
        pass
