"""The tables. Every row that belongs to an owner says so, and row-level security holds on all of them.

What is here must equal what the migrations make: a test compares the two. Statuses stand in no index of a table that
is updated per recipient, so that those updates stay heap-only; claims go through `queue`, whose rows are deleted.
There are no foreign keys (docs/decisions/0005-no-foreign-keys.md).
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Interval,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB
from sqlmodel import Field, SQLModel

_MOMENT = DateTime(timezone=True)


def _texts(*, optional: bool = False) -> Any:
    return Field(sa_column=Column(ARRAY(Text), nullable=optional))


class Audience(SQLModel, table=True):
    """A cleaned list of people.

    One that is imported (`parsed_data_id`): `position` is the cursor of the next of its `pages`, none behind the last
    one (`fetched`); `total`: how many rows the source says that there are; `fault`: why it failed.
    """

    id: UUID = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    rows_read: int
    stored: int
    dropped: int
    created_at: datetime = Field(sa_type=_MOMENT)
    state: str = Field(sa_type=Text)
    parsed_data_id: str | None = Field(sa_type=Text)
    platform: str | None = Field(sa_type=Text)
    position: str | None = Field(sa_type=Text)
    pages: int
    fetched: bool
    total: int | None
    fault: str | None = Field(sa_type=Text)

    __table_args__ = (
        Index("audience_owner", "owner", "created_at"),
        Index("audience_importing", "id", postgresql_where=text("state = 'importing'")),
    )


class AudiencePage(SQLModel, table=True):
    """What parsing-service has answered, a JSON list, until the whole is there and cleaned."""

    __tablename__ = "audience_page"

    audience_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    first_line: int
    content: str = Field(sa_type=Text)


class AudienceRecipient(SQLModel, table=True):
    """One person of an audience; `line` is where the source has it, `seen_by` the account that knows its `user_id`."""

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
    seen_by: str | None = Field(sa_type=Text)


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
    """A campaign. The API writes the wish (`wanted`, `control_no`) and edits, the worker everything from `phase` to
    `ended_at`.

    `schedule`, `limits`: see `storage.terms`. `held`: the guardrail that holds it; `held_base`: the sample at which the
    owner last let it go on. `to_campaign`: the one that all its accounts give way to.
    `texts`, `post`: what is sent now; what earlier revisions sent stands in `campaign_message`. `message_budget`: from
    what its messages are paid. `message_hints`: what the owner was told about them. `test`: made by
    `POST /messages/test`, one message to an identifier of the owner's own. `planned_end`: see `domain.forecast`;
    `promised_end`: what was planned first after the owner's last word.
    `people_removed_at`: its recipients were kept long enough (`storage.retention`). `accounts_told`: the last delivery
    that told of a change of an account, until their list was read after it.
    """

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
    priority: int = Field(sa_type=SmallInteger)
    pace: str = Field(sa_type=Text)
    schedule: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    limits: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    held: str | None = Field(sa_type=Text)
    held_base: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    to_campaign: UUID | None
    post: str = Field(sa_type=Text)
    message_budget: str = Field(sa_type=Text)
    message_hints: list[str] = _texts()
    test: bool
    people_removed_at: datetime | None = Field(sa_type=_MOMENT)
    planned_at: datetime | None = Field(sa_type=_MOMENT)
    planned_end: datetime | None = Field(sa_type=_MOMENT)
    promised_at: datetime | None = Field(sa_type=_MOMENT)
    promised_end: datetime | None = Field(sa_type=_MOMENT)
    accounts_told: UUID | None

    __table_args__ = (
        Index("campaign_owner", "owner", "created_at"),
        Index("campaign_test", "owner", "created_at", postgresql_where=text("test")),
        Index("campaign_idempotency", "owner", "idempotency_key", unique=True),
        Index(
            "campaign_live",
            "id",
            postgresql_where=text("(ended_at IS NULL OR control_no > acknowledged_no) AND wanted <> 'none'"),
        ),
    )


class Recipient(SQLModel, table=True):
    """One person in one campaign, and what became of it. Settled when `outcome` is set.

    `membership`: what the last look at the destination found of them, if it could tell (`domain.membership`).
    """

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
    seen_by: str | None = Field(sa_type=Text)
    membership: str | None = Field(sa_type=Text)

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

    __table_args__ = (
        Index(
            "queue_bound",
            *("campaign_id", "bound_to", "action", "lane", "seq"),
            postgresql_where=text("bound_to IS NOT NULL"),
        ),
        CheckConstraint("lane <> 'user_id' OR bound_to IS NOT NULL", name="queue_by_id_bound"),
    )


class QueueLow(SQLModel, table=True):
    """Where a lane of the queue begins: none of its rows has a lower `seq`. Missing: anywhere (`storage.low_water`)."""

    __tablename__ = "queue_low"

    campaign_id: UUID = Field(primary_key=True)
    action: str = Field(primary_key=True, sa_type=Text)
    lane: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    seq: int = Field(sa_type=BigInteger)


class TurnRow(SQLModel, table=True):
    """One account's right to act once, and the `pause` after it. At most one is open per account, whatever campaign."""

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
    pause: timedelta = Field(sa_type=Interval)

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
    draw: int | None
    rendering: int | None = Field(sa_type=BigInteger)

    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)


class CampaignMessage(SQLModel, table=True):
    """What a campaign sent from this revision on: an attempt's retry sends the words of the attempt's own revision."""

    __tablename__ = "campaign_message"

    campaign_id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    texts: list[str] = _texts()
    post: str = Field(sa_type=Text)


class LastText(SQLModel, table=True):
    """By what an account's last text is recognised. `turn_id`: its latest turn with a text, sent or not.

    `rendering`: the fingerprint of the last text that was sent before that turn.
    """

    __tablename__ = "last_text"

    owner: str = Field(primary_key=True, sa_type=Text)
    adapter: str = Field(primary_key=True, sa_type=Text)
    account_id: str = Field(primary_key=True, sa_type=Text)
    turn_id: str = Field(sa_type=Text)
    rendering: int | None = Field(sa_type=BigInteger)


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
    slow: float = Field(sa_type=DOUBLE_PRECISION)
    slow_at: datetime | None = Field(sa_type=_MOMENT)
    tier: str | None = Field(sa_type=Text)
    portfolio: str | None = Field(sa_type=Text)


class CampaignAccount(SQLModel, table=True):
    """An account in a campaign: its right at the destination, and what it is doing there.

    `refused`: why its last look found that it may not invite. `kinds`: while it gives way, what it would do else, each
    as the budgets that it is paid from (`storage.waiters`). `post_unseen_no`: it could not forward the campaign's post
    while the campaign's `control_no` was that; whatever the owner wishes next lets it try again.
    """

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
    to_campaign: UUID | None
    refused: str | None = Field(sa_type=Text)
    kinds: list[str] | None = _texts(optional=True)
    post_unseen_no: int | None

    __table_args__ = (Index("campaign_account_to", "to_campaign", postgresql_where=text("to_campaign IS NOT NULL")),)


class Waiter(SQLModel, table=True):
    """A campaign's claim on an account, to which lower ones give way. `budgets`: for these kinds only; {}: for any."""

    owner: str = Field(primary_key=True, sa_type=Text)
    adapter: str = Field(primary_key=True, sa_type=Text)
    account_id: str = Field(primary_key=True, sa_type=Text)
    campaign_id: UUID = Field(primary_key=True)
    priority: int = Field(sa_type=SmallInteger)
    until: datetime = Field(sa_type=_MOMENT)
    budgets: list[str] = _texts()

    __table_args__ = (Index("waiter_campaign", "campaign_id"),)


class Flood(SQLModel, table=True):
    """Signs of flood control on an owner's accounts, by minute: past a threshold the whole platform slows down."""

    owner: str = Field(primary_key=True, sa_type=Text)
    adapter: str = Field(primary_key=True, sa_type=Text)
    minute: datetime = Field(primary_key=True, sa_type=_MOMENT)
    n: int

    __table_args__ = (Index("flood_adapter", "adapter", "minute"),)


class UsageRow(SQLModel, table=True):
    """Spent budget: `amount` within the hour from `hour` on, in a scope such as `account/telegram/a1`.

    `next_at`: earliest next action of the kind, by the pace of the last one.
    """

    __tablename__ = "usage"

    owner: str = Field(primary_key=True, sa_type=Text)
    scope: str = Field(primary_key=True, sa_type=Text)
    budget: str = Field(primary_key=True, sa_type=Text)
    hour: datetime = Field(primary_key=True, sa_type=_MOMENT)
    amount: int
    next_at: datetime | None = Field(sa_type=_MOMENT)


class SuppressionRow(SQLModel, table=True):
    """One identifier of the do-not-contact list (`domain.suppression`); None: its person was erased."""

    __tablename__ = "suppression"

    owner: str = Field(primary_key=True, sa_type=Text)
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    identifier: str | None = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    added_at: datetime = Field(sa_type=_MOMENT)


class Refusal(SQLModel, table=True):
    """Who has refused for good, by the digest of an identifier: skipped by choice in the next campaigns."""

    owner: str = Field(primary_key=True, sa_type=Text)
    adapter: str = Field(primary_key=True, sa_type=Text)
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    reason: str = Field(sa_type=Text)
    refused_at: datetime = Field(sa_type=_MOMENT)


class CampaignLine(SQLModel, table=True):
    """What an account's line looked like (`digest`) when its campaign's workflow was told last: `domain.told`."""

    __tablename__ = "campaign_line"

    campaign_id: UUID = Field(primary_key=True)
    account_id: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    changed_no: int = Field(sa_type=BigInteger)

    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)


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

    __table_args__ = (
        Index("address_book_identifier", "owner", "adapter", "identifier"),
        Index("address_book_value", "owner", "adapter", "account_id", "value"),
    )


class Peer(SQLModel, table=True):
    """Who a recipient turned out to be: a person with two identifiers is found out, and handled once."""

    campaign_id: UUID = Field(primary_key=True)
    peer: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    position: int

    __table_args__ = (Index("peer_anywhere", "owner", "peer"),)


class LookRow(SQLModel, table=True):
    """Somebody who is to be looked for at the destination at `due_at`, by this account. `since`: settled at.

    Whoever deletes a recipient deletes this row too: nobody could be looked for by it, and it would stay due.
    """

    __tablename__ = "look"

    campaign_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    adapter: str = Field(sa_type=Text)
    account_id: str = Field(sa_type=Text)
    since: datetime = Field(sa_type=_MOMENT)
    due_at: datetime = Field(sa_type=_MOMENT)

    __table_args__ = (
        Index("look_due", "due_at"),
        Index("look_by", "owner", "adapter", "account_id", "due_at"),
    )


class MembershipRow(SQLModel, table=True):
    """What the looks found, counted by state: `domain.membership`."""

    __tablename__ = "membership"

    campaign_id: UUID = Field(primary_key=True)
    state: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    n: int


class WebhookRow(SQLModel, table=True):
    """Where an owner's server is told of events, of which states. `seed`: what the secret is made of, with our key."""

    __tablename__ = "webhook"

    owner: str = Field(primary_key=True, sa_type=Text)
    url: str = Field(sa_type=Text)
    events: list[str] = _texts()
    seed: bytes = Field(sa_type=LargeBinary)
    made_at: datetime = Field(sa_type=_MOMENT)


class EventRow(SQLModel, table=True):
    """A change of a campaign's state, or (without a campaign) a ping; and how its delivery goes, where there is one.

    `due_at`: of the next try; None: nothing is to be delivered, or not any more.
    """

    __tablename__ = "event"

    no: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    id: UUID
    owner: str = Field(sa_type=Text)
    campaign_id: UUID | None
    kind: str = Field(sa_type=Text)
    state: str | None = Field(sa_type=Text)
    why: str | None = Field(sa_type=Text)
    until: datetime | None = Field(sa_type=_MOMENT)
    numbers: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    at: datetime = Field(sa_type=_MOMENT)
    due_at: datetime | None = Field(sa_type=_MOMENT)
    tries: int
    status: int | None = Field(sa_type=SmallInteger)
    fault: str | None = Field(sa_type=Text)
    delivered_at: datetime | None = Field(sa_type=_MOMENT)
    given_up_at: datetime | None = Field(sa_type=_MOMENT)

    __table_args__ = (
        Index("event_campaign", "campaign_id", "no"),
        Index("event_owner", "owner", "no"),
        Index("event_due", "owner", "no", postgresql_where=text("due_at IS NOT NULL")),
        Index("event_at", "at"),
    )


class AuditRow(SQLModel, table=True):
    """What somebody did to the owner's: `domain.audit`. Rows are added and never changed; `number` is their order."""

    __tablename__ = "audit"

    owner: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(sa_column=Column(BigInteger, Identity(always=False), primary_key=True))
    at: datetime = Field(sa_type=_MOMENT)
    event: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    actor: str = Field(sa_type=Text)
    roles: list[str] = _texts()
    address: str = Field(sa_type=Text)
    request_id: str = Field(sa_type=Text)
    details: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))

    __table_args__ = (Index("audit_at", "at"),)


class ApplicationShare(SQLModel, table=True):
    """What part of an application's requests a second a worker may be using. No owner's row: behind functions only."""

    __tablename__ = "application_share"

    application: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(primary_key=True, sa_type=Text)
    share: int
    expires_at: datetime = Field(sa_type=_MOMENT)


class HookDelivery(SQLModel, table=True):
    """A delivery of a service beside ours, as long as it could come again. No owner's row: behind a function only."""

    __tablename__ = "hook_delivery"

    id: UUID = Field(primary_key=True)
    forget_at: datetime = Field(sa_type=_MOMENT)

    __table_args__ = (Index("hook_delivery_forget", "forget_at"),)
