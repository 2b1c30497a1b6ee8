"""Which accounts' lines a campaign's workflow is told in one review: those that changed, and not too many at once.

A campaign may have thousands of accounts, and every review's answer stays in the workflow's history. So lines are
numbered as they change, and the workflow says the last number that it has heard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from domain.statistics import AccountLine

LINES_AT_ONCE = 500
"""Lines in one review's answer: about 150 KB. The next review tells the others."""


@dataclass(frozen=True)
class Mark:
    """What a line looked like when it changed last, and the number of that change, from 1."""

    digest: str
    no: int


@dataclass(frozen=True)
class Page:
    """Whose lines are told, up to which number, and whether there are more of them."""

    account_ids: tuple[str, ...]
    seen: int
    more: bool


def digest(line: AccountLine, *, gone: bool) -> str:
    """The line in 16 letters. `gone`: only the owner can bring the account back."""
    parts = (
        line.state,
        line.why,
        line.since,
        line.until,
        line.to,
        line.warnings,
        _sorted(line.done),
        _sorted(line.errors),
    )
    return blake2b(repr((gone, *parts)).encode(), digest_size=8).hexdigest()


def remark(digests: Mapping[str, str], marks: Mapping[str, Mark], seen: int) -> dict[str, Mark]:
    """The marks that change now. A line that waits to be told keeps its number, or those that change at every review
    would overtake it for ever."""
    last = max([seen, *(mark.no for mark in marks.values())])
    changed: dict[str, Mark] = {}
    for account_id, now in digests.items():
        before = marks.get(account_id)
        if before is not None and before.digest == now:
            continue
        if before is None or before.no <= seen:
            last += 1
            changed[account_id] = Mark(now, last)
        else:
            changed[account_id] = Mark(now, before.no)
    return changed


def page(marks: Mapping[str, Mark], seen: int, at_most: int = LINES_AT_ONCE) -> Page:
    """The lines after the number `seen`, the oldest change first."""
    later = sorted((mark.no, account_id) for account_id, mark in marks.items() if mark.no > seen)
    told = later[:at_most]
    ids = tuple(account_id for _, account_id in told)
    return Page(ids, told[-1][0] if told else seen, len(later) > len(told))


def _sorted(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items())
