"""Activities on accounts: known, opened, closed, reported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.heartbeat import heartbeating
from activities.open_accounts import OpenAccounts, SignIn
from domain.account import AccountRef, AccountState, ExternalStatus, HeldElsewhere, KnownAccount, NoRoom
from domain.errors import DatabaseAway, LeaseLost, NotFound, Unavailable
from domain.outcome import Kind, Outcome, Party, Reason
from domain.platform import DRY_RUN
from domain.ports import (
    AccountDirectory,
    AccountRights,
    Clock,
    CredentialStore,
    DestinationCheck,
    Right,
    Session,
)
from domain.review import ToCheck
from domain.standing import Rest, Standing, account_rest
from domain.why import Why

RETRY_AFTER = timedelta(seconds=10)
"""When to ask a dependency again that was away."""
RETRY_FULL = timedelta(seconds=15)
"""When to ask for room again: of whichever worker takes the task."""
LEASE_OVER = timedelta(milliseconds=100)
"""After the expiry of another's lease it is surely over: who asks a moment too early waits much longer."""


class AccountStore(Protocol):
    """What these activities ask of storage."""

    async def know(self, owner: str, adapter: str, known: Sequence[KnownAccount], now: datetime) -> None:
        """Take over what integration-service says."""

    async def standing(self, ref: AccountRef) -> Standing:
        """How the account stands."""

    async def refused(self, ref: AccountRef, outcome: Outcome, now: datetime) -> Standing:
        """The platform refused to sign it in."""

    async def reported(self, ref: AccountRef) -> None:
        """integration-service knows of its block."""


class MembershipStore(Protocol):
    """What these activities ask of the store of campaigns."""

    async def destination_to_check(self, owner: str, campaign_id: str, account_id: str) -> ToCheck:
        """Where the account's rights are not known yet."""

    async def rights(
        self, owner: str, campaign_id: str, account_id: str, check: DestinationCheck, now: datetime
    ) -> None:
        """Write what the account may do there."""

    async def says(self, owner: str, campaign_id: str, account_id: str, rest: Rest, now: datetime) -> None:
        """Write why the account does not act."""


class AbandonStore(Protocol):
    """What these activities ask of the store of turns."""

    async def abandon(self, ref: AccountRef, campaign_id: str, now: datetime) -> None:
        """Close a turn that nobody will carry on with."""


@dataclass(frozen=True)
class OpenRequest:
    """Open an account: for a campaign, or (with `campaign_id` '') to look at `destination` only."""

    owner: str
    adapter: str
    account_id: str
    platform: str
    campaign_id: str = ""
    destination: str = ""


@dataclass(frozen=True)
class Opened:
    """Where the account's client lives (`queue`, under `fence`), or why it is not open and until when.

    `queue` with fence 0: another process holds it; ask there. `rights`: for a look at a destination.
    """

    queue: str = ""
    fence: int = 0
    why: Why = Why.WORKING
    until: datetime | None = None
    blocked: Reason = Reason.NONE
    rights: AccountRights | None = None


@dataclass(frozen=True)
class CloseRequest:
    """Let an account go that `user` (a campaign, or an admin check) has used."""

    owner: str
    adapter: str
    account_id: str
    user: str


@dataclass(frozen=True)
class BlockReport:
    """An account that the platform has blocked, for integration-service."""

    owner: str
    adapter: str
    account_id: str
    reason: Reason


@dataclass(frozen=True)
class ListRequest:
    """Which accounts to make known: the owner's on a platform, for this adapter."""

    owner: str
    platform: str
    adapter: str
    account_ids: tuple[str, ...] | None = None


class AccountActivities:
    """Activities on accounts. `blocked` hears the platform of each account that was found blocked."""

    def __init__(
        self,
        open_accounts: OpenAccounts,
        accounts: AccountStore,
        memberships: MembershipStore,
        turns: AbandonStore,
        directory: AccountDirectory,
        credentials: CredentialStore,
        clock: Clock,
        blocked: Callable[[str], None] = lambda adapter: None,
    ) -> None:
        self._open = open_accounts
        self._accounts = accounts
        self._memberships = memberships
        self._turns = turns
        self._directory = directory
        self._credentials = credentials
        self._clock = clock
        self._blocked = blocked

    @activity.defn
    async def list_accounts(self, request: ListRequest) -> list[str]:
        """Make the owner's accounts known, and name the active ones among those asked for."""
        async with heartbeating():
            known = await self._directory.accounts(request.owner, request.platform)
            await self._accounts.know(request.owner, request.adapter, known, await self._clock.now())
            return [
                account.account_id
                for account in known
                if account.status is ExternalStatus.ACTIVE
                and (request.account_ids is None or account.account_id in request.account_ids)
            ]

    @activity.defn
    async def open_account(self, request: OpenRequest) -> Opened:
        """Sign the account in and look at its rights, if they are not known. Whatever keeps it from that is told."""
        async with heartbeating():
            ref = AccountRef(request.owner, request.adapter, request.account_id)
            opened = await self._opened(ref, request)
            if request.campaign_id and not opened.fence:
                now = await self._clock.now()
                if opened.why is Why.ACCOUNT_BLOCKED:
                    await self._turns.abandon(ref, request.campaign_id, now)
                rest = Rest(opened.until, opened.why)
                await self._memberships.says(request.owner, request.campaign_id, request.account_id, rest, now)
            return opened

    @activity.defn
    async def close_account(self, request: CloseRequest) -> None:
        """Let the account go; its client is closed and its credentials forgotten when nobody uses it any more."""
        await self._open.close(AccountRef(request.owner, request.adapter, request.account_id), request.user)

    @activity.defn
    async def report_block(self, report: BlockReport) -> None:
        """Tell integration-service (ACC-5)."""
        if activity.info().attempt == 1:
            self._blocked(report.adapter)
        async with heartbeating():
            at = await self._clock.now()
            await self._directory.report(report.owner, report.account_id, report.reason, at)
            await self._accounts.reported(AccountRef(report.owner, report.adapter, report.account_id))

    async def _opened(self, ref: AccountRef, request: OpenRequest) -> Opened:
        now = await self._clock.now()
        standing = await self._accounts.standing(ref)
        rest = account_rest(now, standing)
        if rest is not None:
            return Opened(why=rest.why, until=rest.until, blocked=_unreported(standing))
        user = request.campaign_id or activity.info().workflow_id or request.account_id
        lease = await self._open.lease(ref, user)
        if isinstance(lease, NoRoom):
            return Opened(why=Why.WORKER_FULL, until=now + RETRY_FULL)
        if isinstance(lease, HeldElsewhere):
            until = await self._clock.now() + lease.remaining + LEASE_OVER
            return Opened(queue=lease.queue, why=Why.ACCOUNT_ELSEWHERE, until=until)
        try:
            refused = await self._sign_in(ref, request.platform)
            rights = None if refused else await self._rights(ref, lease.fence, request)
            if isinstance(rights, Outcome):
                refused, rights = rights, None
        except LeaseLost:
            return Opened(why=Why.ACCOUNT_ELSEWHERE, until=now)
        except _Away as away:
            await self._open.close(ref, user)
            # Who was switched off is woken by the campaign, when the list of accounts says that it is back.
            return Opened(why=away.why, until=None if away.why is Why.ACCOUNT_INACTIVE else now + RETRY_AFTER)
        except DatabaseAway:  # the account has not failed: asked again when the database is back
            raise
        except Unavailable:
            refused, rights = Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER), None
        if refused is not None:
            return await self._refused(ref, refused, user)
        return Opened(queue=self._open.queue, fence=lease.fence, rights=rights)

    async def _refused(self, ref: AccountRef, outcome: Outcome, user: str) -> Opened:
        now = await self._clock.now()
        standing = await self._accounts.refused(ref, outcome, now)
        # Another campaign may be in the middle of a call: only what is blocked is closed under its hands.
        await self._open.close(ref, None if outcome.kind is Kind.BLOCKED else user)
        rest = account_rest(now, standing) or Rest(now + RETRY_AFTER, Why.PLATFORM_AWAY)
        return Opened(why=rest.why, until=rest.until, blocked=_unreported(standing))

    async def _sign_in(self, ref: AccountRef, platform: str) -> Outcome | None:
        """Fetch the credentials and connect, unless it is connected. They live as long as this call."""
        if self._open.is_connected(ref):
            return None
        if ref.adapter == DRY_RUN:
            return await self._open.connect(ref, SignIn({}))
        try:
            known = await self._directory.accounts(ref.owner, platform)
        except Unavailable as error:
            raise _Away(Why.INTEGRATION_AWAY) from error
        account = next((each for each in known if each.account_id == ref.account_id), None)
        if account is None or account.status is not ExternalStatus.ACTIVE:
            raise _Away(Why.ACCOUNT_INACTIVE)
        try:
            sign_in = await self._prepared(ref.owner, account)
        except Unavailable as error:
            raise _Away(Why.CREDENTIALS_AWAY) from error
        except NotFound:
            return Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS)
        return await self._open.connect(ref, sign_in)

    async def _prepared(self, owner: str, account: KnownAccount) -> SignIn:
        if account.inline_credentials is not None:
            if not account.inline_credentials:
                raise Unavailable("integration-service", "its credentials are not kept while it is away")
            return SignIn(account.inline_credentials, account.proxy)
        path = account.vault_path
        secret = await self._credentials.read(owner, path, account.credentials_version)
        return SignIn(secret, account.proxy, lambda: self._credentials.forget(owner, path))

    async def _rights(self, ref: AccountRef, fence: int, request: OpenRequest) -> AccountRights | Outcome | None:
        to_check = ToCheck(request.destination)
        if request.campaign_id:
            to_check = await self._memberships.destination_to_check(ref.owner, request.campaign_id, ref.account_id)
        if not to_check.destination:
            return None
        check = await _look(self._open.session(ref, fence), to_check)
        if isinstance(check, Outcome):
            return check
        if request.campaign_id:
            now = await self._clock.now()
            await self._memberships.rights(ref.owner, request.campaign_id, ref.account_id, check, now)
        return AccountRights(
            account_id=ref.account_id,
            can_invite=check.right is Right.INVITE,
            reason=check.reason.value,
            title=check.title,
            kind=check.kind,
            members=check.members,
            warnings=tuple(each.value for each in check.warnings),
        )


async def _look(session: Session, to_check: ToCheck) -> DestinationCheck | Outcome:
    """The account's rights, after it has become a member where that is needed and wanted."""
    check = await session.check_destination(to_check.destination)
    closed = isinstance(check, DestinationCheck) and Reason.JOIN_NEEDED in (check.reason, *check.warnings)
    if not closed or not to_check.may_join:
        return check
    refused = await session.join(to_check.destination)
    if refused is None:
        return await session.check_destination(to_check.destination)
    if refused.kind.party is Party.ACCOUNT and refused.kind is not Kind.NOT_ADMIN:
        return refused
    return DestinationCheck(Right.NONE, refused.reason)


def _unreported(standing: Standing) -> Reason:
    """What integration-service is to be told, if it does not know yet: a crash may have come between."""
    blocked = standing.state is AccountState.BLOCKED and not standing.reported
    return standing.reason if blocked else Reason.NONE


class _Away(Exception):
    """A dependency is away, or has no such account."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why
