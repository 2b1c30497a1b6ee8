"""What a campaign's workflow learns when it looks at its campaign."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.campaign import Wanted
from domain.statistics import Snapshot
from domain.terms import NORMAL
from domain.why import Why


@dataclass(frozen=True)
class Review:
    """`accounts_due`: the list of accounts is to be read. `wake`: whose runs sleep though there is something for them
    to do. `snapshot`: its lines are those that changed since the review that answered the number `seen` (0: all);
    `more`: there are others. `gone`: of these lines' accounts, those that only the owner can bring back; all others'
    runs should exist, and are started while `acts`.

    `look_at`: when something will have changed by itself; `busy`: at any moment, as accounts are at work. `freed`: the
    campaigns that gave way to this one and may go on. `alarm`: a wait that begins, and that operators are told of.
    `news`: the owner's server is to be told something.
    """

    wanted: Wanted
    control_no: int
    ended: bool
    accounts_due: bool
    platform: str
    adapter: str
    destination: str
    wake: list[str]
    snapshot: Snapshot
    gone: list[str] = field(default_factory=list)
    seen: int = 0
    more: bool = False
    acts: bool = True
    look_at: datetime | None = None
    busy: bool = True
    freed: list[str] = field(default_factory=list)
    alarm: Why | None = None
    priority: int = NORMAL
    news: bool = False


@dataclass(frozen=True)
class Chosen:
    """Which accounts a campaign may use: those named, or (None) all of its owner on the platform.

    `told`: the last delivery that told of a change of one, and that reading their list now answers.
    """

    owner: str
    campaign_id: str
    platform: str
    adapter: str
    account_ids: tuple[str, ...] | None
    told: UUID | None = None

    def includes(self, account_id: str) -> bool:
        """Whether the campaign may use the account."""
        return self.account_ids is None or account_id in self.account_ids


@dataclass(frozen=True)
class ToCheck:
    """Where an account's rights are to be looked at ('': nowhere), and whether it may become a member there."""

    destination: str
    may_join: bool = False
