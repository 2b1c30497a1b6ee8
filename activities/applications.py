"""Requests in the name of client applications: this process's shares of their limits, kept, and used evenly."""

import asyncio
import hmac
from collections.abc import Mapping
from datetime import timedelta

import structlog

from activities.within import within
from domain.account import LeaseTimes
from domain.application import Grant, Use
from domain.errors import Unavailable
from domain.ports import LimitsSource, Shares

_log = structlog.get_logger("execution")

SIGN_IN_PATIENCE = timedelta(seconds=20)
"""How long an account waits to begin signing in."""
SIGN_IN_PART = 3
"""Signing in begins at a third of the share: it makes two requests, and leaves a third to those that work."""
HURRY = timedelta(milliseconds=250)
"""How soon to ask again for a share while somebody waits and there is none."""
FORGOTTEN_AFTER = timedelta(minutes=1)
"""An application of which nothing was asked for so long is left to the others."""


class Pacer:
    """Lets requests through in order, one after another, never more within any second than the share."""

    def __init__(self) -> None:
        self.used_at = _now()
        self.waiting = 0
        self._grant = Grant()
        self._last = float("-inf")
        self._in_order = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def starves(self) -> bool:
        """Whether somebody waits and there is no share, now or soon."""
        return bool(self.waiting) and not self.most

    @property
    def most(self) -> int:
        """What may be used until another grant comes."""
        return self._grant.most(_now())

    def grant(self, share: int, ends: float) -> None:
        """Use this share until `ends`, a moment of the event loop's clock."""
        self._grant = self._grant.renewed(share, ends, _now())
        self._changed.set()

    async def turn(self, patience: timedelta) -> None:
        """Wait for the right to make a request now. Raises `Unavailable` when it does not come in time."""
        self.used_at = _now()
        self.waiting += 1
        try:
            async with asyncio.timeout(patience.total_seconds()), self._in_order:
                while (wait := self._wait()) > 0:
                    self._changed.clear()
                    await _either(self._changed, wait)
                self._last = _now()
        except TimeoutError as error:
            raise Unavailable("the application's share of requests", "the others use all of it") from error
        finally:
            self.waiting -= 1

    def _wait(self) -> float:
        now = _now()
        at = self._grant.next_at(self._last, now)
        return float("inf") if at is None else at - now


class Applications:
    """The `Throttle` of a process. `secret`: makes names of applications that say nothing to who reads the database."""

    def __init__(self, shares: Shares, limits: LimitsSource, holder: str, times: LeaseTimes, secret: bytes) -> None:
        self._shares = shares
        self._limits = limits
        self._holder = holder
        self._times = times
        self._secret = secret
        self._pacers: dict[tuple[str, str], tuple[Pacer, Pacer]] = {}
        self._wanted = asyncio.Event()

    async def sign_in(self, platform: str, application: str) -> None:
        """Before a connection is made."""
        if self._most(platform) is not None:
            _, starting = self._pacer(platform, application)
            await starting.turn(SIGN_IN_PATIENCE)

    async def request(self, platform: str, application: str, patience: timedelta) -> None:
        """Right before a request is sent."""
        if self._most(platform) is not None:
            working, _ = self._pacer(platform, application)
            await working.turn(patience)

    async def keep(self) -> None:
        """Renew the shares until cancelled. Shares that cannot be renewed end by themselves."""
        while True:
            began = _now()
            await self._renew()
            hurried = any(pacer.starves for pair in self._pacers.values() for pacer in pair)
            every = min(HURRY, self._times.renew_every) if hurried else self._times.renew_every
            await _either(self._wanted, max(began + every.total_seconds() - _now(), 0.0))
            self._wanted.clear()

    async def leave(self) -> None:
        """Give all shares up: nothing is asked any more."""
        held, self._pacers = self._pacers, {}
        if held:
            try:
                await within(self._times.closing_margin.total_seconds(), self._shares.leave(self._holder))
            except (Unavailable, TimeoutError):
                _log.info("shares not given up; they end by themselves")

    async def _renew(self) -> None:
        self._forget()
        shrunk = await self._take(self._pacers)
        if shrunk:  # what was given up is free for others only when it has been said to be unused
            await self._take({name: self._pacers[name] for name in shrunk})

    async def _take(self, pacers: Mapping[tuple[str, str], tuple[Pacer, Pacer]]) -> list[tuple[str, str]]:
        """Ask for shares of these applications; which of them have shrunk."""
        limits = {name: self._most(name[0]) for name in pacers}
        uses = {self._key(name): Use(pacers[name][0].most, most) for name, most in limits.items() if most is not None}
        if not uses:
            return []
        began = _now()
        try:
            taking = self._shares.take(self._holder, uses, self._times.length)
            taken = await within(self._times.closing_margin.total_seconds(), taking)
        except (Unavailable, TimeoutError) as error:
            _log.warning("shares could not be renewed", applications=len(uses), error=str(error))
            return []
        return [name for name in pacers if self._granted(name, uses, taken, began)]

    def _granted(self, name: tuple[str, str], uses: Mapping[str, Use], taken: Mapping[str, int], began: float) -> bool:
        key = self._key(name)
        if key not in taken:
            return False
        working, starting = self._pacers[name]
        ends = began + self._times.length.total_seconds()
        working.grant(taken[key], ends)
        starting.grant(taken[key] // SIGN_IN_PART, ends)
        return taken[key] < uses[key].used

    def _pacer(self, platform: str, application: str) -> tuple[Pacer, Pacer]:
        pair = self._pacers.get((platform, application))
        if pair is None:
            pair = self._pacers[platform, application] = (Pacer(), Pacer())
            self._wanted.set()
        return pair

    def _forget(self) -> None:
        """Who asks again later is a newcomer. The share ends by itself, as nobody renews it."""
        since = _now() - FORGOTTEN_AFTER.total_seconds()
        for name, pair in list(self._pacers.items()):
            if all(pacer.used_at < since and not pacer.waiting for pacer in pair):
                del self._pacers[name]

    def _most(self, platform: str) -> int | None:
        return self._limits().of(platform).requests_per_second

    def _key(self, name: tuple[str, str]) -> str:
        return hmac.digest(self._secret, "/".join(("application", *name)).encode(), "sha256").hex()


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set: by others, or by the time."""
    # Not wait_for: in Python 3.11 it may swallow the cancellation by which a patience ends.
    timer = asyncio.get_running_loop().call_later(seconds, event.set) if seconds < float("inf") else None
    try:
        await event.wait()
    finally:
        if timer is not None:
            timer.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
