"""What services beside ours tell us without being asked: that it is time to look, and never what is true."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Change(StrEnum):
    """What has become of an account at integration-service. Whatever it is, the list of accounts tells the fact."""

    ADDED = "account.added"
    REMOVED = "account.removed"
    ENABLED = "account.enabled"
    DISABLED = "account.disabled"
    BANNED = "account.banned"
    CREDENTIALS_CHANGED = "account.credentials_changed"


@dataclass(frozen=True)
class AccountChanged:
    """integration-service tells of an owner's account. `delivery`: the same however often it is sent."""

    delivery: UUID
    owner: str
    platform: str
    account_id: str
    change: Change
