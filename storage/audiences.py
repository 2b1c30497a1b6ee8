"""Audiences: cleaned lists of people, stored whole or not at all."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import AudienceState, Contact, DroppedLine, DropReason, ImportFault, Line
from domain.audit import Act
from domain.errors import NotFound
from domain.preview import DROPPED_SHOWN, PEOPLE_SHOWN, Preview
from storage import comings
from storage.audit import record
from storage.engine import Database
from storage.filling import AUDIENCES, PATIENT, SEE, SEEN, take_in
from storage.tables import Audience

_audience = Audience.__table__  # type: ignore[attr-defined]

_DELETE = tuple(
    text(f"DELETE FROM {table} WHERE {key} = :audience AND owner = :owner")
    for table, key in (
        ("audience_recipient", "audience_id"),
        ("audience_dropped", "audience_id"),
        ("audience_page", "audience_id"),
        ("audience", "id"),
    )
)

_CAMPAIGNS = text("SELECT id FROM campaign WHERE audience_id = :audience AND owner = :owner ORDER BY created_at")

_REASONS = text("""
    SELECT audience_id, reason, count(*) AS n FROM audience_dropped
    WHERE audience_id = ANY(:audiences) AND owner = :owner GROUP BY audience_id, reason
""")

_PAGE = """
    SELECT line, content, reason, same_as FROM {dropped}
    WHERE audience_id = :audience AND owner = :owner AND line > :after ORDER BY line LIMIT :limit
"""
_DROPPED_PAGE = text(_PAGE.format(dropped=AUDIENCES.dropped))
_FIRST_DROPPED = text(_PAGE.format(dropped=SEEN.dropped))
_FIRST_PEOPLE = text(f"""
    SELECT line, username, phone, user_id, first_name, last_name, fields, seen_by FROM {SEEN.recipients}
    ORDER BY position LIMIT :limit
""")
_NOT_STORED = UUID(int=0)
"""Stands where an audience's id does."""


@dataclass(frozen=True)
class StoredAudience:
    """An audience in numbers: `rows_read` = `stored` + `dropped`, and `reasons` add up to `dropped`.

    While it is imported only `rows_read` grows, to `total` where the source has told it. `fault`: why that failed.
    """

    id: UUID
    name: str
    rows_read: int
    stored: int
    dropped: int
    reasons: Mapping[DropReason, int]
    created_at: datetime
    state: AudienceState = AudienceState.READY
    total: int | None = None
    fault: ImportFault | None = None


class Audiences:
    """The store of audiences."""

    def __init__(self, database: Database, at_once: int = 3) -> None:
        """`at_once`: so many are stored at a time; each holds a connection for as long as its file is read."""
        self._database = database
        self._turn = asyncio.Semaphore(at_once)

    async def store(
        self,
        owner: str,
        name: str,
        lines: Iterable[Line],
        now: datetime,
        max_rows: int,
        act: Act | None = None,
    ) -> StoredAudience:
        """Store the people of `lines`, which is read in a thread. Raises `TooManyRows` and whatever `lines` raises."""
        async with self._turn, self._database.owner(owner) as tx:
            await comings.come(tx, owner)
            audience_id = uuid4()
            counts = await take_in(tx, owner, audience_id, lines, max_rows)
            audience = _counted(audience_id, name, counts, now)
            await tx.execute(insert(_audience).values(owner=owner, **_row(audience)))
            await record(tx, owner, act, audience_id, stored=audience.stored, dropped=audience.dropped)
            return audience

    async def preview(self, owner: str, lines: Iterable[Line], max_rows: int) -> Preview:
        """What `store` would make of `lines`. It is made, in tables that are gone afterwards. Raises what that does."""
        async with self._turn, self._database.owner(owner) as tx:
            for statement in SEE:
                await tx.execute(statement)
            counts = await take_in(tx, owner, _NOT_STORED, lines, max_rows, SEEN)
            people = (await tx.execute(_FIRST_PEOPLE, {"limit": PEOPLE_SHOWN})).all()
            names = {"audience": _NOT_STORED, "owner": owner, "after": 0, "limit": DROPPED_SHOWN}
            dropped = [_dropped_line(row) for row in (await tx.execute(_FIRST_DROPPED, names)).mappings()]
            stored, reasons = _sums(counts)
            shown = {line: Contact(*person) for line, *person in people}
            return Preview(stored + reasons.total(), stored, reasons, shown, dropped)

    async def get(self, owner: str, audience_id: UUID) -> StoredAudience:
        """One audience. Raises `NotFound`."""
        query = select(_audience).where(_audience.c.id == audience_id, _audience.c.owner == owner)
        async with self._database.owner(owner) as tx:
            rows = (await tx.execute(query)).mappings().all()
            if not rows:
                raise NotFound("audience")
            return (await _with_reasons(tx, owner, rows))[0]

    async def list(self, owner: str, limit: int, before: datetime | None = None) -> Sequence[StoredAudience]:
        """The owner's audiences, newest first; `before`: those made earlier than that."""
        query = select(_audience).where(_audience.c.owner == owner)
        if before is not None:
            query = query.where(_audience.c.created_at < before)
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(query.order_by(_audience.c.created_at.desc()).limit(limit))
            return await _with_reasons(tx, owner, rows.mappings().all())

    async def dropped(self, owner: str, audience_id: UUID, after: int, limit: int) -> Sequence[DroppedLine]:
        """The lines behind `after` that were not taken. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            await _must_exist(tx, owner, audience_id)
            names = {"audience": audience_id, "owner": owner, "after": after, "limit": limit}
            return [_dropped_line(row) for row in (await tx.execute(_DROPPED_PAGE, names)).mappings()]

    async def delete(self, owner: str, audience_id: UUID, act: Act | None = None) -> Sequence[UUID]:
        """Forget an audience: its people and what was not taken. Raises `NotFound`.

        Answers the campaigns that were made of it. They have copies of its people, and go on.
        """
        async with self._database.owner(owner) as tx:
            # Waits for a campaign that is being made of it, and keeps the next one off.
            await _must_exist(tx, owner, audience_id, lock=True)
            await tx.execute(PATIENT)
            names = {"audience": audience_id, "owner": owner}
            for statement in _DELETE:
                await tx.execute(statement, names)
            campaigns = (await tx.execute(_CAMPAIGNS, names)).scalars().all()
            await record(tx, owner, act, audience_id, campaigns=len(campaigns))
            return campaigns


async def _must_exist(tx: AsyncConnection, owner: str, audience_id: UUID, *, lock: bool = False) -> None:
    query = select(_audience.c.id).where(_audience.c.id == audience_id, _audience.c.owner == owner)
    if await tx.scalar(query.with_for_update() if lock else query) is None:
        raise NotFound("audience")


def _dropped_line(row: RowMapping) -> DroppedLine:
    return DroppedLine(row["line"], row["content"], DropReason(row["reason"]), row["same_as"])


def _counted(audience_id: UUID, name: str, counts: Mapping[DropReason | None, int], now: datetime) -> StoredAudience:
    stored, reasons = _sums(counts)
    dropped = reasons.total()
    return StoredAudience(audience_id, name, stored + dropped, stored, dropped, reasons, now)


def _sums(counts: Mapping[DropReason | None, int]) -> tuple[int, Counter[DropReason]]:
    """How many people there are, and lines that are not taken, by reason."""
    reasons = Counter({reason: n for reason, n in counts.items() if reason is not None and n})
    return counts.get(None, 0), reasons


def _row(audience: StoredAudience) -> dict[str, object]:
    return {
        "id": audience.id,
        "name": audience.name,
        "rows_read": audience.rows_read,
        "stored": audience.stored,
        "dropped": audience.dropped,
        "created_at": audience.created_at,
        "state": audience.state.value,
        "pages": 0,
        "fetched": True,
    }


async def _with_reasons(tx: AsyncConnection, owner: str, rows: Sequence[RowMapping]) -> Sequence[StoredAudience]:
    reasons: dict[UUID, dict[DropReason, int]] = {}
    names = {"audiences": [row["id"] for row in rows], "owner": owner}
    for audience_id, reason, n in await tx.execute(_REASONS, names):
        reasons.setdefault(audience_id, {})[DropReason(reason)] = n
    return [
        StoredAudience(
            id=row["id"],
            name=row["name"],
            rows_read=row["rows_read"],
            stored=row["stored"],
            dropped=row["dropped"],
            reasons=reasons.get(row["id"], {}),
            created_at=row["created_at"],
            state=AudienceState(row["state"]),
            total=row["total"],
            fault=None if row["fault"] is None else ImportFault(row["fault"]),
        )
        for row in rows
    ]
