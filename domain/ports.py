"""What the business asks of the outside. Adapters, storage and runtime implement it; `worker.py` builds it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.account import AccountRef, Credentials, HeldElsewhere, KnownAccount, Lease
from domain.application import Use
from domain.limits import Limits
from domain.outcome import Outcome, Reason
from domain.platform import Capabilities
from domain.recipient import Person


class Clock(Protocol):
    """Business time. Tests give Temporal's skipped time here."""

    async def now(self) -> datetime:
        """The present moment, in UTC."""


def always() -> bool:
    """Yes."""
    return True


LimitsSource = Callable[[], Limits]
"""The limits in force now: the file is read again when it changes."""


class Right(StrEnum):
    """What an account may do at a destination."""

    INVITE = "invite"
    NONE = "none"


@dataclass(frozen=True)
class DestinationCheck:
    """One account's view of the destination.

    `right`: whether it may add people. `reason`: why not, or what is wrong with the destination itself
    (`destination_unknown`, `destination_private`, …; `no_right_to_invite` where only this account lacks the right).
    `members`: how many there are now, where the platform tells. `warnings`: what the owner should know before the
    start (`channel_past_invites`, `nearly_full`, `slow_mode`, `link_only`, `join_needed`).
    """

    right: Right
    reason: Reason = Reason.NONE
    title: str = ""
    kind: str = ""
    members: int | None = None
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Found:
    """A person as the platform knows them. `peer`: the platform's own id, the same whichever account asks.

    `contact_added`: looking them up has put them into the account's contacts.
    """

    peer: str
    contact_added: bool = False


class AddressBook(Protocol):
    """How one account addresses people it has looked up before. The values mean something to its adapter only."""

    async def find(self, identifiers: Sequence[str]) -> Mapping[str, str]:
        """What is known of these identifiers (`username:…`, `phone:…`, `user_id:…`)."""

    async def keep(self, found: Mapping[str, str]) -> None:
        """Remember, for this account only."""


@dataclass(frozen=True)
class AccountRights:
    """One account's rights at a destination, as a caller is told. `reason`: why it may not invite, or ''.

    `warnings`: reasons that the owner should know before the start.
    """

    account_id: str
    can_invite: bool
    reason: str = ""
    title: str = ""
    kind: str = ""
    members: int | None = None
    warnings: tuple[str, ...] = ()


class Session(Protocol):
    """One account's live connection to its platform. Never connected again once it broke: a new one is made.

    Every method has a deadline of its own. What the platform answers is a value; `Unavailable` is raised when the
    request surely was not carried out, `InDoubt` when it may have been.
    """

    @property
    def connected(self) -> bool:
        """False for good once the connection is gone."""

    async def check_destination(self, destination: str) -> DestinationCheck | Outcome:
        """Look at the destination and at this account's rights there; an outcome of the account's own (`blocked`,
        `limited`, `rate_limited`) where the platform refuses it the look."""

    async def join(self, destination: str) -> Outcome | None:
        """Become a member of a destination that is closed to others (`join_needed`). None when it is one now."""

    async def find(self, person: Person) -> Found | Outcome:
        """Who the person is on the platform, from the address book or by asking the platform.

        `unreachable` where nobody is found, `postponed` where this account may not look up more today.
        """

    async def add_contact(self, person: Person) -> Outcome:
        """Put the person into the account's contacts."""

    async def requirements(self, people: Sequence[Person]) -> Mapping[int, Outcome | None]:
        """How these (by position) refuse this account's messages, as far as the platform tells beforehand.

        None: they do not. Left out: nothing is told of them; nobody is looked up for it.
        """

    async def forward(self, person: Person, post: str, key: int) -> Outcome:
        """Forward a post (its link) to the person: `forwarded`; `key` as with `send`."""

    async def invite(self, person: Person, destination: str) -> Outcome:
        """Add the person to the destination."""

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        """Write to the person. The platform drops a second message with the same `key` (63 bits)."""

    async def is_member(self, person: Person, destination: str) -> bool | Outcome:
        """Whether the person is in the destination now, which settles an invite in doubt; an outcome of the
        account's own where the platform refuses it the look."""

    async def members(self, people: Sequence[Person], destination: str) -> Mapping[int, bool] | Outcome:
        """Who of these (by position) is in the destination now, in as few requests as it takes.

        Left out: nothing can be told of them; nobody is looked up for it. An outcome of the account's own where the
        platform refuses it the look.
        """

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        """Have the platform drop this connection unless called again within `disconnect_after`."""

    async def close(self) -> None:
        """Disconnect and forget the credentials. Never raises."""


class Adapter(Protocol):
    """A platform."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool] = always,
    ) -> "Session | Outcome":
        """Sign in. An outcome (`blocked`, `rate_limited`) where the platform refuses the account.

        `still`: asked right before the credentials are used for the first time; where it says no they must not be
        (`Unavailable`), as another process may be using them by then.
        """


class Throttle(Protocol):
    """The right to make requests in the name of a client application, so many a second over all workers.

    Both raise `Unavailable` when that right does not come in time: nothing was asked then.
    """

    async def sign_in(self, platform: str, application: str) -> None:
        """Before a connection is made: many that sign in at once leave room for those that work."""

    async def request(self, platform: str, application: str, patience: timedelta) -> None:
        """Right before a request is sent."""


class Shares(Protocol):
    """Who uses which application, and what part of its limit is whose, by the database's clock."""

    async def take(self, holder: str, uses: Mapping[str, Use], length: timedelta) -> Mapping[str, int]:
        """The holder's share of each application for `length` from now, in thousandths of a request per second.

        All shares of an application never exceed its limit together: a newcomer gets what is free, and the others
        give up what is too much when they ask the next time. Raises `Unavailable`.
        """

    async def leave(self, holder: str) -> None:
        """Give up all shares. Raises `Unavailable`."""


class AccountDirectory(Protocol):
    """integration-service, asked by a worker in the owner's name."""

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        """The owner's accounts on the platform. Raises `Unavailable`."""

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        """Tell that the account was found blocked (ACC-5). Raises `Unavailable`."""


class CredentialStore(Protocol):
    """Vault."""

    async def read(self, owner: str, path: str, version: int) -> Credentials:
        """The secret's fields; another `version` means that it was changed.

        Raises `Unavailable`, or `NotFound` where this owner has none.
        """

    def forget(self, owner: str, path: str) -> None:
        """Keep nothing of it in memory."""


class Leases(Protocol):
    """Who holds which account's client, by the database's clock."""

    async def acquire(self, ref: AccountRef, holder: str, queue: str, length: timedelta) -> Lease | HeldElsewhere:
        """Take a free or ended lease, or one that `holder` has already, with a new fencing number."""

    async def renew(self, leases: Sequence[Lease], length: timedelta) -> frozenset[AccountRef]:
        """Prolong the leases that are still ours; those that are missing in the answer are lost."""

    async def release(self, lease: Lease) -> None:
        """Give the lease up, if it is still ours."""
