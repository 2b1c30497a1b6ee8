"""The tables. Every row that belongs to an owner says so, and row-level security holds on all of them.

What is here must equal what the migrations make: a test compares the two. Statuses stand in no index of a table that
is updated per recipient, so that those updates stay heap-only; claims go through `queue`, whose rows are deleted.
There are no foreign keys (docs/decisions/0005-no-foreign-keys.md).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

_MOMENT = DateTime(timezone=True)


def _texts(*, optional: bool = False) -> Any:
    return Field(sa_column=Column(ARRAY(Text), nullable=optional))


class Audience(SQLModel, table=True):
    """A cleaned list of people."""

    id: UUID = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    rows_read: int
    stored: int
    dropped: int
    created_at: datetime = Field(sa_type=_MOMENT)

    __table_args__ = (Index("audience_owner", "owner", "created_at"),)


class AudienceRecipient(SQLModel, table=True):
    """One person of an audience; `line` is where the source has it."""

    __tablename__ = "audience_recipient"

    audience_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    line: int
    username: str | None = Field(sa_type=Text)
    phone: str | None = Field(sa_type=Text)
    user_id: int | None = Field(sa_type=BigInteger)
    first_name: str = Field(sa_type=Text)
    last_name: str = Field(sa_type=Text)
    fields: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))


class AudienceDropped(SQLModel, table=True):
    """One line of the source that was not taken, and why. Shown to its owner only."""

    __tablename__ = "audience_dropped"

    audience_id: UUID = Field(primary_key=True)
    line: int = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    same_as: int | None


class Campaign(SQLModel, table=True):
    """A campaign. The API writes the wish (`wanted`, `control_no`), the worker everything from `phase` on."""

    id: UUID = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    platform: str = Field(sa_type=Text)
    adapter: str = Field(sa_type=Text)
    audience_id: UUID
    action: str = Field(sa_type=Text)
    destination: str = Field(sa_type=Text)
    texts: list[str] = _texts()
    message_when_refused: bool
    add_contact_first: bool
    join_destination: bool
    account_ids: list[str] | None = _texts(optional=True)
    revision: int
    recipients: int
    created_at: datetime = Field(sa_type=_MOMENT)
    idempotency_key: str | None = Field(sa_type=Text)
    request_hash: str = Field(sa_type=Text)
    wanted: str = Field(sa_type=Text)
    control_no: int
    wanted_at: datetime = Field(sa_type=_MOMENT)
    phase: str = Field(sa_type=Text)
    why: str = Field(sa_type=Text)
    since: datetime = Field(sa_type=_MOMENT)
    until: datetime | None = Field(sa_type=_MOMENT)
    acknowledged_no: int
    accounts_checked_at: datetime | None = Field(sa_type=_MOMENT)
    started_at: datetime | None = Field(sa_type=_MOMENT)
    ended_at: datetime | None = Field(sa_type=_MOMENT)

    __table_args__ = (
        Index("campaign_owner", "owner", "created_at"),
        Index("campaign_idempotency", "owner", "idempotency_key", unique=True),
        Index("campaign_live", "id", postgresql_where=text("ended_at IS NULL AND wanted <> 'none'")),
    )


class Recipient(SQLModel, table=True):
    """One person in one campaign, and what became of it. Settled when `outcome` is set."""

    campaign_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    username: str | None = Field(sa_type=Text)
    phone: str | None = Field(sa_type=Text)
    user_id: int | None = Field(sa_type=BigInteger)
    first_name: str = Field(sa_type=Text)
    last_name: str = Field(sa_type=Text)
    fields: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    outcome: str | None = Field(sa_type=Text)
    reason: str | None = Field(sa_type=Text)
    action: str | None = Field(sa_type=Text)
    instead: bool | None
    account_id: str | None = Field(sa_type=Text)
    settled_at: datetime | None = Field(sa_type=_MOMENT)

    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)


class Queue(SQLModel, table=True):
    """Who waits for which action. A claim deletes the row; `seq` is the order, a requeued row goes behind all.

    `lane`: by which identifier the person is looked up. `bound_to`: only this account may take the person;
    `bound_hard`: no other account ever can.
    """

    campaign_id: UUID = Field(primary_key=True)
    action: str = Field(primary_key=True, sa_type=Text)
    lane: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    owner: str = Field(sa_type=Text)
    position: int
    instead: bool
    tried: list[str] = _texts()
    bound_to: str | None = Field(sa_type=Text)
    bound_hard: bool

    __table_args__ = (Index("queue_bound", "campaign_id", "bound_to", postgresql_where=text("bound_to IS NOT NULL")),)


class TurnRow(SQLModel, table=True):
    """One account's right to act once. At most one is open per account, over all campaigns."""

    __tablename__ = "turn"

    id: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    campaign_id: UUID
    adapter: str = Field(sa_type=Text)
    account_id: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    budget: str = Field(sa_type=Text)
    fence: int = Field(sa_type=BigInteger)
    opened_at: datetime = Field(sa_type=_MOMENT)
    closed_at: datetime | None = Field(sa_type=_MOMENT)

    __table_args__ = (
        Index("turn_open", "owner", "adapter", "account_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("turn_open_campaign", "campaign_id", postgresql_where=text("closed_at IS NULL")),
    )


class AttemptRow(SQLModel, table=True):
    """One recipient within a turn: open → sent → settled. The record of what may have been done to whom."""

    __tablename__ = "attempt"

    turn_id: str = Field(primary_key=True, sa_type=Text)
    slot: int = Field(primary_key=True, sa_type=SmallInteger)
    owner: str = Field(sa_type=Text)
    campaign_id: UUID
    position: int
    account_id: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    instead: bool
    lane: str = Field(sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    bound_to: str | None = Field(sa_type=Text)
    bound_hard: bool
    tried: list[str] = _texts()
    key: int = Field(sa_type=BigInteger)
    revision: int
    state: str = Field(sa_type=Text)
    opened_at: datetime = Field(sa_type=_MOMENT)
    sent_at: datetime | None = Field(sa_type=_MOMENT)
    settled_at: datetime | None = Field(sa_type=_MOMENT)
    outcome: str | None = Field(sa_type=Text)
    reason: str | None = Field(sa_type=Text)

    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)


class AccountRow(SQLModel, table=True):
    """An account, for all campaigns: its state, pace and lease. A turn locks this row first."""

    __tablename__ = "account"

    owner: str = Field(primary_key=True, sa_type=Text)
    adapter: str = Field(primary_key=True, sa_type=Text)
    account_id: str = Field(primary_key=True, sa_type=Text)
    label: str = Field(sa_type=Text)
    external_status: str = Field(sa_type=Text)
    credentials_version: int
    created_at: datetime = Field(sa_type=_MOMENT)
    state: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    since: datetime = Field(sa_type=_MOMENT)
    until: datetime | None = Field(sa_type=_MOMENT)
    next_at: datetime | None = Field(sa_type=_MOMENT)
    times_limited: int
    failures_running: int
    block_reported: bool
    seen_inactive: bool
    lease_holder: str | None = Field(sa_type=Text)
    lease_queue: str | None = Field(sa_type=Text)
    lease_until: datetime | None = Field(sa_type=_MOMENT)
    fence: int = Field(sa_type=BigInteger)


class CampaignAccount(SQLModel, table=True):
    """An account in a campaign: its right at the destination, and what it is doing there."""

    __tablename__ = "campaign_account"

    campaign_id: UUID = Field(primary_key=True)
    account_id: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    can_invite: bool
    checked: bool
    warnings: list[str] = _texts()
    why: str = Field(sa_type=Text)
    since: datetime = Field(sa_type=_MOMENT)
    until: datetime | None = Field(sa_type=_MOMENT)


class UsageRow(SQLModel, table=True):
    """Spent budget: `amount` within the hour from `hour` on, in a scope such as `account/telegram/a1`."""

    __tablename__ = "usage"

    owner: str = Field(primary_key=True, sa_type=Text)
    scope: str = Field(primary_key=True, sa_type=Text)
    budget: str = Field(primary_key=True, sa_type=Text)
    hour: datetime = Field(primary_key=True, sa_type=_MOMENT)
    amount: int


class Counter(SQLModel, table=True):
    """Outcomes counted; a set of rows per account, so that accounts do not wait for each other."""

    campaign_id: UUID = Field(primary_key=True)
    account_id: str = Field(primary_key=True, sa_type=Text)
    action: str = Field(primary_key=True, sa_type=Text)
    instead: bool = Field(primary_key=True)
    kind: str = Field(primary_key=True, sa_type=Text)
    reason: str = Field(primary_key=True, sa_type=Text)
    final: bool = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    n: int


class Progress(SQLModel, table=True):
    """Recipients settled per minute and account: the campaign's speed."""

    campaign_id: UUID = Field(primary_key=True)
    minute: datetime = Field(primary_key=True, sa_type=_MOMENT)
    account_id: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    n: int


class AddressBookEntry(SQLModel, table=True):
    """How one account addresses a person it has looked up. `value` means something to its adapter only."""

    __tablename__ = "address_book"

    owner: str = Field(primary_key=True, sa_type=Text)
    adapter: str = Field(primary_key=True, sa_type=Text)
    account_id: str = Field(primary_key=True, sa_type=Text)
    identifier: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)
    kept_at: datetime = Field(sa_type=_MOMENT)

    __table_args__ = (Index("address_book_identifier", "owner", "adapter", "identifier"),)


class Peer(SQLModel, table=True):
    """Who a recipient turned out to be: a person with two identifiers is found out, and handled once."""

    campaign_id: UUID = Field(primary_key=True)
    peer: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    position: int
