"""The accounts whose client lives in this process: leased, kept alive, closed in time (DESIGN §5).

At most one live connection per account in the whole cluster: the lease row says whose, every renewal that committed
is followed by the platform's own "drop me if I fall silent", and a holder that cannot renew closes its client before
its lease ends, by its monotonic clock. A client is never connected again once it broke: a new one is made. There is
room for so many clients only: in a full process somebody gives way (domain/room.py), or the newcomer waits.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from weakref import WeakValueDictionary

import structlog

from activities.within import within
from domain.account import AccountRef, Credentials, HeldElsewhere, Lease, LeaseTimes, NoRoom
from domain.errors import LeaseLost, Unavailable
from domain.outcome import Outcome
from domain.ports import Adapter, AddressBook, Leases, Session
from domain.room import Place, gives_way

_log = structlog.get_logger("execution")


@dataclass(frozen=True)
class SignIn:
    """What signs an account in: held for the moment of connecting only.

    `forget` drops whatever else remembers it: called when the lease is given up. Who lost it because it could not be
    renewed signs in anew at once, perhaps without Vault: then the memory ends in its own time.
    """

    credentials: Credentials = field(repr=False)
    proxy: Mapping[str, str] | None = field(default=None, repr=False)
    forget: Callable[[], None] = field(default=lambda: None, repr=False)


@dataclass
class _Account:
    """One leased account. `ends`: monotonic time at which the client must be closed unless the lease is renewed.

    `users`: until when each campaign that uses it rests, by the same clock; a moment that has passed: it is at work.
    """

    lease: Lease
    ends: float
    session: Session | None = None
    signing_in: bool = False
    forget: Callable[[], None] = lambda: None
    users: dict[str, float] = field(default_factory=dict)
    used: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class OpenAccounts:
    """Opens, keeps and closes accounts' clients. `queue`: the task queue that reaches this process alone. `most`: how
    many clients with a connection of their own it has room for. `taken_over` hears the platform of each account that
    another process had lost."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        leases: Leases,
        holder: str,
        queue: str,
        times: LeaseTimes,
        idle_close: timedelta,
        books: Callable[[AccountRef], AddressBook],
        most: int = 1000,
        taken_over: Callable[[str], None] = lambda adapter: None,
    ) -> None:
        self._adapters = adapters
        self._leases = leases
        self._holder = holder
        self.queue = queue
        self._times = times
        self._idle_close = idle_close
        self._books = books
        self._most = most
        self._taken_over = taken_over
        self._accounts: dict[AccountRef, _Account] = {}
        self._opening: WeakValueDictionary[AccountRef, asyncio.Lock] = WeakValueDictionary()
        self._closing: WeakValueDictionary[AccountRef, asyncio.Lock] = WeakValueDictionary()

    def adapter(self, name: str) -> Adapter:
        """The platform's adapter."""
        return self._adapters[name]

    async def lease(self, ref: AccountRef, user: str) -> Lease | HeldElsewhere | NoRoom:
        """Take the account's lease for this process, or find it here already. `user`: the campaign that uses it."""
        async with self._one_at_a_time(ref):
            if self._is_over(ref):
                await self._drop(ref, release=False)
            async with self._not_while_closing(ref):
                account = self._accounts.get(ref)
                if account is None:
                    taken = await self._taken(ref)
                    if not isinstance(taken, _Account):
                        return taken
                    account = self._accounts[ref] = taken
                account.users[user] = account.used = time.monotonic()
                return account.lease

    async def _taken(self, ref: AccountRef) -> _Account | HeldElsewhere | NoRoom:
        """The account, leased, and room for its client. Nobody gives way for one that another process holds: that one
        serves it, however full this process is."""
        began = time.monotonic()
        lease = await self._leases.acquire(ref, self._holder, self.queue, self._times.length)
        if isinstance(lease, HeldElsewhere):
            return lease
        if lease.taken_over:
            self._taken_over(ref.adapter)
        while not self._has_room(ref):
            leaving = self._who_gives_way()
            if leaving is None:
                await self._release(lease)
                return NoRoom()
            _log.info("closed to make room", account_id=leaving.account_id, clients=self._most)
            await self._drop(leaving, release=True)
        return _Account(lease, self._closing_time(began))

    def _has_room(self, ref: AccountRef) -> bool:
        return not self._connects(ref) or sum(map(self._connects, self._accounts)) < self._most

    def _connects(self, ref: AccountRef) -> bool:
        return self._adapters[ref.adapter].capabilities.connects

    def _who_gives_way(self) -> AccountRef | None:
        now = time.monotonic()
        return gives_way(
            Place(
                ref,
                rests_for=_seconds(min(account.users.values(), default=math.inf) - now),
                unused_for=_seconds(now - account.used),
                held_for=_seconds(now - account.since),
            )
            for ref, account in self._accounts.items()
            if self._connects(ref) and not account.turn.locked() and not self._is_opening(ref)
        )

    def is_leased(self, ref: AccountRef) -> bool:
        """Whether this process holds the account's lease."""
        return ref in self._accounts

    def is_connected(self, ref: AccountRef) -> bool:
        """Whether a live session of the account is here."""
        account = self._accounts.get(ref)
        return account is not None and account.session is not None and account.session.connected

    async def connect(self, ref: AccountRef, sign_in: SignIn) -> Outcome | None:
        """Have a live session for a leased account. An outcome where the platform refuses it. Raises `Unavailable`,
        `LeaseLost`."""
        async with self._one_at_a_time(ref):
            account = self._leased(ref)
            if account.session is not None and account.session.connected:
                return None
            if account.session is not None:
                await account.session.close()
                account.session = None
            account.signing_in = True
            account.forget = sign_in.forget
            try:
                return await self._signed_in(ref, account, sign_in)
            finally:
                account.signing_in = False
                if self._accounts.get(ref) is not account:  # dropped meanwhile: its client is closed only now
                    await self._release(account.lease)

    async def _signed_in(self, ref: AccountRef, account: _Account, sign_in: SignIn) -> Outcome | None:
        def still() -> bool:
            return self._accounts.get(ref) is account and self._outlives_silence(account)

        if not still():
            raise LeaseLost(f"the lease of account {ref.account_id} ends too soon to sign in")
        adapter, book = self._adapters[ref.adapter], self._books(ref)
        try:
            connected = await adapter.connect(ref.account_id, sign_in.credentials, sign_in.proxy, book, still)
        except Unavailable as error:
            if still():
                raise
            raise LeaseLost(f"the lease of account {ref.account_id} ended before it was signed in") from error
        if isinstance(connected, Outcome):
            return connected
        if self._accounts.get(ref) is not account or time.monotonic() >= account.ends:
            await connected.close()
            raise LeaseLost(f"the lease of account {ref.account_id} ended while it was signing in")
        account.session = connected
        await connected.keep_alive(self._times.disconnect_after)
        return None

    def _outlives_silence(self, account: _Account) -> bool:
        """Were we stopped from now on, the platform would have dropped the connection before the lease ends."""
        ends = account.ends + self._times.closing_margin.total_seconds()
        return ends >= time.monotonic() + self._times.disconnect_after.total_seconds()

    def session(self, ref: AccountRef, fence: int) -> Session:
        """The live session. Raises `LeaseLost` when it is not here, not live, or held under another fence."""
        account = self._leased(ref)
        if account.lease.fence != fence or account.session is None or not account.session.connected:
            raise LeaseLost(f"account {ref.account_id} is not open here under fence {fence}")
        account.used = time.monotonic()
        return account.session

    def turn(self, ref: AccountRef) -> asyncio.Lock:
        """Held while the account acts: its campaigns take turns in this process. Raises `LeaseLost`."""
        return self._leased(ref).turn

    def rests(self, ref: AccountRef, user: str, rest: timedelta | None) -> None:
        """This campaign will not use the account for so long (None: nobody knows): others may have its place."""
        account = self._accounts.get(ref)
        if account is not None and user in account.users:
            account.users[user] = math.inf if rest is None else time.monotonic() + rest.total_seconds()

    async def close(self, ref: AccountRef, user: str | None = None) -> None:
        """Close the account, or only let `user` go: it is closed when no campaign uses it any more."""
        account = self._accounts.get(ref)
        if account is None:
            return
        if user is not None:
            account.users.pop(user, None)
            if account.users:
                return
        await self._drop(ref, release=True)

    async def keep(self) -> None:
        """Renew the leases until cancelled; close what cannot be renewed, and what nobody used for long."""
        while True:
            began = time.monotonic()
            await self._renew_all()
            await self._close_many(self._idle())
            pause = self._times.renew_every.total_seconds() - (time.monotonic() - began)
            await asyncio.sleep(max(pause, 0.0))

    async def close_all(self) -> None:
        """Close every client and give the leases up: the end of the process."""
        await self._close_many(list(self._accounts), release=True)

    async def _renew_all(self) -> None:
        held = {ref: account.lease for ref, account in self._accounts.items()}
        if not held:
            return
        began = time.monotonic()
        try:
            renewing = self._leases.renew(list(held.values()), self._times.length)
            renewed = await within(self._patience(held), renewing)
        except (Unavailable, TimeoutError) as error:
            _log.warning("leases could not be renewed", accounts=len(held), error=str(error))
            await self._close_many([ref for ref in held if self._is_over(ref)], release=False)
            return
        lost = [ref for ref in held if ref not in renewed and self._still(ref, held[ref])]
        for ref in renewed:
            if self._still(ref, held[ref]):
                self._accounts[ref].ends = self._closing_time(began)
        await asyncio.gather(self._close_many(lost), *(self._ping(ref, began) for ref in renewed))

    def _patience(self, held: Iterable[AccountRef]) -> float:
        """Seconds that a renewal may take: not beyond the moment at which the first client must be closed."""
        return max(min(self._accounts[ref].ends for ref in held) - time.monotonic(), 0.05)

    async def _ping(self, ref: AccountRef, began: float) -> None:
        """Arm the platform's timer. Never later than it would still run out within the renewed lease."""
        account = self._accounts.get(ref)
        if account is None or account.session is None:
            return
        latest = began + (self._times.length - self._times.disconnect_after).total_seconds()
        if time.monotonic() >= latest:  # this process was stopped between the renewal and here
            await self._drop(ref, release=False)
            return
        try:
            await account.session.keep_alive(self._times.disconnect_after)
        except Unavailable:
            _log.info("connection lost", account_id=ref.account_id)

    def _idle(self) -> list[AccountRef]:
        now = time.monotonic()
        limit = self._idle_close.total_seconds()
        return [
            ref for ref, account in self._accounts.items() if now - account.used > limit and not account.turn.locked()
        ]

    async def _close_many(self, refs: Iterable[AccountRef], *, release: bool = True) -> None:
        await asyncio.gather(*(self._drop(ref, release=release) for ref in refs))

    async def _drop(self, ref: AccountRef, *, release: bool) -> None:
        """The client first, the lease after it: nobody may sign in while this connection lives.

        `release`: false where the lease ends by itself, as it could not be renewed in time.
        """
        account = self._accounts.pop(ref, None)
        if account is None:
            return
        async with self._not_while_closing(ref):
            if release:
                account.forget()
            if account.session is not None:
                await account.session.close()
            if release and not account.signing_in:  # else a client may come of it, to be closed first
                await self._release(account.lease)

    async def _release(self, lease: Lease) -> None:
        try:
            await within(self._times.closing_margin.total_seconds(), self._leases.release(lease))
        except (Unavailable, TimeoutError):
            _log.info("lease not released; it ends by itself", account_id=lease.ref.account_id)

    def _is_opening(self, ref: AccountRef) -> bool:
        lock = self._opening.get(ref)
        return lock is not None and lock.locked()

    def _one_at_a_time(self, ref: AccountRef) -> asyncio.Lock:
        """Held while the account is leased or connected; it lives as long as somebody holds or awaits it."""
        return self._opening.setdefault(ref, asyncio.Lock())

    def _not_while_closing(self, ref: AccountRef) -> asyncio.Lock:
        """Held while a client closes: it is forgotten here already, but a new one must not be connected beside it."""
        return self._closing.setdefault(ref, asyncio.Lock())

    def _leased(self, ref: AccountRef) -> _Account:
        account = self._accounts.get(ref)
        if account is None or self._is_over(ref):
            raise LeaseLost(f"account {ref.account_id} is not leased by this process")
        return account

    def _is_over(self, ref: AccountRef) -> bool:
        account = self._accounts.get(ref)
        return account is not None and time.monotonic() >= account.ends

    def _still(self, ref: AccountRef, lease: Lease) -> bool:
        account = self._accounts.get(ref)
        return account is not None and account.lease == lease

    def _closing_time(self, began: float) -> float:
        return began + (self._times.length - self._times.closing_margin).total_seconds()


def _seconds(seconds: float) -> timedelta:
    return timedelta.max if math.isinf(seconds) else timedelta(seconds=seconds)
