"""A client application (Telegram's api_id): so many requests a second, shared by all workers that use it.

Each worker holds a share for a time, by the database's clock; together they never exceed the limit (SPEC LIM-1). Shares
are counted in thousandths of a request per second. Times here are seconds of the process's monotonic clock.
"""

from dataclasses import dataclass, replace

WHOLE = 1000
"""A share of one request per second."""
SETTLING = 1.0
"""A share that grew is used only so much later: within any second the others may still have used it."""
_HAIR = 1e-6
"""Spaces are longer by this part, so that rounding never puts one request too many into a second."""


@dataclass(frozen=True)
class Use:
    """A holder's use of an application: at most `used` until it hears of another share; the limit is `most`."""

    used: int
    most: int


@dataclass(frozen=True)
class Grant:
    """What a holder may use: `share` until `ends`; from `grows_at` on it is `grows_to`, if that is more."""

    share: int = 0
    ends: float = 0.0
    grows_to: int = 0
    grows_at: float = 0.0

    def at(self, now: float) -> int:
        """The share at this moment."""
        if now >= self.ends:
            return 0
        return max(self.share, self.grows_to) if now >= self.grows_at else self.share

    def most(self, now: float) -> int:
        """What may come to be used by this grant, from this moment on."""
        return max(self.share, self.grows_to) if now < self.ends else 0

    def renewed(self, share: int, ends: float, now: float) -> "Grant":
        """Shrinking takes effect at once, growing when the others have settled."""
        present = self.at(now)
        if share <= present:
            return Grant(share, ends)
        if self.grows_to == share and now < self.ends:
            return replace(self, share=present, ends=ends)
        return Grant(present, ends, share, now + SETTLING)

    def next_at(self, last: float, now: float) -> float | None:
        """When the next request may be made, after one at `last`. None: not by this grant, as far as is known now."""
        space = _space(self.at(now))
        moments = [] if space is None else [max(last + space, now)]
        if now < self.grows_at < self.ends:
            grown = _space(self.grows_to)
            moments += [] if grown is None else [max(last + grown, self.grows_at)]
        soonest = min(moments, default=self.ends)
        return soonest if soonest < self.ends else None


def _space(share: int) -> float | None:
    """Seconds between two requests. Whole requests a second only, so that no second holds more than the share."""
    if share <= 0:
        return None
    per_second = share // WHOLE if share >= WHOLE else share / WHOLE
    return (1 + _HAIR) / per_second
