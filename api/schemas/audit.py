"""The audit trail as owners see it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from domain.audit import Event, Kept, Kind, sentence


class ActOut(BaseModel):
    """What somebody did."""

    number: int = Field(examples=[4_711], description="its place in the order")
    at: datetime
    event: Event
    text: dict[str, str] = Field(
        examples=[{"en": "A campaign was given a command.", "ru": "Кампании отдана команда."}],
        description="the event in words, by language",
    )
    actor: str = Field(
        examples=["user-17"],
        description="the token's `sub`; `operator` with the role `operator`: whoever commanded the workflow directly",
    )
    roles: list[str] = Field(examples=[["user"]], description="of the actor")
    kind: Kind = Field(examples=["campaign"], description="what it was done to")
    subject: str = Field(
        examples=["0b1e6c1e-7b1c-4c5e-9d7e-2f6d1f6f2a10"],
        description="its id; of a person a digest, of data that were read the route; empty for a list",
    )
    address: str = Field(
        examples=["203.0.113.7"], description="where the request came from, of IPv6 the network; empty: by no request"
    )
    request_id: str = Field(examples=["9f2c1d6f0a7b4c5d"], description="the answer's `X-Request-ID`")
    details: dict[str, Any] = Field(examples=[{"command": "pause"}], description="numbers, ids and names of fields")

    @classmethod
    def of(cls, kept: Kept) -> "ActOut":
        """As it is shown."""
        act = kept.act
        return cls(
            number=kept.number,
            at=act.at,
            event=act.event,
            text=sentence(act.event),
            actor=act.by.actor,
            roles=list(act.by.roles),
            kind=act.kind,
            subject=act.subject,
            address=act.by.address,
            request_id=act.by.request_id,
            details=dict(act.details),
        )


class AuditOut(BaseModel):
    """A page of the audit trail; empty where nothing was done yet."""

    items: list[ActOut]
    next: int | None = Field(description="`before` of the next page; none: this was the last")
