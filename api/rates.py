"""How often one may ask: per address before anything is looked at, per owner once the token is known (SEC-4).

Counted in this process: behind several, each lets the whole rate through.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem
from domain.errors import TooMany

_MOST = 100_000
"""Names that are remembered: past it those that have been quiet longest are forgotten."""
_UNLIMITED = frozenset({"/livez", "/readyz"})


class Rate:
    """`per_minute` requests for each name at once, and as many in every minute after (GCRA, a leaky bucket). 0: all."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._paid_until: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str) -> None:
        """Count a request. Raises `TooMany`."""
        if not self._per_minute:
            return
        cost = 60 / self._per_minute
        now = self._monotonic()
        paid_until = max(self._paid_until.get(name, now), now) + cost
        too_early = paid_until - now - 60
        if too_early > cost / 1000:  # what sixty costs of a minute's sixtieth add up to is not exactly sixty
            again_in = timedelta(seconds=math.ceil(too_early))
            raise TooMany(f"More than {self._per_minute} requests a minute are not answered.", again_in)
        self._paid_until[name] = paid_until
        self._paid_until.move_to_end(name)
        if len(self._paid_until) > _MOST:
            self._paid_until.popitem(last=False)


class AddressRate:
    """Refuses addresses that ask too often, before their requests are read."""

    def __init__(self, app: ASGIApp, rate: Rate) -> None:
        self._app = app
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["path"] not in _UNLIMITED:
            try:
                self._rate.take(network((scope.get("client") or ("",))[0]))
            except TooMany as error:
                headers = {"Retry-After": str(int(error.again_in.total_seconds()))}
                await problem("too-many", str(error), headers=headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def network(address: str) -> str:
    """Who stands behind an address: an IPv6 customer has a /64 to choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:  # how a socket for both kinds names who comes by IPv4
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
