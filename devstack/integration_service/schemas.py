"""What goes over integration-service's wire, with bounds."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s/\x00]+$")]
Platform = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$", examples=["telegram"])]
ShortText = Annotated[str, Field(max_length=256)]
Status = Literal["active", "inactive", "banned"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Account(_Strict):
    """An account as invite-service sees it. The credentials themselves are in Vault."""

    id: Id = Field(examples=["tg-1"])
    label: str = Field(min_length=1, max_length=200, examples=["Sales, Anna"])
    platform: Platform
    status: Status = "active"
    created_at: AwareDatetime = Field(
        description="when the account was made on its platform", examples=["2024-05-01T00:00:00Z"]
    )
    credentials_version: int = Field(1, ge=1, le=2**31 - 1, description="rises when the credentials change")
    vault_path: str = Field(
        min_length=1,
        max_length=512,
        description="below Vault's KV mount; the owner as in domain/secret_path.py",
        examples=["owners/demo-owner/telegram/tg-1"],
    )
    proxy: dict[ShortText, ShortText] | None = Field(
        None,
        max_length=10,
        description="the account's egress; left out when there is none",
        examples=[{"type": "socks5", "host": "10.0.0.7", "port": "1080"}],
    )


class Registration(Account):
    """An account with its owner."""

    user_id: Id = Field(description="the owner", examples=["demo-owner"])


class Check(_Strict):
    """A report that an account does not work."""

    user_id: Id = Field(description="the account's owner", examples=["demo-owner"])
    account_id: Id = Field(examples=["tg-1"])
    reason: str = Field(
        min_length=1,
        max_length=500,
        description="banned → status `banned`; signed out, deactivated, revoked, frozen → `inactive`",
        examples=["banned"],
    )
    at: AwareDatetime = Field(description="when it was found", examples=["2026-01-31T12:00:00Z"])


class Report(Check):
    """A recorded check."""

    received_at: datetime


class FieldError(BaseModel):
    """One field that is wrong."""

    field: str = Field(examples=["query.user_id"])
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="stable; tells the kinds of errors apart", examples=["/problems/forbidden"])
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
