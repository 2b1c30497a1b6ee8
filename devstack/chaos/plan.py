"""What befalls the stack, and when: drawn from a seed, and from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random

from domain.account import LeaseTimes


class Blow(StrEnum):
    """What is done. `drop_before` and `drop_after` strike requests; all others have a moment."""

    KILL = "kill"
    STOP = "stop"
    RESTART = "restart"
    CUT = "cut"
    MUTE = "mute"
    PAUSE = "pause"
    EDIT = "edit"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"


class Target(StrEnum):
    """To whom."""

    WORKER = "worker"
    API = "API"
    TEMPORAL = "Temporal"
    POSTGRESQL = "PostgreSQL"
    VAULT = "Vault"
    INTEGRATION = "integration-service"
    CONNECTIONS = "connections"
    REQUEST = "request"
    CAMPAIGN = "campaign"


@dataclass(frozen=True)
class Kind:
    """A blow and its target."""

    blow: Blow
    target: Target

    def __str__(self) -> str:
        """Both."""
        return f"{self.blow.replace('_', ' ')} {self.target}"


DROPS = frozenset({Blow.DROP_BEFORE, Blow.DROP_AFTER})
WEIGHTS: Mapping[Kind, int] = {
    Kind(Blow.KILL, Target.WORKER): 14,
    Kind(Blow.STOP, Target.WORKER): 12,
    Kind(Blow.RESTART, Target.WORKER): 7,
    Kind(Blow.KILL, Target.API): 4,
    Kind(Blow.STOP, Target.API): 2,
    Kind(Blow.RESTART, Target.API): 2,
    Kind(Blow.KILL, Target.TEMPORAL): 6,
    Kind(Blow.STOP, Target.TEMPORAL): 4,
    Kind(Blow.RESTART, Target.TEMPORAL): 2,
    Kind(Blow.KILL, Target.POSTGRESQL): 6,
    Kind(Blow.STOP, Target.POSTGRESQL): 4,
    Kind(Blow.RESTART, Target.POSTGRESQL): 3,
    Kind(Blow.KILL, Target.VAULT): 3,
    Kind(Blow.STOP, Target.VAULT): 2,
    Kind(Blow.KILL, Target.INTEGRATION): 3,
    Kind(Blow.STOP, Target.INTEGRATION): 2,
    Kind(Blow.CUT, Target.CONNECTIONS): 8,
    Kind(Blow.MUTE, Target.CONNECTIONS): 5,
    Kind(Blow.DROP_BEFORE, Target.REQUEST): 5,
    Kind(Blow.DROP_AFTER, Target.REQUEST): 8,
    Kind(Blow.PAUSE, Target.CAMPAIGN): 6,
    Kind(Blow.EDIT, Target.CAMPAIGN): 6,
}
METHODS: Mapping[str, int] = {
    "channels.InviteToChannel": 5,
    "messages.SendMessage": 5,
    "channels.GetParticipant": 1,
    "contacts.ResolveUsername": 1,
}
"""Whose requests are dropped: those that have effects most often."""
_RECOVERY = 4.0
"""Seconds that a restarted server is given before it is struck again."""
_REDRAWS = 100


@dataclass(frozen=True)
class Strike:
    """`at`: seconds after the campaign's start. `number`: which worker; `share`: of the connections."""

    at: float
    kind: Kind
    number: int
    lasts: float
    share: float = 1.0


@dataclass(frozen=True)
class Drop:
    """The connection breaks at an account's request of this method, when `after` of them went through."""

    kind: Kind
    account: int
    method: str
    after: int


@dataclass(frozen=True)
class Shape:
    """What the planner must know. `spacing`: mean time between strikes; `requests`: an account's, of one kind."""

    workers: int
    accounts: int
    requests: int
    lease: LeaseTimes
    spacing: timedelta


@dataclass(frozen=True)
class Plan:
    """All that will happen."""

    strikes: tuple[Strike, ...]
    drops: tuple[Drop, ...]

    @property
    def length(self) -> float:
        """Seconds from the campaign's start until the last strike is over."""
        return max((strike.at + strike.lasts for strike in self.strikes), default=0.0)


def plan(seed: int, faults: int, shape: Shape) -> Plan:
    """So many faults. A target is left to recover before it is struck again, and every blow has an end."""
    random = Random(seed)
    strikes: list[Strike] = []
    drops: list[Drop] = []
    busy: dict[tuple[Target, int], float] = {}
    at = 1.0
    for _ in range(faults):
        kind = _kind(random)
        if kind.blow in DROPS:
            drops.append(_drop(random, kind, shape))
            continue
        at += min(random.expovariate(1 / shape.spacing.total_seconds()), 3 * shape.spacing.total_seconds())
        strike = _strike(random, kind, at, shape, busy)
        busy[strike.kind.target, strike.number] = strike.at + strike.lasts + _RECOVERY
        at = strike.at
        strikes.append(strike)
    return Plan(tuple(strikes), tuple(drops))


def _strike(random: Random, kind: Kind, at: float, shape: Shape, busy: Mapping[tuple[Target, int], float]) -> Strike:
    """On a target that has recovered: another kind is drawn, or the time is awaited."""
    number = _number(random, kind, shape)
    for _ in range(_REDRAWS):
        if busy.get((kind.target, number), 0.0) <= at:
            break
        while (kind := _kind(random)).blow in DROPS:
            pass
        number = _number(random, kind, shape)
    at = max(at, busy.get((kind.target, number), 0.0))
    return Strike(at, kind, number, _lasts(random, kind, shape), random.choice((1.0, 0.5, 0.2)))


def _number(random: Random, kind: Kind, shape: Shape) -> int:
    return random.randrange(shape.workers) if kind.target is Target.WORKER else 0


def _kind(random: Random) -> Kind:
    return random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def _lasts(random: Random, kind: Kind, shape: Shape) -> float:
    lease = shape.lease.length.total_seconds()
    match kind.blow:
        case Blow.STOP:  # longer than the leases: another worker has taken over when it goes on
            return lease * random.uniform(1.1, 1.5)
        case Blow.PAUSE:
            return lease * random.uniform(0.2, 1.2)
        case Blow.MUTE:
            return lease * random.uniform(0.1, 0.8)
        case Blow.CUT | Blow.EDIT:
            return 0.0
        case _:
            return lease * random.choice((0.02, 0.1, 0.3, 0.6)) * random.uniform(0.5, 1.5)


def _drop(random: Random, kind: Kind, shape: Shape) -> Drop:
    method = random.choices(list(METHODS), list(METHODS.values()))[0]
    return Drop(kind, random.randrange(shape.accounts), method, random.randrange(max(1, shape.requests)))
