"""Looks at what a process needs, all the time and without any work at hand, so that its loss is told at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from domain.errors import Unavailable

EVERY = timedelta(seconds=15)
PATIENCE = timedelta(seconds=3)

_log = structlog.get_logger("execution")


class Probes:
    """`dependencies`: how each is asked whether it is there; an error, or no answer in time, says that it is not.

    `told` hears the seconds of each answer, or None.
    """

    def __init__(
        self,
        dependencies: Mapping[str, Callable[[], Awaitable[object]]],
        told: Callable[[str, float | None], None],
        patience: timedelta = PATIENCE,
    ) -> None:
        self._dependencies = dependencies
        self._told = told
        self._patience = patience.total_seconds()
        self._up: dict[str, bool] = {}
        self._looked_at = time.monotonic()

    async def keep(self, every: timedelta = EVERY) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every.total_seconds())

    async def look(self) -> None:
        """Ask all of them at once."""
        await asyncio.gather(*(self._ask(name, probe) for name, probe in self._dependencies.items()))
        self._looked_at = time.monotonic()

    def found(self) -> dict[str, bool]:
        """Whether each was there at the last look; none before the first. From any thread."""
        return dict(self._up)

    def silent_for(self) -> timedelta:
        """How long ago the last look ended. From any thread."""
        return timedelta(seconds=time.monotonic() - self._looked_at)

    async def _ask(self, name: str, probe: Callable[[], Awaitable[object]]) -> None:
        began = time.monotonic()
        error = ""
        try:
            async with asyncio.timeout(self._patience):
                await probe()
        except Unavailable as away:
            error = str(away)  # our own words: who must act
        except Exception as problem:  # whatever is wrong with it, the others are looked at
            error = type(problem).__name__
        self._told(name, None if error else time.monotonic() - began)
        if self._up.get(name, True) != (not error):
            (_log.warning if error else _log.info)("dependency", name=name, up=not error, error=error)
        self._up[name] = not error
