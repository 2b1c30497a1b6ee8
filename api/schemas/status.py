"""Shapes of a campaign's numbers: the same from the database, from the workflow and in the report."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Advice, PreflightOut, Reason, Words
from domain.forecast import Unknown, sentence
from domain.membership import Memberships
from domain.statistics import AccountLine, Numbers, Snapshot

_WHY = {
    "code": "working",
    "text": {"en": "At work.", "ru": "Работает."},
    "since": None,
    "until": None,
    "ended_by": {"code": "work", "text": {"en": "It goes on with the work.", "ru": "Идёт вместе с работой."}},
    "to": None,
}
_EXAMPLE: dict[str, Any] = {
    "id": "5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41",
    "name": "Spring meeting",
    "state": "running",
    "why": _WHY,
    "as_of": "2026-03-01T09:15:00Z",
    "counts": {
        "total": 300,
        "processed": 120,
        "percent": 40.0,
        "invited": 55,
        "already_member": 3,
        "messaged": 0,
        "messaged_instead": 58,
        "forwarded": 0,
        "forwarded_instead": 0,
        "link_sent": 0,
        "refused": {"blocked_us": 1},
        "unreachable": {"deleted": 2},
        "failed": {},
        "uncertain": 1,
        "cancelled": 0,
        "skipped": {},
        "contacts_added": 0,
        "left": 180,
    },
    "membership": {"joined": 12, "there": 38, "left": 2, "unknown": 3},
    "preflight": {
        "accounts": 6,
        "checked": 6,
        "may_invite": 5,
        "may_not_invite": [
            {
                "code": "no_right_to_invite",
                "text": {
                    "en": "The account is not an administrator with the right to add people.",
                    "ru": "Аккаунт не администратор с правом добавлять людей.",
                },
                "accounts": 1,
            }
        ],
        "warnings": [
            {
                "code": "slow_mode",
                "text": {
                    "en": "The group has slow mode switched on.",
                    "ru": "В группе включён медленный режим.",
                },
                "accounts": 6,
            }
        ],
    },
    "accounts": [
        {
            "id": "a1",
            "label": "Anna",
            "state": "working",
            "why": _WHY,
            "warnings": [],
            "done": {"invited": 55, "refused": 61},
            "errors": {},
        }
    ],
    "speed_per_minute": 12.0,
    "expected_end": "2026-03-01T09:30:00Z",
    "no_expected_end": None,
    "people_removed_at": None,
}


class CountsOut(BaseModel):
    """Recipients by what became of them: `processed` + `left` = `total`. Those in braces are by reason."""

    total: int
    processed: int
    percent: float
    invited: int
    already_member: int
    messaged: int
    messaged_instead: int = Field(description="messages that replaced a refused invite")
    forwarded: int = Field(description="posts forwarded, which are counted apart from texts")
    forwarded_instead: int = Field(description="posts forwarded in place of a refused invite")
    link_sent: int
    refused: dict[str, int]
    unreachable: dict[str, int]
    failed: dict[str, int]
    uncertain: int = Field(description="it is not known whether it was done; never repeated by itself")
    cancelled: int
    skipped: dict[str, int]
    contacts_added: int = Field(description="actions: adding a contact may be a step before another")
    left: int

    @classmethod
    def of(cls, numbers: Numbers) -> "CountsOut":
        """From the domain's."""
        return cls.model_validate(numbers, from_attributes=True)


class MembershipOut(BaseModel):
    """Whoever was invited or has asked to be let in, by what the last look at the destination found. Looks come some
    time after each invite (10 minutes, 24 and 72 hours, unless the operators set other times), past the campaign's end
    too; a cancelled campaign's people are looked for once more."""

    joined: int = Field(description="seen there for the first time, or again after having left")
    there: int = Field(description="seen there again at a later look: still there")
    left: int = Field(description="not there any more")
    unknown: int = Field(description="not looked for yet, not to be found out, or still waiting to be let in")

    @classmethod
    def of(cls, found: Memberships) -> "MembershipOut":
        """From the domain's."""
        return cls.model_validate(found, from_attributes=True)


class AccountStatusOut(BaseModel):
    """One account in the campaign. `done`: what it did, by outcome. `errors`: what went wrong, by reason."""

    id: str
    label: str
    state: str = Field(examples=["working", "cooldown", "limited", "blocked", "not_admin", "inactive"])
    why: Reason
    warnings: list[Advice] = Field(description="what the look at the destination found")
    done: dict[str, int]
    errors: dict[str, int]

    @classmethod
    def of(cls, line: AccountLine, label: str) -> "AccountStatusOut":
        """From the domain's."""
        why = Reason.of(line.why, line.since, line.until, line.to)
        return cls(
            id=line.account_id,
            label=label,
            state=line.state,
            why=why,
            warnings=[Advice.of(code) for code in line.warnings],
            done=line.done,
            errors=line.errors,
        )


class NoEndOut(BaseModel):
    """Why no end can be told."""

    code: Unknown
    text: Words


class StatusOut(BaseModel):
    """A campaign at the moment `as_of`."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: str
    name: str
    state: str
    why: Reason
    as_of: datetime
    counts: CountsOut
    preflight: PreflightOut | None = Field(description="what the accounts found at the destination, where there is one")
    membership: MembershipOut | None = Field(description="who has stayed, where the campaign invites")
    accounts: list[AccountStatusOut]
    speed_per_minute: float
    expected_end: datetime | None = Field(description="as the plan has it, which is made anew now and then")
    no_expected_end: NoEndOut | None = Field(description="why there is no `expected_end`")
    people_removed_at: datetime | None = Field(
        None, description="its people were kept long enough: the numbers stay, and nobody is listed any more"
    )

    @classmethod
    def of(
        cls, name: str, snapshot: Snapshot, labels: dict[str, str], people_removed_at: datetime | None = None
    ) -> "StatusOut":
        """From the domain's; `labels` by account."""
        return cls(
            id=snapshot.campaign_id,
            name=name,
            state=snapshot.state,
            why=Reason.of(snapshot.why, snapshot.since, snapshot.until, snapshot.to),
            as_of=snapshot.as_of,
            counts=CountsOut.of(snapshot.numbers),
            preflight=None if snapshot.preflight is None else PreflightOut.of(snapshot.preflight),
            membership=None if snapshot.membership is None else MembershipOut.of(snapshot.membership),
            accounts=[AccountStatusOut.of(line, labels.get(line.account_id, "")) for line in snapshot.accounts],
            speed_per_minute=snapshot.per_minute,
            expected_end=snapshot.expected_end,
            no_expected_end=None if snapshot.no_end is None else _no_end(Unknown(snapshot.no_end)),
            people_removed_at=people_removed_at,
        )


def _no_end(unknown: Unknown) -> NoEndOut:
    return NoEndOut(code=unknown, text=Words.of(sentence(unknown)))
