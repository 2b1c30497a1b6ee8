"""Shapes of plans."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.campaigns import AccountIds, Destination, PlatformName
from api.schemas.common import Reason, Words
from api.schemas.messages import MessageIn
from api.schemas.terms import TermsBody
from domain import bound, notes
from domain.bound import Bound
from domain.notes import Note
from domain.plan import Line, Plan
from domain.platform import Action, Budget

MOST_RECIPIENTS = 1_000_000

_IN: dict[str, Any] = {
    "platform": "telegram",
    "action": "invite",
    "recipients": 300,
    "message": {"texts": ["Hello! We meet on Friday."]},
    "message_when_refused": True,
    "limits": {"daily": {"invite": 30}},
}
_OUT: dict[str, Any] = {
    "made_at": "2026-03-01T09:05:00Z",
    "recipients": 300,
    "actions": 432.0,
    "assumed_refusals": 0.44,
    "end": {
        "earliest": "2026-03-04T13:00:00Z",
        "planned": "2026-03-04T21:30:00Z",
        "latest": "2026-03-05T03:15:00Z",
    },
    "bound_by": {
        "code": "budget",
        "text": {
            "en": "The daily limit of the accounts. More accounts would be faster.",
            "ru": "Дневной лимит аккаунтов. С большим числом аккаунтов будет быстрее.",
        },
        "budget": "invite",
    },
    "per_minute": 0.15,
    "per_day": 122.5,
    "days": [{"date": "2026-03-01", "actions": 78.4}, {"date": "2026-03-02", "actions": 124.0}],
    "accounts": [
        {
            "id": "a1",
            "label": "Anna",
            "why": None,
            "per_minute": 0.05,
            "per_day": 40.8,
            "days": [26.1, 41.3],
        }
    ],
    "with_more_accounts": [
        {"accounts": 1, "end": "2026-03-04T19:00:00Z"},
        {"accounts": 5, "end": "2026-03-04T11:30:00Z"},
        {"accounts": 10, "end": "2026-03-04T04:00:00Z"},
    ],
    "notes": [
        {
            "code": "refusals_assumed",
            "text": {
                "en": "How many refuse the invite is not known yet: a typical share is assumed.",
                "ru": "Сколько человек откажутся от приглашения, пока не известно: взята обычная доля.",
            },
        }
    ],
}


class PlanIn(TermsBody):
    """What is to be planned: for a number of people, or for an audience."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _IN})

    platform: PlatformName
    action: Action
    recipients: Annotated[int, Field(ge=1, le=MOST_RECIPIENTS)] | None = Field(
        None, description="how many people, known by their usernames; this or `audience_id`"
    )
    audience_id: UUID | None = None
    destination: Destination = Field("", description="group or channel; accounts' rights there are not looked up")
    message: MessageIn = Field(MessageIn(), description="one with a link has a limit of its own")
    message_when_refused: bool = Field(False, description="write to those whose settings refuse the invite")
    add_contact_first: bool = Field(False, description="add everybody to the contacts before anything else")
    account_ids: AccountIds | None = Field(None, description="which accounts may work; default: all on the platform")
    dry_run: bool = False


class EndsOut(BaseModel):
    """When it ends, while nothing goes wrong: no flood, no ban, no pause."""

    earliest: datetime = Field(description="a twentieth fewer people, and nobody refuses")
    planned: datetime
    latest: datetime = Field(description="a twentieth more people")


class BoundOut(BaseModel):
    """What would have to change for it to end sooner, or at all."""

    code: Bound
    text: Words
    budget: Budget | None = Field(description="whose limit it is, for `budget` and `forbidden`")


class NoteOut(BaseModel):
    """Something that the owner should know. It stops nothing."""

    code: Note
    text: Words


class DayOut(BaseModel):
    """What is done on a day, by the calendar of the campaign's time zone."""

    date: date
    actions: float


class AccountPlanOut(BaseModel):
    """One account. `days`: its actions on each of the plan's days."""

    id: str
    label: str
    why: Reason | None = Field(description="why it does nothing at the moment, if so")
    per_minute: float = Field(description="over the next hour")
    per_day: float = Field(description="on the average day until the end")
    days: list[float]

    @classmethod
    def of(cls, line: Line) -> "AccountPlanOut":
        """From the domain's."""
        return cls(
            id=line.account_id,
            label=line.label,
            why=None if line.rest is None else Reason.of(line.rest.why.value, None, line.rest.until),
            per_minute=round(line.per_minute, 3),
            per_day=round(line.per_day, 1),
            days=[round(each, 1) for each in line.days],
        )


class MoreAccountsOut(BaseModel):
    """The planned end with so many more accounts, connected now, that may do all of it. None: not within ten years."""

    accounts: int
    end: datetime | None


class PlanOut(BaseModel):
    """The forecast. An invite that is refused and the message instead of it are two actions."""

    model_config = ConfigDict(json_schema_extra={"example": _OUT})

    made_at: datetime
    recipients: int = Field(description="who are not done with yet")
    actions: float
    assumed_refusals: float | None = Field(description="share of invites after which a message follows")
    end: EndsOut | None = Field(description="null: it never ends; `bound_by` says why")
    bound_by: BoundOut
    per_minute: float = Field(description="over all accounts, in the next hour")
    per_day: float = Field(description="over all accounts, on the average day until the end")
    days: list[DayOut] = Field(description="the first days, 14 at most")
    accounts: list[AccountPlanOut]
    with_more_accounts: list[MoreAccountsOut]
    notes: list[NoteOut]

    @classmethod
    def of(cls, plan: Plan, noted: list[Note]) -> "PlanOut":
        """From the domain's."""
        ends = plan.ends
        return cls(
            made_at=plan.made_at,
            recipients=plan.people,
            actions=round(plan.actions, 1),
            assumed_refusals=None if plan.refusals is None else round(plan.refusals, 2),
            end=None if ends is None else EndsOut.model_validate(ends, from_attributes=True),
            bound_by=BoundOut(code=plan.bound, text=Words.of(bound.sentence(plan.bound)), budget=plan.budget),
            per_minute=round(plan.per_minute, 2),
            per_day=round(plan.per_day, 1),
            days=[DayOut(date=day, actions=round(actions, 1)) for day, actions in plan.days],
            accounts=[AccountPlanOut.of(line) for line in plan.accounts],
            with_more_accounts=[MoreAccountsOut(accounts=k, end=end) for k, end in plan.more.items()],
            notes=[NoteOut(code=note, text=Words.of(notes.sentence(note))) for note in noted],
        )
