"""Shapes of accounts and of their rights."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.campaigns import AccountIds, PlatformName
from api.schemas.common import ONE_LINE, Advice, Body, PreflightOut, Reason, Words
from domain.account import AccountState, KnownAccount
from domain.outcome import Reason as OutcomeReason
from domain.sentences import sentence
from domain.standing import account_rest
from domain.why import Why
from domain.why import sentence as why_sentence
from storage.owned_accounts import OwnedAccount

_CHECK: dict[str, Any] = {
    "id": "9d2f8c53-3a65-49ea-a3a1-2a8b7a1a7b10",
    "finished": True,
    "in_all": {
        "accounts": 1,
        "checked": 1,
        "may_invite": 0,
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
        "warnings": [],
    },
    "accounts": [
        {
            "account_id": "a1",
            "can_invite": False,
            "reason": "no_right_to_invite",
            "text": {
                "en": "The account is not an administrator with the right to add people.",
                "ru": "Аккаунт не администратор с правом добавлять людей.",
            },
            "title": "Spring meeting",
            "kind": "channel",
            "members": 120,
            "warnings": [],
        }
    ],
}


class AccountOut(BaseModel):
    """An account. `status` is integration-service's word, `state` and `why` are ours."""

    id: str
    label: str
    platform: str
    status: str = Field(examples=["active", "inactive", "banned"], description="integration-service's word")
    state: str = Field(examples=["active", "cooldown", "limited", "blocked"], description="how we found it")
    reason: str = Field(examples=["peer_flood"], description="what brought it into that state, or ''")
    why: Reason
    created_at: datetime | None

    @classmethod
    def of(cls, known: KnownAccount, met: OwnedAccount | None, now: datetime) -> "AccountOut":
        """From integration-service's and ours."""
        return cls(
            id=known.account_id,
            label=known.label,
            platform=known.platform,
            status=known.status.value,
            created_at=known.created_at,
            **_standing(met, known.status.value, now),
        )

    @classmethod
    def met(cls, account: OwnedAccount, now: datetime) -> "AccountOut":
        """From ours alone."""
        return cls(
            id=account.account_id,
            label=account.label,
            platform=account.platform,
            status="",
            created_at=None,
            **_standing(account, "active", now),
        )


class AccountsOut(BaseModel):
    """The owner's accounts on a platform."""

    items: list[AccountOut]


class AdminCheckIn(Body):
    """Whose rights are to be looked at, and where."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"platform": "telegram", "destination": "https://t.me/spring_meeting"}}
    )

    platform: PlatformName
    destination: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), ONE_LINE]
    account_ids: AccountIds | None = Field(None, description="default: all on the platform")


class RightsOut(BaseModel):
    """One account's rights at the destination. `reason`: why it may not add people, or ''."""

    account_id: str
    can_invite: bool
    reason: str
    text: Words
    title: str
    kind: str
    members: int | None
    warnings: list[Advice] = Field(description="what you should know before the start")


class AdminCheckOut(BaseModel):
    """An admin check. While it is not `finished`, ask again at its `Location`."""

    model_config = ConfigDict(json_schema_extra={"example": _CHECK})

    id: UUID
    finished: bool
    in_all: PreflightOut | None = Field(None, description="the looks added up, once it is finished")
    accounts: list[RightsOut]


def words(reason: str) -> Words:
    """A reason of an admin check in words, be it an outcome's or that of a wait."""
    if reason in {each.value for each in OutcomeReason}:
        return Words.of(sentence(OutcomeReason(reason)))
    return Words.of(why_sentence(Why(reason))) if reason in {each.value for each in Why} else Words(en="", ru="")


def _standing(met: OwnedAccount | None, status: str, now: datetime) -> dict[str, Any]:
    rest = account_rest(now, met.standing) if met is not None else None
    if met is not None and rest is not None:
        why = Reason.of(rest.why.value, met.since, rest.until)
        return {"state": met.standing.state.value, "reason": met.standing.reason.value, "why": why}
    code = Why.QUEUE_EMPTY if status == "active" else Why.ACCOUNT_INACTIVE
    return {"state": AccountState.ACTIVE.value, "reason": "", "why": Reason.of(code.value, None, None)}
