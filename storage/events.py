"""Events: written in the transaction that makes them, read by those who watch, delivered to the owner's server."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Act
from domain.campaign import State
from domain.errors import NotFound
from domain.webhooks import Event, EventKind, Fault
from storage.audit import record
from storage.engine import Database

# Due at once where the owner's webhook wants it. A ping has no state.
_ADD = text("""
    INSERT INTO event (id, owner, campaign_id, kind, state, why, until, numbers, at, due_at, tries)
    VALUES (:id, :owner, CAST(:campaign AS uuid), :kind, CAST(:state AS text), :why, :until, CAST(:numbers AS jsonb),
            :now, (SELECT CAST(:now AS timestamptz) FROM webhook
                   WHERE owner = :owner AND (CAST(:state AS text) IS NULL OR :state = ANY (events))), 0)
    RETURNING no, id, campaign_id, kind, state, why, until, numbers, at
""")

_OF = text("""
    SELECT no, id, campaign_id, kind, state, why, until, numbers, at FROM event
    WHERE campaign_id = :campaign AND owner = :owner ORDER BY no DESC LIMIT :at_most
""")

_DUE = text("""
    SELECT EXISTS (SELECT FROM event WHERE owner = :owner AND campaign_id = :campaign AND due_at IS NOT NULL)
""")

_NEXT = text("""
    SELECT e.no, e.id, e.campaign_id, e.kind, e.state, e.why, e.until, e.numbers, e.at, e.due_at, e.tries,
           w.url, w.seed
    FROM event e JOIN webhook w ON w.owner = e.owner
    WHERE e.owner = :owner AND e.campaign_id IS NOT DISTINCT FROM CAST(:campaign AS uuid) AND e.due_at IS NOT NULL
    ORDER BY e.no LIMIT 1
""")

_TRIED = text("""
    UPDATE event SET tries = tries + 1, status = :status, fault = :fault, due_at = :due_at,
                     delivered_at = :delivered_at, given_up_at = :given_up_at
    WHERE no = :no AND owner = :owner AND due_at IS NOT NULL
""")

_SET = text("""
    INSERT INTO webhook (owner, url, events, seed, made_at) VALUES (:owner, :url, :events, :seed, :now)
    ON CONFLICT (owner) DO UPDATE SET url = excluded.url, events = excluded.events, seed = excluded.seed,
                                      made_at = excluded.made_at
""")

_WEBHOOK = text("SELECT url, events, made_at FROM webhook WHERE owner = :owner")
_AT_ONCE = text("UPDATE event SET due_at = :now WHERE owner = :owner AND due_at > :now")
_REMOVE = text("DELETE FROM webhook WHERE owner = :owner RETURNING owner")
_FORGET = text("UPDATE event SET due_at = NULL WHERE owner = :owner AND due_at IS NOT NULL")

_DELIVERIES = text("""
    SELECT id, campaign_id, kind, state, at, due_at, tries, status, fault, delivered_at, given_up_at FROM event
    WHERE owner = :owner AND (tries > 0 OR due_at IS NOT NULL) ORDER BY no DESC LIMIT :at_most
""")


@dataclass(frozen=True)
class Delivery:
    """An event on its way: where to, and what the secret is made of. `tries`: that were made before."""

    event: Event
    url: str
    seed: bytes
    due_at: datetime
    tries: int


@dataclass(frozen=True)
class Webhook:
    """Where an owner is told of events, and of which states."""

    url: str
    events: tuple[State, ...]
    made_at: datetime


@dataclass(frozen=True)
class DeliveryView:
    """How a delivery goes. `status`, `fault`: of the last try. `due_at`: of the next one."""

    id: UUID
    campaign_id: UUID | None
    kind: EventKind
    state: State | None
    at: datetime
    due_at: datetime | None
    tries: int
    status: int | None
    fault: Fault | None
    delivered_at: datetime | None
    given_up_at: datetime | None


async def add(
    tx: AsyncConnection,
    owner: str,
    kind: EventKind,
    now: datetime,
    *,
    campaign_id: UUID | None = None,
    state: State | None = None,
    why: str | None = None,
    until: datetime | None = None,
    numbers: Mapping[str, Any] | None = None,
) -> Event:
    """Write what has happened. Whoever changes a campaign's state holds its row, so its events are in order."""
    names = {
        "id": uuid4(),
        "owner": owner,
        "campaign": campaign_id,
        "kind": kind.value,
        "state": state,
        "why": why,
        "until": until,
        "numbers": None if numbers is None else json.dumps(numbers),
        "now": now,
    }
    return _event((await tx.execute(_ADD, names)).mappings().one())


async def due(tx: AsyncConnection, owner: str, campaign_id: UUID) -> bool:
    """Whether the owner's server is to be told something of the campaign."""
    return bool(await tx.scalar(_DUE, {"owner": owner, "campaign": campaign_id}))


class Events:
    """The store of events, and of where owners are told of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, owner: str, campaign_id: UUID, at_most: int) -> Sequence[Event]:
        """The campaign's last events, in order."""
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(_OF, {"owner": owner, "campaign": campaign_id, "at_most": at_most})
            return [_event(row) for row in rows.mappings()][::-1]

    async def set_webhook(
        self,
        owner: str,
        url: str,
        events: Sequence[State],
        seed: bytes,
        now: datetime,
        act: Act | None = None,
    ) -> None:
        """Tell the owner there, from now on; what could not be delivered so far is tried again at once."""
        async with self._database.owner(owner) as tx:
            names = {"owner": owner, "url": url, "events": [each.value for each in events], "seed": seed, "now": now}
            await tx.execute(_SET, names)
            await tx.execute(_AT_ONCE, {"owner": owner, "now": now})
            await record(tx, owner, act)

    async def webhook(self, owner: str) -> Webhook:
        """Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            row = (await tx.execute(_WEBHOOK, {"owner": owner})).mappings().first()
        if row is None:
            raise NotFound("webhook")
        return Webhook(row["url"], tuple(State(each) for each in row["events"]), row["made_at"])

    async def remove_webhook(self, owner: str, act: Act | None = None) -> None:
        """Tell the owner nothing more, also of what has happened already. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            if (await tx.execute(_REMOVE, {"owner": owner})).first() is None:
                raise NotFound("webhook")
            await tx.execute(_FORGET, {"owner": owner})
            await record(tx, owner, act)

    async def ping(self, owner: str, now: datetime, act: Act | None = None) -> Event:
        """Have the owner's server told that it can be reached. Raises `NotFound` where there is none."""
        await self.webhook(owner)
        async with self._database.owner(owner) as tx:
            event = await add(tx, owner, EventKind.PING, now)
            await record(tx, owner, act)
            return event

    async def deliveries(self, owner: str, at_most: int) -> Sequence[DeliveryView]:
        """The last events that were to be delivered, newest first."""
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(_DELIVERIES, {"owner": owner, "at_most": at_most})
            return [
                DeliveryView(
                    **{
                        **row,
                        "kind": EventKind(row["kind"]),
                        "state": None if row["state"] is None else State(row["state"]),
                        "fault": None if row["fault"] is None else Fault(row["fault"]),
                    }
                )
                for row in rows.mappings()
            ]

    async def next(self, owner: str, campaign_id: str | None) -> Delivery | None:
        """The first of the campaign's (None: of the pings') that is to be delivered. The others wait for it."""
        async with self._database.owner(owner) as tx:
            row = (await tx.execute(_NEXT, {"owner": owner, "campaign": campaign_id})).mappings().first()
        return None if row is None else Delivery(_event(row), row["url"], row["seed"], row["due_at"], row["tries"])

    async def delivered(self, owner: str, no: int, status: int, now: datetime) -> None:
        """It arrived."""
        await self._tried(owner, no, status=status, delivered_at=now)

    async def failed(
        self, owner: str, no: int, fault: Fault, status: int | None, due_at: datetime | None, now: datetime
    ) -> None:
        """It did not arrive, and is tried again at `due_at`; None: not any more."""
        given_up_at = now if due_at is None else None
        await self._tried(owner, no, status=status, fault=fault, due_at=due_at, given_up_at=given_up_at)

    async def _tried(
        self,
        owner: str,
        no: int,
        *,
        status: int | None,
        fault: Fault | None = None,
        due_at: datetime | None = None,
        delivered_at: datetime | None = None,
        given_up_at: datetime | None = None,
    ) -> None:
        names = {"owner": owner, "no": no, "status": status, "fault": fault, "due_at": due_at}
        async with self._database.owner(owner) as tx:
            await tx.execute(_TRIED, names | {"delivered_at": delivered_at, "given_up_at": given_up_at})


def _event(row: RowMapping) -> Event:
    return Event(
        no=row["no"],
        id=row["id"],
        kind=EventKind(row["kind"]),
        at=row["at"],
        campaign_id=row["campaign_id"],
        state=None if row["state"] is None else State(row["state"]),
        why=row["why"],
        until=row["until"],
        numbers=row["numbers"],
    )
