"""The owner's do-not-contact list (IMP-7): kept, and looked into in each turn."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text

from domain.audit import Act
from domain.errors import NotFound
from domain.recipient import Person
from domain.suppression import Source, Suppressed, digest, short
from domain.turn import Turn
from storage.audit import record
from storage.engine import Ask, Database, Row

AT_ONCE = 5_000
"""Identifiers of one statement."""

_ADD = text("""
    INSERT INTO suppression (owner, digest, identifier, source, reason, added_at)
    SELECT :owner, digest_of(:owner, name), name, :source, :reason, :now
    FROM unnest(CAST(:names AS text[])) AS name ORDER BY 2
    ON CONFLICT (owner, digest) DO NOTHING
""")

_PAGE = text("""
    SELECT digest, identifier, source, reason, added_at FROM suppression
    WHERE owner = :owner AND digest > :after ORDER BY digest LIMIT :at_most
""")

_REMOVE = text("DELETE FROM suppression WHERE owner = :owner AND digest = :digest RETURNING digest")

_AMONG = text("""
    SELECT digest FROM suppression WHERE owner = :owner AND digest = ANY (CAST(:digests AS bytea[]))
""")


class SuppressionList:
    """The store of the list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        owner: str,
        names: Sequence[str],
        source: Source,
        reason: str,
        now: datetime,
        act: Act | None = None,
    ) -> int:
        """Put identifiers (`username:anna`) onto the list; how many were not on it. It holds with the next action."""
        added = 0
        async with self._database.owner(owner) as tx:
            for begin in range(0, len(names), AT_ONCE):
                chunk = list(names[begin : begin + AT_ONCE])
                row = {"owner": owner, "names": chunk, "source": source.value, "reason": reason, "now": now}
                added += (await tx.execute(_ADD, row)).rowcount
            if added:
                await record(tx, owner, act, added=added)
        return added

    async def page(self, owner: str, after: bytes, at_most: int) -> Sequence[Suppressed]:
        """The list, in the order of the digests, behind `after`."""
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(_PAGE, {"owner": owner, "after": after, "at_most": at_most})
            return [
                Suppressed(
                    bytes(row["digest"]), row["identifier"], Source(row["source"]), row["reason"], row["added_at"]
                )
                for row in rows.mappings()
            ]

    async def remove(self, owner: str, name: str, act: Act | None = None) -> None:
        """Take an identifier off the list. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            removed = await tx.execute(_REMOVE, {"owner": owner, "digest": digest(owner, name)})
            if removed.first() is None:
                raise NotFound("entry of the suppression list")
            await record(tx, owner, act, short(owner, name))


def among(owner: str, names: Sequence[str]) -> Ask:
    """Which of these identifiers are on the list, by digest."""
    return Ask(_AMONG, {"owner": owner, "digests": [digest(owner, each) for each in names]})


def marked(turn: Turn, owner: str, found: Sequence[Row]) -> Turn:
    """The turn, with those marked who are on the list. `found`: what `among` has answered for all of them."""
    listed = {bytes(row["digest"]) for row in found}
    attempts = [replace(each, suppressed=is_listed(owner, each.person, listed)) for each in turn.attempts]
    return replace(turn, attempts=tuple(attempts))


def is_listed(owner: str, person: Person, listed: set[bytes]) -> bool:
    """Whether one of the person's identifiers is among these. An erased person has none, and is on the list."""
    return not person.names or any(digest(owner, name) in listed for name in person.names)
