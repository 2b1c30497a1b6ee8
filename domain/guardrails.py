"""When a campaign holds itself: refusals, floods or blocks past a rate over a minimum sample."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.limits import Guardrails
from domain.outcome import Kind
from domain.statistics import Count
from domain.why import Why

_NO_ATTEMPT = frozenset({Kind.CANCELLED, Kind.SKIPPED, Kind.FAILED, Kind.POSTPONED, Kind.UNAVAILABLE})
"""Counted, though nobody was asked anything."""


@dataclass(frozen=True)
class Sample:
    """What the accounts' attempts came to. `floods`: FloodWaits and anti-spam limits."""

    attempts: int = 0
    refused: int = 0
    floods: int = 0
    blocked: int = 0

    def since(self, base: "Sample") -> "Sample":
        """What came after `base`: the owner said then that it may go on."""
        return Sample(
            self.attempts - base.attempts,
            self.refused - base.refused,
            self.floods - base.floods,
            self.blocked - base.blocked,
        )


def sample(counts: Iterable[Count]) -> Sample:
    """Add the counters up."""
    attempted = [each for each in counts if each.account_id and each.kind not in _NO_ATTEMPT]

    def of(*kinds: Kind) -> int:
        return sum(each.n for each in attempted if each.kind in kinds)

    return Sample(
        sum(each.n for each in attempted), of(Kind.REFUSED), of(Kind.RATE_LIMITED, Kind.LIMITED), of(Kind.BLOCKED)
    )


def tripped(found: Sample, rule: Guardrails | None) -> Why | None:
    """The guardrail that is passed, the most damaging one first; None: none."""
    if rule is None or found.attempts < max(rule.sample, 1):
        return None
    rates = (
        (Why.TOO_MANY_BLOCKS, found.blocked, rule.blocked),
        (Why.TOO_MANY_FLOODS, found.floods, rule.flooded),
        (Why.TOO_MANY_REFUSALS, found.refused, rule.refused),
    )
    return next((why for why, n, most in rates if n > most * found.attempts), None)
