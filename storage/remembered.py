"""What a worker remembers of its dependencies for a short time, so that their absence does not stop its work.

Vault is not asked before every opening (REL-3), and while Vault or integration-service is away, what was read last
carries on for its time (OBS-5). In memory only, bounded, forgotten at its end.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from domain.account import Credentials, KnownAccount
from domain.errors import Unavailable
from domain.outcome import Reason
from domain.ports import AccountDirectory, CredentialStore

MOST = 5_000
"""Entries kept at most; the ones written longest ago go first."""

T = TypeVar("T")


class RememberedCredentials:
    """The `CredentialStore` with a memory of `keep`. A changed secret has a new version, and so is read anew."""

    def __init__(self, store: CredentialStore, keep: timedelta) -> None:
        self._store = store
        self._known: _Memory[Credentials] = _Memory(keep)

    async def read(self, path: str, version: int) -> Credentials:
        """The secret's fields. Raises `Unavailable`, `NotFound`."""
        name = f"{version}/{path}"
        known = self._known.get(name)
        return known if known is not None else self._known.keep(name, await self._store.read(path, version))


class RememberedDirectory:
    """The `AccountDirectory` that answers, while integration-service is away, what it answered within `keep`.

    `fresh`: for so long it is not asked again. Thousands of accounts that sign in together would read the list of
    thousands as often.
    """

    def __init__(self, directory: AccountDirectory, keep: timedelta, fresh: timedelta = timedelta(0)) -> None:
        self._directory = directory
        self._known: _Memory[Sequence[KnownAccount]] = _Memory(keep)
        self._fresh: _Memory[Sequence[KnownAccount]] = _Memory(fresh)
        self._asking: dict[str, asyncio.Future[Sequence[KnownAccount]]] = {}

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        """The owner's accounts on the platform. Raises `Unavailable` when nothing is remembered."""
        name = f"{platform}/{owner}"
        fresh = self._fresh.get(name)
        if fresh is not None:
            return fresh
        if name not in self._asking:
            asking = asyncio.ensure_future(self._ask(name, owner, platform))
            self._asking[name] = asking
            asking.add_done_callback(lambda answered: self._answered(name, answered))
        return await asyncio.shield(self._asking[name])  # who stops waiting does not stop it for the others

    def _answered(self, name: str, answered: "asyncio.Future[Sequence[KnownAccount]]") -> None:
        del self._asking[name]
        if not answered.cancelled():
            answered.exception()  # taken note of, though nobody may wait for it any more

    async def _ask(self, name: str, owner: str, platform: str) -> Sequence[KnownAccount]:
        try:
            found = self._known.keep(name, await self._directory.accounts(owner, platform))
            return self._fresh.keep(name, found)
        except Unavailable:
            known = self._known.get(name)
            if known is None:
                raise
            return known

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        """Tell that the account was found blocked. Raises `Unavailable`."""
        await self._directory.report(owner, account_id, reason, at)


class _Memory(Generic[T]):
    """Values by name, each for a time."""

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep.total_seconds()
        self._values: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def get(self, name: str) -> T | None:
        until, value = self._values.get(name, (0.0, None))
        if until > time.monotonic():
            return value
        self._values.pop(name, None)
        return None

    def keep(self, name: str, value: T) -> T:
        self._values[name] = (time.monotonic() + self._keep, value)
        self._values.move_to_end(name)
        while len(self._values) > MOST:
            self._values.popitem(last=False)
        return value
