"""How each account addresses the people whom it has looked up: kept, as platforms limit look-ups more than messages."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from domain.account import AccountRef
from domain.ports import Clock
from storage.accounts import key
from storage.engine import Database

_FIND = text("""
    SELECT identifier, value FROM address_book WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
      AND identifier = ANY (CAST(:identifiers AS text[]))
""")

_KEEP = text("""
    INSERT INTO address_book (owner, adapter, account_id, identifier, value, kept_at)
    VALUES (:owner, :adapter, :account_id, :identifier, :value, :now)
    ON CONFLICT (owner, adapter, account_id, identifier)
    DO UPDATE SET value = excluded.value, kept_at = excluded.kept_at
""")


class AccountBook:
    """The `AddressBook` of one account."""

    def __init__(self, database: Database, ref: AccountRef, clock: Clock) -> None:
        self._database = database
        self._ref = ref
        self._clock = clock

    async def find(self, identifiers: Sequence[str]) -> Mapping[str, str]:
        """What is known of these identifiers."""
        async with self._database.owner(self._ref.owner) as tx:
            rows = await tx.execute(_FIND, key(self._ref) | {"identifiers": list(identifiers)})
            return {row["identifier"]: row["value"] for row in rows.mappings()}

    async def keep(self, found: Mapping[str, str]) -> None:
        """Remember, for this account only."""
        now = await self._clock.now()
        rows = [
            key(self._ref) | {"identifier": identifier, "value": value, "now": now}
            for identifier, value in sorted(found.items())  # one order of locks for everybody
        ]
        if rows:
            async with self._database.owner(self._ref.owner) as tx:
                await tx.execute(_KEEP, rows)
