"""What the looks at a destination found, over all accounts: how many may invite, and why the others may not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Look:
    """One account's look at the destination. `checked`: it could be made. `reason`: why it may not invite, or ''."""

    checked: bool
    can_invite: bool
    reason: str
    warnings: Sequence[str]


@dataclass(frozen=True)
class Preflight:
    """Numbers of accounts: `checked` of `accounts` have looked, and `may_invite` of those.

    `may_not_invite`: by why they may not. `warnings`: by what the owner should know, each with how many found it.
    """

    accounts: int
    checked: int
    may_invite: int
    may_not_invite: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)


def preflight(looks: Iterable[Look]) -> Preflight:
    """Add the looks up."""
    looks = list(looks)
    checked = [each for each in looks if each.checked]
    return Preflight(
        accounts=len(looks),
        checked=len(checked),
        may_invite=sum(each.can_invite for each in checked),
        may_not_invite=_counted(each.reason for each in checked if not each.can_invite),
        warnings=_counted(code for each in checked for code in each.warnings),
    )


def _counted(codes: Iterable[str]) -> dict[str, int]:
    """The most frequent first, so that the same looks are always told in the same order."""
    counted = Counter(code for code in codes if code)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
