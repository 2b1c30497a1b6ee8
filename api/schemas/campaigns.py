"""Shapes of campaigns."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.common import ONE_LINE, Body, Reason
from api.schemas.messages import HintOut, MessageIn, MessageOut
from api.schemas.terms import LIMITS_EXAMPLE, TermsBody, TermsOut, shown
from domain.campaign import State
from domain.platform import DRY_RUN, Action
from storage.campaigns import CampaignView

_NEW: dict[str, Any] = {
    "name": "Spring meeting",
    "platform": "telegram",
    "audience_id": "0b5c4c1e-6f0a-4f2e-9d39-0d6a3b0f6d11",
    "action": "invite",
    "destination": "https://t.me/spring_meeting",
    "message": {"texts": ["{Hello|Hi}, {{first_name|friend}}! We meet on Friday."]},
    "message_when_refused": True,
}
_MADE: dict[str, Any] = _NEW | {
    "id": "5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41",
    "destination": "spring_meeting",
    "message": {"texts": ["{Hello|Hi}, {{first_name|friend}}! We meet on Friday."], "forward": None},
    "hints": [],
    "add_contact_first": False,
    "join_destination": False,
    "account_ids": None,
    "dry_run": False,
    "revision": 1,
    "priority": 3,
    "pace": "even",
    "limits": {"daily": {}, "gap": None},
    "schedule": {"start_at": None, "windows": [], "time_zone": "UTC"},
    "recipients": 300,
    "state": "running",
    "why": {
        "code": "preparing",
        "text": {
            "en": "Accounts are signing in and their rights are being checked.",
            "ru": "Аккаунты входят, проверяются их права.",
        },
        "since": "2026-03-01T09:05:00Z",
        "until": None,
        "ended_by": {"code": "time", "text": {"en": "It ends by itself.", "ru": "Закончится само."}},
        "to": None,
    },
    "created_at": "2026-03-01T09:05:00Z",
    "started_at": None,
    "ended_at": None,
}

AccountId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
Destination = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), ONE_LINE]
PlatformName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), ONE_LINE]
AccountIds = Annotated[list[AccountId], Field(min_length=1, max_length=1_000)]


class NewCampaignIn(TermsBody):
    """A campaign to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _NEW})

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
    platform: PlatformName
    audience_id: UUID | None = Field(None, description="the people, as a list stored before; or give `recipients`")
    recipients: list[str | dict[str, Any]] | None = Field(
        None,
        description="the people themselves: `@name`, `+7…`, or objects with `username`, `phone`, `user_id`, "
        "`first_name`, `last_name` and whatever else the texts use. They are cleaned as a file is, and become an "
        "audience: what was not taken is at `/audiences/{audience_id}/dropped`",
        examples=[["@anna_k", "+79001234567", {"username": "boris1", "first_name": "Boris"}]],
    )
    action: Action
    destination: Destination = Field("", description="group or channel, as @name or link; needed for invites")
    message: MessageIn = Field(MessageIn(texts=[], forward=None), description="needed to send messages")
    message_when_refused: bool = Field(False, description="write to those whose settings refuse the invite")
    add_contact_first: bool = Field(False, description="add everybody to the contacts before anything else")
    join_destination: bool = Field(False, description="accounts may join a private group by its link to invite there")
    account_ids: AccountIds | None = Field(None, description="which accounts may work; default: all on the platform")
    exclude_reached_by: list[UUID] = Field(
        [], max_length=100, description="campaigns: whom they reached is skipped in this one"
    )
    skip_refused: bool = Field(False, description="skip those who refused for good in an earlier campaign")
    dry_run: bool = Field(False, description="every step and every number, and nothing is sent")
    start: bool = Field(True, description="false makes a draft, to be started later")


class RetryIn(Body):
    """Whom to try again: those whom the campaign did not reach for these reasons."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reasons": ["accounts_exhausted", "no_path"]}}
    )

    reasons: list[str] = Field(min_length=1, max_length=50, description="as the report names them; what can pass")
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE] | None = (
        Field(None, description="of the new campaign; default: the old one's")
    )
    start: bool = Field(True, description="false makes a draft, to be started later")


class EditIn(TermsBody):
    """What is changed of a campaign; what is not given stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"priority": 1, "limits": LIMITS_EXAMPLE, "pace": "even"}}
    )

    message: MessageIn | None = Field(None, description="the texts for everybody who has not been written to")
    account_ids: AccountIds | Literal["all"] | None = Field(
        None, description="which accounts may work from now on; `all`: all on the platform"
    )


class CampaignOut(TermsOut):
    """A campaign: what was asked for, and how it stands. `revision` grows with every edit."""

    model_config = ConfigDict(json_schema_extra={"example": _MADE})

    id: UUID
    name: str
    platform: str
    audience_id: UUID | None = Field(description="none: a test message")
    action: Action
    destination: str
    message: MessageOut
    hints: list[HintOut] = Field(description="what you should know of the message; nothing of it stops the campaign")
    message_when_refused: bool
    add_contact_first: bool
    join_destination: bool
    account_ids: list[str] | None
    dry_run: bool
    revision: int
    recipients: int
    state: State
    why: Reason
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, campaign: CampaignView) -> "CampaignOut":
        """From the store's."""
        return cls(
            id=campaign.id,
            name=campaign.name,
            platform=campaign.platform,
            audience_id=None if campaign.test else campaign.audience_id,
            action=campaign.action,
            destination=campaign.destination,
            message=MessageOut.of(campaign.message),
            hints=[HintOut.of(each) for each in campaign.message_hints],
            message_when_refused=campaign.message_when_refused,
            add_contact_first=campaign.add_contact_first,
            join_destination=campaign.join_destination,
            account_ids=None if campaign.account_ids is None else list(campaign.account_ids),
            dry_run=campaign.adapter == DRY_RUN,
            revision=campaign.revision,
            **shown(campaign.terms),
            recipients=campaign.recipients,
            state=campaign.state,
            why=Reason.of(
                campaign.why.value,
                campaign.since,
                campaign.until,
                None if campaign.to_campaign is None else str(campaign.to_campaign),
            ),
            created_at=campaign.created_at,
            started_at=campaign.started_at,
            ended_at=campaign.ended_at,
        )


class CampaignsOut(BaseModel):
    """Campaigns, newest first. `next`: give it as `before` for the next page; none: that was all."""

    items: list[CampaignOut]
    next: datetime | None
