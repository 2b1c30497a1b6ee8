"""What a campaign's workflow knows of its accounts: told piece by piece, review by review (`domain.told`)."""

from collections.abc import Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.review import Review
    from domain.statistics import AccountLine

MOST_CARRIED = 4_000
"""Lines that are carried over continue-as-new: about 1 MB, of the 2 MB that a payload may have. Of a campaign with
more accounts they are told anew."""


class Lines:
    """The accounts' lines. `seen`: the number of the last change that was heard."""

    def __init__(self, lines: Iterable[AccountLine], gone: Iterable[str], seen: int) -> None:
        self._lines = {line.account_id: line for line in lines}
        self._gone = set(gone)
        self.seen = seen

    def __len__(self) -> int:
        return len(self._lines)

    def hear(self, review: Review) -> bool:
        """Take over what changed. True when accounts are among it that were not known before."""
        told = {line.account_id: line for line in review.snapshot.accounts}
        unknown = bool(told.keys() - self._lines.keys())
        self._lines |= told
        self._gone = (self._gone - told.keys()) | set(review.gone)
        self.seen = review.seen
        return unknown

    def all(self) -> list[AccountLine]:
        """In the order of the status."""
        return sorted(self._lines.values(), key=lambda line: line.account_id)

    def ids(self) -> list[str]:
        """All accounts."""
        return list(self._lines)

    def usable(self) -> list[str]:
        """Accounts whose runs should exist: all but those that only the owner can bring back."""
        return [account_id for account_id in self._lines if account_id not in self._gone]

    def carried(self) -> tuple[list[AccountLine], tuple[str, ...], int]:
        """Lines, who is gone, and the number, for the next run of the workflow."""
        if len(self._lines) > MOST_CARRIED:
            return [], (), 0
        return self.all(), tuple(sorted(self._gone)), self.seen
