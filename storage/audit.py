"""The audit trail: rows that are only ever added. Nobody has the right to change one (migration 0021)."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import RowMapping, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Act, By, Event, Kept, Kind
from storage.engine import Database
from storage.tables import AuditRow

_audit = AuditRow.__table__  # type: ignore[attr-defined]
_log = structlog.get_logger("audit")

_KEYS = {Kind.PERSON: "person", Kind.DATA: "path"}
"""What is not named by an id, as a line of the log has it."""


async def record(tx: AsyncConnection, owner: str, act: Act | None, subject: object = "", **details: object) -> None:
    """Keep what was done to the owner's, with the change itself: both are committed or neither is. Tell the log too.

    It comes last in its transaction: what fails before has not happened. `act`: None where the change is part of
    another act, which is kept by itself.
    """
    if act is None:
        return
    act = act.to(subject, **details)
    await tx.execute(
        insert(_audit).values(
            owner=owner,
            at=act.at,
            event=act.event.value,
            kind=act.kind.value,
            subject=act.subject,
            actor=act.by.actor,
            roles=list(act.by.roles),
            address=act.by.address,
            request_id=act.by.request_id,
            details=dict(act.details),
        )
    )
    named = {_KEYS.get(act.kind, f"{act.kind.value}_id"): act.subject} if act.subject else {}
    _log.info(act.event.value, owner=owner, actor=act.by.actor, **named, **act.details)


class AuditTrail:
    """The store of the trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, owner: str, act: Act, subject: object = "", **details: object) -> None:
        """Keep an act in a transaction of its own."""
        async with self._database.owner(owner) as tx:
            await record(tx, owner, act, subject, **details)

    async def page(
        self,
        owner: str,
        limit: int,
        before: int | None = None,
        campaign_id: UUID | None = None,
        event: Event | None = None,
    ) -> Sequence[Kept]:
        """What was done to the owner's, newest first; `before`: what was kept earlier than that number."""
        query = select(_audit).where(_audit.c.owner == owner)
        if before is not None:
            query = query.where(_audit.c.number < before)
        if campaign_id is not None:
            # An administrator's reading of it names the route, and the campaign among the details.
            itself = and_(_audit.c.kind == Kind.CAMPAIGN.value, _audit.c.subject == str(campaign_id))
            query = query.where(or_(itself, _audit.c.details["campaign_id"].astext == str(campaign_id)))
        if event is not None:
            query = query.where(_audit.c.event == event.value)
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(query.order_by(_audit.c.number.desc()).limit(limit))
            return [_kept(row) for row in rows.mappings()]


def _kept(row: RowMapping) -> Kept:
    by = By(row["actor"], tuple(row["roles"]), row["address"], row["request_id"])
    return Kept(row["number"], Act(Event(row["event"]), by, row["at"], row["subject"], row["details"]))
