"""What a worker remembers of its dependencies for a short time, so that their absence does not stop its work.

Vault is not asked before every opening (REL-3), and while Vault or integration-service is away, what was read last
carries on for its time (OBS-5). In memory only, bounded, forgotten at its end.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from domain.account import Credentials, KnownAccount
from domain.errors import Unavailable
from domain.outcome import Reason
from domain.ports import AccountDirectory, CredentialStore
from storage.memory import Memory, Together


class RememberedCredentials:
    """The `CredentialStore` with a memory of `keep`, for who connects anew under the same lease.

    A changed secret has a new version, and so is read anew.
    """

    def __init__(self, store: CredentialStore, keep: timedelta) -> None:
        self._store = store
        self._keep = keep
        self._known: Memory[tuple[int, Credentials]] = Memory()

    async def read(self, owner: str, path: str, version: int) -> Credentials:
        """The secret's fields. Raises `Unavailable`, `NotFound`."""
        name = (owner, path)  # the owner's too: what one owner may read is not remembered for another
        known, secret = self._known.get(name) or (None, {})
        if known != version:
            secret = await self._store.read(owner, path, version)
            self._known.keep(name, (version, secret), self._keep)
        return secret

    def forget(self, owner: str, path: str) -> None:
        """Drop it before its time."""
        self._known.forget((owner, path))


class RememberedDirectory:
    """The `AccountDirectory` that answers, while integration-service is away, what it answered within `keep`, without
    the credentials that came with it.

    `fresh`: for so long it is not asked again. Thousands of accounts that sign in together would read the list of
    thousands as often.
    """

    def __init__(self, directory: AccountDirectory, keep: timedelta, fresh: timedelta = timedelta(0)) -> None:
        self._directory = directory
        self._keep_for = keep
        self._fresh_for = fresh
        self._known: Memory[Sequence[KnownAccount]] = Memory()
        self._fresh: Memory[Sequence[KnownAccount]] = Memory()
        self._together: Together[Sequence[KnownAccount]] = Together()

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        """The owner's accounts on the platform. Raises `Unavailable` when nothing is remembered."""
        name = (owner, platform)
        fresh = self._fresh.get(name)
        if fresh is not None:
            return fresh
        return await self._together.ask(name, lambda: self._ask(owner, platform))

    async def _ask(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        name = (owner, platform)
        try:
            found = await self._directory.accounts(owner, platform)
        except Unavailable:
            known = self._known.get(name)
            if known is None:
                raise
            return known
        self._known.keep(name, [_without_credentials(account) for account in found], self._keep_for)
        return self._fresh.keep(name, found, self._fresh_for)

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        """Tell that the account was found blocked. Raises `Unavailable`."""
        await self._directory.report(owner, account_id, reason, at)


def _without_credentials(account: KnownAccount) -> KnownAccount:
    return replace(account, inline_credentials={}) if account.inline_credentials else account
