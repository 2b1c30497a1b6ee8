"""Erasing a person everywhere (GDPR's article 17): what names them goes, what became of them stays in the numbers."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Act
from domain.platform import Identifier
from domain.suppression import Source, short
from domain.traces import Traces, values
from storage import comings, unfinished
from storage.audit import record
from storage.engine import Database

_CLOSURE = 5
"""Identifiers lead to others of the same person, and those to more: so many steps."""

_PATIENT = text("SET LOCAL statement_timeout = '5min'")

_IS_ONE_OF = """
    (username = ANY (CAST(:usernames AS text[])) OR phone = ANY (CAST(:phones AS text[]))
     OR user_id = ANY (CAST(:user_ids AS bigint[])))
"""

_LINKED = text(f"""
    SELECT username, phone, user_id FROM recipient WHERE owner = :owner AND {_IS_ONE_OF}
    UNION SELECT username, phone, user_id FROM audience_recipient WHERE owner = :owner AND {_IS_ONE_OF}
""")

# Under what other names accounts keep them: the platform has told these, and no list may have them.
_KNOWN_AS = text("""
    SELECT DISTINCT other.identifier FROM address_book known
    JOIN address_book other ON other.owner = known.owner AND other.adapter = known.adapter
                           AND other.account_id = known.account_id AND other.value = known.value
    WHERE known.owner = :owner AND known.identifier = ANY (CAST(:names AS text[]))
""")

_HERE = text(f"SELECT campaign_id, position FROM recipient WHERE owner = :owner AND {_IS_ONE_OF}")

_PEERS = text("""
    SELECT DISTINCT peer FROM peer WHERE campaign_id = :campaign AND position = ANY (CAST(:positions AS integer[]))
""")

_FORGET_RECIPIENTS = text("SELECT forget_recipients(:campaign, CAST(:positions AS integer[]), :now)")

_FORGET_ADDRESSES = text("SELECT forget_addresses(CAST(:names AS text[]))")

_FORGET_LISTED = text(f"""
    WITH gone AS (
        DELETE FROM audience_recipient WHERE owner = :owner AND {_IS_ONE_OF} RETURNING audience_id
    )
    UPDATE audience a SET stored = a.stored - n, rows_read = a.rows_read - n
    FROM (SELECT audience_id, count(*) AS n FROM gone GROUP BY audience_id) each WHERE a.id = each.audience_id
    RETURNING n
""")

# Dropped lines stand as they were written: any that holds the name or id as a word, or the number in any spelling.
_FORGET_DROPPED = text(r"""
    UPDATE audience_dropped SET content = ''
    WHERE owner = :owner AND (content ~* ANY (CAST(:words AS text[]))
                              OR regexp_replace(content, '[^0-9]', '', 'g') LIKE ANY (CAST(:digits AS text[])))
""")

# They are on the list: what they once refused is not needed to leave them out.
_FORGET_REFUSALS = text("""
    DELETE FROM refusal WHERE owner = :owner
      AND digest IN (SELECT digest_of(:owner, name) FROM unnest(CAST(:names AS text[])) AS name)
""")

_SUPPRESS = text("""
    INSERT INTO suppression (owner, digest, identifier, source, reason, added_at)
    SELECT :owner, digest_of(:owner, name), NULL, :source, '', :now FROM unnest(CAST(:names AS text[])) AS name
    ORDER BY 2
    ON CONFLICT (owner, digest) DO UPDATE SET identifier = NULL, source = excluded.source, reason = ''
""")


@dataclass(frozen=True)
class Erased:
    """Where the person was: campaigns, audiences' people (of imports that go on, too), dropped lines, address books."""

    campaigns: int
    listed: int
    dropped_lines: int
    addresses: int


class Erasing:
    """Erases people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, owner: str, name: str, now: datetime, act: Act | None = None) -> Erased:
        """Forget a person known by one identifier (`username:anna`) under all that are linked with it.

        What comes in at the same moment is waited for. Where they wait they are skipped; a call in flight ends as it
        ends. Nobody contacts them again: digests stay on the do-not-contact list. Repeated, it finds nothing more.
        """
        async with self._database.owner(owner) as tx:
            await tx.execute(_PATIENT)
            await comings.stay_out(tx, owner)
            names = await _linked(tx, owner, name)
            here = await _here(tx, owner, names)
            for campaign_id, positions in here.items():
                found = await tx.scalars(_PEERS, {"campaign": campaign_id, "positions": positions})
                names |= {f"{Identifier.USER_ID.value}:{peer}" for peer in found}
            await tx.execute(
                _SUPPRESS, {"owner": owner, "names": sorted(names), "source": Source.ERASED.value, "now": now}
            )
            await tx.execute(_FORGET_REFUSALS, {"owner": owner, "names": sorted(names)})
            for campaign_id, positions in sorted(here.items()):
                this = {"campaign": campaign_id, "positions": positions, "now": now}
                await tx.execute(_FORGET_RECIPIENTS, this)
            addresses = await tx.scalar(_FORGET_ADDRESSES, {"names": sorted(names)})
            listed = (await tx.scalars(_FORGET_LISTED, _columns(owner, names))).all()
            waiting = await unfinished.forget(tx, owner, names)
            dropped = await tx.execute(_FORGET_DROPPED, {"owner": owner, **_patterns(names)})
            erased = Erased(len(here), sum(listed) + waiting, dropped.rowcount, addresses or 0)
            await record(tx, owner, act, short(owner, name), **asdict(erased))
            return erased


async def _linked(tx: AsyncConnection, owner: str, name: str) -> set[str]:
    names = {name}
    for _ in range(_CLOSURE):
        rows = (await tx.execute(_LINKED, _columns(owner, names))).mappings()
        more = {f"{kind}:{row[kind]}" for row in rows for kind in map(str, Identifier) if row[kind] is not None}
        more |= set(await tx.scalars(_KNOWN_AS, {"owner": owner, "names": sorted(names)}))
        more |= await unfinished.linked(tx, owner, names)
        if more <= names:
            break
        names |= more
    return names


async def _here(tx: AsyncConnection, owner: str, names: Collection[str]) -> dict[UUID, list[int]]:
    here: defaultdict[UUID, list[int]] = defaultdict(list)
    for campaign_id, position in await tx.execute(_HERE, _columns(owner, names)):
        here[campaign_id].append(position)
    return dict(here)


def _columns(owner: str, names: Collection[str]) -> dict[str, object]:
    return {
        "owner": owner,
        "usernames": values(names, Identifier.USERNAME),
        "phones": values(names, Identifier.PHONE),
        "user_ids": [int(each) for each in values(names, Identifier.USER_ID) if each.isdecimal()],
    }


def _patterns(names: Collection[str]) -> dict[str, object]:
    traces = Traces.of(names)
    return {
        "words": [rf"\m{word}\M" for word in traces.words],
        "digits": [f"%{digits}%" for digits in traces.digits],
    }
