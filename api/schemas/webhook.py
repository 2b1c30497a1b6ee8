"""Shapes of webhooks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Body
from domain.campaign import State
from domain.webhooks import MAX_URL, EventKind, Fault
from storage.events import DeliveryView, Webhook

_SET: dict[str, Any] = {
    "url": "https://example.com/hooks/invite",
    "events": ["paused", "waiting", "done", "done_with_errors", "failed"],
}


class WebhookIn(Body):
    """Where you are told of your campaigns, and of which of their states."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _SET})

    url: str = Field(max_length=MAX_URL, pattern="^https?://", description="of your server; https://")
    events: list[State] = Field(list(State), min_length=1, max_length=100, description="states; without it, all")


class WebhookOut(BaseModel):
    """Where you are told of your campaigns."""

    url: str = Field(examples=[_SET["url"]])
    events: list[State] = Field(examples=[_SET["events"]])
    made_at: datetime

    @classmethod
    def of(cls, found: Webhook) -> "WebhookOut":
        """From the store's."""
        return cls(url=found.url, events=list(found.events), made_at=found.made_at)


class NewWebhookOut(WebhookOut):
    """The same with the secret, which is shown here and nowhere else."""

    secret: str = Field(
        examples=["whsec_wZ3mB8…"], description="what every request is signed with: keep it, it is not shown again"
    )


class DeliveryOut(BaseModel):
    """One event and how its delivery goes. `status`, `fault`: of the last try."""

    id: UUID = Field(description="the header `Invite-Delivery`")
    event: EventKind
    campaign_id: UUID | None
    state: State | None
    at: datetime
    tries: int = Field(examples=[2])
    status: int | None = Field(examples=[503], description="what your server answered; none: it did not")
    fault: Fault | None
    next_try_at: datetime | None = Field(description="none: there will be no other one")
    delivered_at: datetime | None
    given_up_at: datetime | None = Field(description="three days after the event; a ping at once")

    @classmethod
    def of(cls, found: DeliveryView) -> "DeliveryOut":
        """From the store's."""
        return cls(
            id=found.id,
            event=found.kind,
            campaign_id=found.campaign_id,
            state=found.state,
            at=found.at,
            tries=found.tries,
            status=found.status,
            fault=found.fault,
            next_try_at=found.due_at,
            delivered_at=found.delivered_at,
            given_up_at=found.given_up_at,
        )


class DeliveriesOut(BaseModel):
    """The last deliveries, newest first; empty as long as nothing has happened that your server was to be told."""

    items: list[DeliveryOut]


class PingOut(BaseModel):
    """A ping on its way: `GET /webhook/deliveries` tells how it went."""

    id: UUID = Field(description="the header `Invite-Delivery`")
