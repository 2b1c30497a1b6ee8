"""The owner's do-not-contact list (IMP-7): kept, and looked into in each turn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text

from domain.audit import Act
from domain.errors import Forbidden, NotFound
from domain.outcome import LASTING, Outcome, Reason
from domain.platform import Identifier
from domain.recipient import Person
from domain.suppression import FOR_GOOD, Source, Suppressed, digest, short
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

_HOW = text("SELECT source FROM suppression WHERE owner = :owner AND digest = :digest FOR UPDATE")
_REMOVE = text("DELETE FROM suppression WHERE owner = :owner AND digest = :digest")

_AMONG = text("""
    SELECT digest FROM suppression WHERE owner = :owner AND digest = ANY (CAST(:digests AS bytea[]))
""")

_EACH = ("'username:' || {of}.username", "'phone:' || {of}.phone", "'user_id:' || {of}.user_id")
NAMES = f"ARRAY[{', '.join(_EACH)}]"
"""The identifiers of the person in a row. One that is not known is NULL, and equals nothing."""
DIGESTS = f"ARRAY[{', '.join(f'digest_of(:owner, {each})' for each in _EACH)}]"
"""By what they are matched. In a subquery of its own this is looked up by key; joined, `digest_of` might leak behind
row-level security, says PostgreSQL, and every row of the list would be tested."""

ON_THE_LIST = f"EXISTS (SELECT FROM suppression s WHERE s.owner = :owner AND s.digest = ANY ({DIGESTS}))"

# Other names of who was found: those that an account keeps under the same address, and those in other campaigns' lists.
# Not looked for while nobody is on the list.
_IS_KNOWN_AS = text(f"""
    SELECT digest FROM suppression
    WHERE EXISTS (SELECT FROM suppression WHERE owner = :owner) AND owner = :owner AND digest = ANY (
        CAST(:digests AS bytea[])
        || ARRAY(
            SELECT digest_of(:owner, other.identifier) FROM address_book known
            JOIN address_book other ON other.owner = known.owner AND other.adapter = known.adapter
                                   AND other.account_id = known.account_id AND other.value = known.value
            WHERE known.owner = :owner AND known.adapter = :adapter AND known.identifier = :found
        )
        || ARRAY(
            SELECT unnest({DIGESTS.format(of="r")}) FROM peer p
            JOIN recipient r ON r.campaign_id = p.campaign_id AND r.position = p.position
            JOIN campaign c ON c.id = p.campaign_id AND c.adapter = :adapter
            WHERE p.owner = :owner AND p.peer = :peer
        )
    )
""")

# A recipient, by every identifier that the list gives.
_NAMES_OF_ONE = f"""
    (SELECT unnest({NAMES.format(of="r")}) AS name FROM recipient r
     WHERE r.campaign_id = :campaign AND r.position = :position) names
"""

_REMEMBER = text(f"""
    INSERT INTO refusal (owner, adapter, digest, reason, refused_at)
    SELECT :owner, :adapter, digest_of(:owner, name), :reason, :now
    FROM {_NAMES_OF_ONE} WHERE name IS NOT NULL ORDER BY 3
    ON CONFLICT (owner, adapter, digest) DO UPDATE SET reason = excluded.reason, refused_at = excluded.refused_at
""")

_OPT_OUT = text(f"""
    INSERT INTO suppression (owner, digest, identifier, source, reason, added_at)
    SELECT :owner, digest_of(:owner, name), name, '{Source.OPT_OUT.value}', '', :now
    FROM {_NAMES_OF_ONE} WHERE name IS NOT NULL ORDER BY 2
    ON CONFLICT (owner, digest) DO UPDATE SET source = excluded.source
    WHERE suppression.source NOT IN ('{Source.OPT_OUT.value}', '{Source.ERASED.value}')
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
        """Take an identifier off the list. Raises `NotFound`; `Forbidden` for who has opted out, or was erased."""
        async with self._database.owner(owner) as tx:
            names = {"owner": owner, "digest": digest(owner, name)}
            source = await tx.scalar(_HOW, names)
            if source is None:
                raise NotFound("entry of the suppression list")
            if Source(source) in FOR_GOOD:
                raise Forbidden("The person has opted out, or was erased, and is never contacted again.")
            await tx.execute(_REMOVE, names)
            await record(tx, owner, act, short(owner, name))


def among(owner: str, names: Sequence[str]) -> Ask:
    """Which of these identifiers are on the list, by digest."""
    return Ask(_AMONG, {"owner": owner, "digests": [digest(owner, each) for each in names]})


def is_known_as(owner: str, adapter: str, person: Person, peer: str) -> Ask:
    """By what digests somebody who was found is on the list, under whatever name any account or list knows them."""
    found = f"{Identifier.USER_ID.value}:{peer}"
    digests = [digest(owner, each) for each in (*person.names, found)]
    names = {"owner": owner, "adapter": adapter, "digests": digests, "found": found, "peer": peer}
    return Ask(_IS_KNOWN_AS, names)


def remembered(final: Outcome, settled: Mapping[str, object]) -> Sequence[Ask]:
    """What the owner's other campaigns go by from now on, after the recipient that `settled` names."""
    if final.reason not in LASTING:
        return []
    opting_out = [Ask(_OPT_OUT, settled)] if final.reason is Reason.OPTED_OUT else []
    return [Ask(_REMEMBER, settled), *opting_out]


def marked(turn: Turn, owner: str, found: Sequence[Row]) -> Turn:
    """The turn, with those marked who are on the list. `found`: what `among` has answered for all of them."""
    listed = {bytes(row["digest"]) for row in found}
    attempts = [replace(each, suppressed=is_listed(owner, each.person, listed)) for each in turn.attempts]
    return replace(turn, attempts=tuple(attempts))


def is_listed(owner: str, person: Person, listed: set[bytes]) -> bool:
    """Whether one of the person's identifiers is among these. An erased person has none, and is on the list."""
    return not person.names or any(digest(owner, name) in listed for name in person.names)
