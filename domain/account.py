"""An account: ours, it acts. One row per account serves all campaigns (DESIGN §5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class AccountState(StrEnum):
    """How an account stands, whatever campaign asks."""

    ACTIVE = "active"
    COOLDOWN = "cooldown"
    """Rests until a time that the platform named (FloodWait)."""
    LIMITED = "limited"
    """Rests for anti-spam reasons without a named time (PeerFlood): growing rests, ended early by the owner only."""
    BLOCKED = "blocked"
    """Signed out, banned or frozen: gone until the owner acts."""


class ExternalStatus(StrEnum):
    """integration-service's word on an account."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    BANNED = "banned"


@dataclass(frozen=True)
class AccountRef:
    """Names an account's row. `adapter`: the platform's name, or `dry_run`, whose accounts are rows of their own."""

    owner: str
    adapter: str
    account_id: str


Credentials = Mapping[str, str]
"""What signs an account in. Never logged, stored, or put into a Temporal payload (SEC-3)."""


@dataclass(frozen=True)
class KnownAccount:
    """An account as integration-service lists it. `vault_path` is '' where the credentials came inline.

    `inline_credentials`: empty where they came so, and were not kept.
    """

    account_id: str
    label: str
    platform: str
    status: ExternalStatus
    created_at: datetime
    credentials_version: int
    vault_path: str = ""
    inline_credentials: Credentials | None = field(default=None, repr=False)
    proxy: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LeaseTimes:
    """The lease's times (CONTRACTS, Times). The platform must drop a silent holder before its lease can end."""

    length: timedelta = timedelta(seconds=15)
    renew_every: timedelta = timedelta(seconds=3)
    disconnect_after: timedelta = timedelta(seconds=6)
    closing_margin: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        if self.disconnect_after * 2 > self.length:
            raise ValueError("disconnect_after must be at most half of the lease's length")
        if self.renew_every >= self.disconnect_after or self.closing_margin + self.renew_every >= self.length:
            raise ValueError("the lease must be renewed well before it, or the platform's timer, ends")


@dataclass(frozen=True)
class Lease:
    """The right of one process to hold an account's client. `queue`: the task queue that reaches that process.

    `taken_over`: another process had it, and let it end without giving it up.
    """

    ref: AccountRef
    holder: str
    queue: str
    fence: int
    taken_over: bool = False


@dataclass(frozen=True)
class NoRoom:
    """This process holds as many clients as it may, and each of them is in use."""


@dataclass(frozen=True)
class HeldElsewhere:
    """Another live process holds the lease; `remaining` is what is left of it by the database's clock."""

    queue: str
    remaining: timedelta
