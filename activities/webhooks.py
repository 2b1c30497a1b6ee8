"""Deliveries to owners' servers: one at a time for each campaign, in the order of its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from domain.ports import Clock
from domain.signatures import sign
from domain.webhooks import Event, Fault, body, next_try, secret

_log = structlog.get_logger("execution")


class Delivery(Protocol):
    """An event on its way."""

    @property
    def event(self) -> Event:
        """What is told."""

    @property
    def url(self) -> str:
        """To whom."""

    @property
    def seed(self) -> bytes:
        """What the owner's secret is made of."""

    @property
    def due_at(self) -> datetime:
        """Not before."""

    @property
    def tries(self) -> int:
        """That were made before."""


class DeliveryStore(Protocol):
    """What these activities ask of storage."""

    async def next(self, owner: str, campaign_id: str | None) -> Delivery | None:
        """The first that is to be delivered."""

    async def delivered(self, owner: str, no: int, status: int, now: datetime) -> None:
        """It arrived."""

    async def failed(
        self, owner: str, no: int, fault: Fault, status: int | None, due_at: datetime | None, now: datetime
    ) -> None:
        """It did not arrive."""


class Receivers(Protocol):
    """Owners' servers."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | Fault:
        """Send it; the answer's status, or why there is none."""


@dataclass(frozen=True)
class Stream:
    """Whose deliveries, and of which campaign; None: the pings."""

    owner: str
    campaign_id: str | None


@dataclass(frozen=True)
class Tried:
    """`again_in`: after so long there is something to be done; None: all is told, or given up."""

    again_in: timedelta | None


class WebhookActivities:
    """Deliveries. `key`: what owners' secrets are made of, with their seeds."""

    def __init__(self, store: DeliveryStore, receivers: Receivers, key: bytes, clock: Clock) -> None:
        self._store = store
        self._receivers = receivers
        self._key = key
        self._clock = clock

    @activity.defn
    async def deliver_next(self, stream: Stream) -> Tried:
        """Try the stream's first delivery if it is due. It may arrive twice, with the same id."""
        async with heartbeating():
            delivery = await self._store.next(stream.owner, stream.campaign_id)
            if delivery is None:
                return Tried(None)
            now = await self._clock.now()
            if delivery.due_at > now:
                return Tried(delivery.due_at - now)
            answer = await self._post(stream.owner, delivery, now)
            return await self._note(stream.owner, delivery, answer)

    async def _post(self, owner: str, delivery: Delivery, now: datetime) -> int | Fault:
        sent = body(delivery.event)
        signed = sign(secret(self._key, owner, delivery.seed), now, sent)
        headers = {"Invite-Delivery": str(delivery.event.id), **signed}
        return await self._receivers.post(delivery.url, sent, headers)

    async def _note(self, owner: str, delivery: Delivery, answer: int | Fault) -> Tried:
        now, no = await self._clock.now(), delivery.event.no
        if isinstance(answer, int) and 200 <= answer < 300:
            await self._store.delivered(owner, no, answer, now)
            return Tried(timedelta(0))
        fault, status = (answer, None) if isinstance(answer, Fault) else (Fault.REFUSED, answer)
        due_at = next_try(delivery.event, delivery.tries + 1, now)
        await self._store.failed(owner, no, fault, status, due_at, now)
        _log.info("not delivered", event_id=str(delivery.event.id), fault=fault.value, again=due_at is not None)
        return Tried(timedelta(0) if due_at is None else due_at - now)
