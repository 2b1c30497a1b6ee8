"""What is left of an account's limits: rolling 24 hours, counted in buckets of an hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.platform import Budget

WINDOW = timedelta(hours=24)
BUCKET = timedelta(hours=1)


@dataclass(frozen=True)
class Spent:
    """`amount` actions within the hour that begins at `hour`. `next_at`: earliest next one of the kind, by the pace."""

    hour: datetime
    amount: int
    next_at: datetime | None = None

    @property
    def forgotten_at(self) -> datetime:
        """When the bucket's last moment is 24 h old: before that it counts in full."""
        return self.hour + BUCKET + WINDOW


Usage = Mapping[Budget, Sequence[Spent]]
"""What was spent in the last 24 hours, by budget."""


def hour_of(moment: datetime) -> datetime:
    """The bucket in which the moment lies."""
    return moment.replace(minute=0, second=0, microsecond=0)


def used(now: datetime, spent: Sequence[Spent]) -> int:
    """What counts now."""
    forgotten = now - WINDOW - BUCKET
    return sum(each.amount for each in spent if each.hour > forgotten)


def used_since(moment: datetime, spent: Sequence[Spent]) -> int:
    """What was spent from then on; an hour in which the moment lies counts in full."""
    return sum(each.amount for each in spent if each.hour + BUCKET > moment)


def free_at(now: datetime, limit: int, spent: Sequence[Spent]) -> datetime:
    """The first moment from `now` on at which one more action stays within `limit` per 24 h.

    With a limit of 0 there is no such moment; it is asked again after a day, as the limit may have been changed.
    """
    forgotten = now - WINDOW - BUCKET
    live = sorted((each for each in spent if each.hour > forgotten), key=lambda each: each.hour)
    used = sum(each.amount for each in live)
    moment = now
    for each in live:
        if used < limit:
            return moment
        used -= each.amount
        moment = each.forgotten_at
    return moment if used < limit else now + WINDOW


def paced_at(spent: Sequence[Spent]) -> datetime | None:
    """The earliest next action of the kind, by the pace of the last one."""
    return max((each.next_at for each in spent if each.next_at is not None), default=None)
