"""Shapes of a report: totals, and what became of each recipient."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Words
from domain.membership import Membership
from domain.sentences import explanation
from domain.totals import NO_ACCOUNT, Totals
from storage.reports import PersonLine

WAITING = "waiting"
"""Stands for the outcome of who has none yet."""

EXAMPLE_PERSON: dict[str, Any] = {
    "position": 1,
    "username": "anna_k",
    "phone": None,
    "user_id": None,
    "first_name": "Анна",
    "last_name": "",
    "outcome": "refused",
    "reason": "privacy",
    "text": {
        "en": "The person's privacy settings do not allow it.",
        "ru": "Этого не позволяют настройки приватности человека.",
    },
    "action": "invite",
    "instead": False,
    "account_id": "a1",
    "settled_at": "2026-03-01T09:15:00Z",
    "membership": None,
}


class RecipientOut(BaseModel):
    """One person of a campaign, and what became of them. `outcome` is `waiting` until there is one."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_PERSON})

    position: int = Field(description="the person's place in the campaign's list, from 0")
    username: str | None
    phone: str | None
    user_id: int | None
    first_name: str
    last_name: str
    outcome: str
    reason: str = Field(description="empty where the outcome says all")
    text: Words
    action: str | None = Field(description="the last action tried")
    instead: bool | None = Field(description="whether it replaced a refused invite")
    account_id: str | None
    settled_at: datetime | None
    membership: Membership | None = Field(
        description="what the last look at the destination found: `joined`, `there` (still), `left`; null: not known"
    )

    @classmethod
    def of(cls, person: PersonLine) -> "RecipientOut":
        """From the store's."""
        return cls(
            position=person.position,
            username=person.username,
            phone=person.phone,
            user_id=person.user_id,
            first_name=person.first_name,
            last_name=person.last_name,
            outcome=person.outcome or WAITING,
            reason=person.reason or "",
            text=Words.of(explanation(person.outcome, person.reason)),
            action=person.action,
            instead=person.instead,
            account_id=person.account_id,
            settled_at=person.settled_at,
            membership=None if person.membership is None else Membership(person.membership),
        )


class RecipientsOut(BaseModel):
    """A page of recipients in the order of the list. `next`: `after` of the page behind it; null at the end."""

    items: list[RecipientOut]
    next: int | None


class ActionTotal(BaseModel):
    """By the last action that was tried."""

    action: str
    instead: bool = Field(description="whether it replaced a refused invite")
    recipients: int
    reached: int


class ReasonTotal(BaseModel):
    """By outcome and reason, in words."""

    outcome: str
    reason: str
    text: Words
    recipients: int


class AccountTotal(BaseModel):
    """By the account that settled them; null: settled without one."""

    account_id: str | None
    recipients: int
    reached: int


class DayTotal(BaseModel):
    """By calendar day."""

    day: date
    recipients: int
    reached: int


class TotalsOut(BaseModel):
    """Those handled, divided in four ways: each adds up to `processed`. `reached`: they got what was wanted."""

    time_zone: str = Field(description="whose days: the schedule's")
    by_action: list[ActionTotal]
    by_reason: list[ReasonTotal]
    by_account: list[AccountTotal]
    by_day: list[DayTotal]

    @classmethod
    def of(cls, totals: Totals) -> "TotalsOut":
        """From the domain's."""
        return cls(
            time_zone=totals.zone,
            by_action=[
                ActionTotal(action=action, instead=instead, recipients=part.recipients, reached=part.reached)
                for (action, instead), part in totals.by_action.items()
            ],
            by_reason=[
                ReasonTotal(outcome=kind, reason=reason, text=Words.of(explanation(kind, reason)), recipients=n)
                for (kind, reason), n in totals.by_reason.items()
            ],
            by_account=[
                AccountTotal(
                    account_id=None if account == NO_ACCOUNT else account,
                    recipients=part.recipients,
                    reached=part.reached,
                )
                for account, part in totals.by_account.items()
            ],
            by_day=[
                DayTotal(day=day, recipients=part.recipients, reached=part.reached)
                for day, part in totals.by_day.items()
            ],
        )
