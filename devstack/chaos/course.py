"""The course of one run: the plan's strikes at their moments, everything restored, the campaign's end."""

import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from devstack.chaos.owner import Owner
from devstack.chaos.plan import Blow, Plan, Strike, Target
from devstack.chaos.relay import Relay
from devstack.chaos.victims import Victim
from devstack.errors import DevstackError
from devstack.server import Server
from devstack.stack import Stack
from domain.terms import HIGHEST, LOWEST

_STEP = 0.02
STANDS_STILL = timedelta(minutes=3)
"""So long without anybody settled, when everything has been restored: the campaign is lost."""
_GRACE = 5.0
"""Seconds after its return in which a server may still leave the status unanswered."""


class Course:
    """Carries a plan out. `quicken`: called when the last strike is over, to let the campaign end soon."""

    def __init__(
        self,
        stack: Stack,
        relay: Relay,
        owner: Owner,
        plan: Plan,
        seed: int,
        quicken: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self.struck: Counter[str] = Counter()
        self.began = self.ended = datetime.now(UTC)
        self._relay, self._owner, self._quicken, self._say = relay, owner, quicken, say
        self._random = Random(seed)
        self._waiting = deque(plan.strikes)
        self._victims = {name: Victim(server, say) for name, server in _servers(stack).items()}

    @property
    def died(self) -> dict[str, int]:
        """Servers that ended without having been struck, and how often."""
        return {victim.server.name: victim.died for victim in self._victims.values() if victim.died}

    def run(self) -> None:
        """Strike, restore, and wait for the campaign's end. DevstackError when something does not come back."""
        self.began = datetime.now(UTC)
        start = time.monotonic()
        try:
            while self._waiting and not self._owner.ended:
                self._strike_due(time.monotonic() - start)
                self._look()
        finally:
            self._restore()
        self._quicken()
        self._await_end()
        self.ended = datetime.now(UTC)

    def silences(self) -> list[str]:
        """When the status did not answer though the API and PostgreSQL were there."""
        away = [span for name in (Target.API, Target.POSTGRESQL) for span in self._victims[name, 0].absences]
        return [
            f"{failure.at:%H:%M:%S} {failure.error} ({failure.failed - failure.asked:.1f} s)"
            for failure in self._owner.unanswered
            if not any(begin <= failure.failed and failure.asked <= end + _GRACE for begin, end in away)
        ]

    def _strike_due(self, now: float) -> None:
        for strike in [each for each in self._waiting if each.at <= now]:
            if self._strike(strike):
                self._waiting.remove(strike)

    def _strike(self, strike: Strike) -> bool:
        """False: its target has not recovered yet, so it waits."""
        target, lasts = strike.kind.target, strike.lasts
        if target is Target.CAMPAIGN:
            if not self._owner.is_free:
                return False
            if strike.kind.blow is Blow.EDIT:
                priority = self._random.randint(HIGHEST, LOWEST)
                self._owner.edit(priority)
                told = f"priority {priority}"
            else:
                self._owner.pause(lasts)
                told = f"for {lasts:.1f} s"
        elif target is Target.CONNECTIONS and strike.kind.blow is Blow.CUT:
            told = f"{self._relay.cut(strike.share, self._random)} of them"
        elif target is Target.CONNECTIONS:
            told = f"{self._relay.mute(strike.share, self._random, lasts)} of them for {lasts:.1f} s"
        else:
            victim = self._victims[target, strike.number]
            if not victim.is_up:
                return False
            victim.strike(strike.kind.blow, lasts)
            told = f"{victim.server.name} for {lasts:.1f} s"
        self.struck[str(strike.kind)] += 1
        self._say(f"{strike.kind}: {told}")
        return True

    def _look(self) -> None:
        for victim in self._victims.values():
            victim.look()
        time.sleep(_STEP)

    def _restore(self) -> None:
        """Also on the way out by an error: what is stopped must go on, or it could not be ended."""
        ends = time.monotonic() + STANDS_STILL.total_seconds()
        try:
            while not (self._owner.is_free and all(victim.is_up for victim in self._victims.values())):
                self._look()
                if time.monotonic() > ends:
                    raise DevstackError(
                        f"not everything could be restored; the owner saw: {self._owner.unanswered[-3:]}"
                    )
            self._look()
        finally:
            for victim in self._victims.values():
                victim.go_on()

    def _await_end(self) -> None:
        settled, moved_at = -1, time.monotonic()
        while not self._owner.ended:
            self._look()
            now = self._owner.status.get("counts", {}).get("processed", 0)
            if now != settled:
                settled, moved_at = now, time.monotonic()
            if time.monotonic() - moved_at > STANDS_STILL.total_seconds():
                raise DevstackError(f"the campaign stands still at {settled}: {self._owner.status}")


def _servers(stack: Stack) -> dict[tuple[Target, int], Server]:
    servers = stack.infrastructure
    found: dict[tuple[Target, int], Server | None] = {
        (Target.TEMPORAL, 0): servers.temporal,
        (Target.POSTGRESQL, 0): servers.postgres,
        (Target.VAULT, 0): servers.vault_server,
        (Target.INTEGRATION, 0): servers.integration_server,
        (Target.API, 0): stack.api,
    }
    found |= {(Target.WORKER, number): worker for number, worker in enumerate(stack.workers)}
    return {name: server for name, server in found.items() if server is not None}
