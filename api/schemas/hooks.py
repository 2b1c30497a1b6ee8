"""Shapes of hooks: what services beside this one send."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import ONE_LINE
from domain.hooks import AccountChanged, Change

_TOLD: dict[str, Any] = {
    "id": "0d5c3c1e-5c4e-4b7e-9f2f-0a4f4c1f3b7d",
    "event": "account.enabled",
    "user_id": "anna",
    "platform": "telegram",
    "account_id": "a1",
}


class AccountHookIn(BaseModel):
    """An account has changed. What else integration-service may add is not read."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"example": _TOLD})

    id: UUID = Field(description="of this delivery: the same when it is sent again")
    event: Change = Field(description="what has become of it; whatever it is, the list of accounts is read")
    user_id: Annotated[str, ONE_LINE] = Field(min_length=1, max_length=200, description="whose account it is")
    platform: Annotated[str, ONE_LINE] = Field(min_length=1, max_length=50)
    account_id: Annotated[str, ONE_LINE] = Field(min_length=1, max_length=200)

    def told(self) -> AccountChanged:
        """In the domain's words."""
        return AccountChanged(self.id, self.user_id, self.platform, self.account_id, self.event)


class TakenOut(BaseModel):
    """It was taken."""

    id: UUID = Field(examples=[_TOLD["id"]])
    repeated: bool = Field(description="whether it had been before")
