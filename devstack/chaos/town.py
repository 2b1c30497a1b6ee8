"""The stack of one run: durable servers on ports of their own, the world with its drops, the pace of the campaign."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from devstack import ports
from devstack.chaos.plan import Plan
from devstack.demo.world import Fate, World, made
from devstack.telegram_dc.scenario import Fault, Latency
from domain.account import LeaseTimes

MEETS = (Fate.PLAIN, Fate.NOT_ADMIN, Fate.FLOOD_WAIT, Fate.PEER_FLOOD)
"""No ban: that ends an account with what it was doing in doubt, and here nothing may stay in doubt."""
LATENCY = Latency(0.01, 0.08)
"""Long enough that strikes find actions under way."""
ACTIONS_EACH = 1.4
"""Actions that a recipient takes on average: about half refuse the invitation, and most of them are written to."""
_OVERHEAD = 0.35
"""Seconds of an action besides its gap."""
_QUICK = (0.05, 0.1)
_SERVERS = ("PostgreSQL", "Temporal", "Vault", "integration-service", "API", "Telegram data centre")
_FIRST_PORT, _LAST_PORT = 15_000, 30_000
"""Below those that the system gives to outgoing connections: a killed server must find its port free."""

SHORT_LEASE = LeaseTimes(
    length=timedelta(seconds=5),
    renew_every=timedelta(seconds=1),
    disconnect_after=timedelta(seconds=2),
    closing_margin=timedelta(seconds=1),
)

_LIMITS = """
[{name}]
requests_per_second = 500
gap = {{ shortest = "{low}ms", longest = "{high}ms" }}
limited_rests = ["8s", "15s"]
unavailable_rest = "3s"
[{name}.daily]
invite = 1_000_000
message = 1_000_000
message_with_link = 1_000_000
forward = 1_000_000
add_contact = 1_000_000
resolve = 1_000_000
"""


@dataclass(frozen=True)
class Pace:
    """The limits file, which workers read again when it changes."""

    path: Path

    def last(self, seconds: float, recipients: int, accounts: int) -> None:
        """Let an undisturbed campaign take about so long."""
        each = seconds * accounts / (recipients * ACTIONS_EACH) - _OVERHEAD
        self._write(max(each * 0.7, _QUICK[0]), max(each * 1.3, _QUICK[1]))

    def quicken(self) -> None:
        """As fast as it goes."""
        self._write(*_QUICK)

    def _write(self, low: float, high: float) -> None:
        text = "".join(
            _LIMITS.format(name=name, low=round(low * 1000), high=round(high * 1000))
            for name in ("telegram", "dry_run")
        )
        draft = self.path.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.path)


def world(recipients: int, accounts: int, seed: int, plan: Plan) -> World:
    """People of all sorts, accounts that meet floods, and the plan's drops."""
    peaceful = made(recipients, accounts, seed, MEETS)
    names = list(peaceful.fates)
    drops = [
        Fault(names[drop.account], drop.method, after=drop.after, kind=drop.kind.blow.value)  # type: ignore[arg-type]
        for drop in plan.drops
    ]
    faults = [*peaceful.scenario.faults, *drops]
    return replace(peaceful, scenario=replace(peaceful.scenario, faults=faults, latency=LATENCY))


def lease_settings(times: LeaseTimes) -> dict[str, str]:
    """The worker's settings for these times."""
    return {
        f"INVITE_LEASE_{name.upper()}": f"{round(getattr(times, name).total_seconds() * 1000)}ms"
        for name in ("length", "renew_every", "disconnect_after", "closing_margin")
    }


def free_ports() -> dict[str, int]:
    """A port for each server, the same one over its restarts."""
    return dict(zip(_SERVERS, _free(Random()), strict=False))


def _free(random: Random) -> Iterator[int]:
    seen: set[int] = set()
    while True:
        port = random.randrange(_FIRST_PORT, _LAST_PORT)
        if port not in seen and ports.is_free(port):
            seen.add(port)
            yield port
