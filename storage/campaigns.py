"""Campaigns as their owner makes, reads and commands them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Act
from domain.campaign import ENDS, Command, Phase, State, Wanted, obey, restarts, state
from domain.errors import Forbidden, NotFound
from domain.forecast import Forecast, Unknown, expected
from domain.guardrails import sample
from domain.hints import Hint
from domain.message import Message
from domain.platform import Action, Budget, Identifier
from domain.statistics import Count, numbers
from domain.terms import Terms
from domain.webhooks import EventKind
from domain.why import Why
from storage import comings, events, recipients, texts, waiters
from storage.audit import record
from storage.engine import Database
from storage.tables import Audience, Campaign
from storage.terms import columns, terms
from storage.test_messages import ToOneself, admit_test

_campaign = Campaign.__table__  # type: ignore[attr-defined]
COUNTS = text("SELECT account_id, action, instead, kind, reason, final, n FROM counter WHERE campaign_id = :campaign")
_audience = Audience.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class NewCampaign:
    """What the owner asks for. `adapter`: the platform, or `dry_run`. `reaches`: how the platform finds people.

    `test`: the one recipient of a test, which has no audience (`audience_id` is then `NO_AUDIENCE`). `reached_by`: the
    people whom these campaigns reached are left out; `skip_refused`: so are those who refused for good before. `again`:
    an earlier campaign's people, instead of the audience's.
    """

    name: str
    platform: str
    adapter: str
    audience_id: UUID
    action: Action
    destination: str
    message: Message
    message_when_refused: bool
    account_ids: Sequence[str] | None
    start: bool
    reaches: Collection[Identifier]
    add_contact_first: bool = False
    join_destination: bool = False
    message_budget: Budget = Budget.MESSAGE_WITH_LINK
    message_hints: Sequence[Hint] = ()
    test: ToOneself | None = None
    reached_by: Sequence[UUID] = ()
    skip_refused: bool = False
    again: recipients.Again | None = None
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True)
class NewMessage:
    """What a campaign sends from now on: what it is paid from, and what the owner is told of it."""

    message: Message
    budget: Budget
    hints: Sequence[Hint]


@dataclass(frozen=True)
class Edit:
    """What the owner changes of a campaign; None: it stays. `account_ids` is () for all of the platform."""

    terms: Terms | None = None
    message: NewMessage | None = None
    account_ids: Sequence[str] | None = None


@dataclass(frozen=True)
class CampaignView:
    """A campaign as it is read: what was asked for, and how it stands."""

    id: UUID
    owner: str
    name: str
    platform: str
    adapter: str
    audience_id: UUID
    action: Action
    destination: str
    message: Message
    message_budget: Budget
    message_hints: tuple[Hint, ...]
    message_when_refused: bool
    add_contact_first: bool
    join_destination: bool
    account_ids: tuple[str, ...] | None
    recipients: int
    wanted: Wanted
    control_no: int
    acknowledged_no: int
    phase: Phase
    why: Why
    since: datetime
    until: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    request_hash: str
    revision: int
    terms: Terms
    held: Why | None
    held_base: Mapping[str, int]
    to_campaign: UUID | None
    test: bool
    accounts_checked_at: datetime | None
    wanted_at: datetime
    forecast: Forecast | None
    people_removed_at: datetime | None
    accounts_told: UUID | None

    @property
    def state(self) -> State:
        """The state that people see."""
        return state(self.wanted, self.phase)

    @property
    def waits_for_word(self) -> Why | None:
        """Why it does not go on before its owner resumes it, if so."""
        return Why.POST_UNAVAILABLE if self.why is Why.POST_UNAVAILABLE else self.held

    @property
    def expected(self) -> datetime | Unknown:
        """When it ends, or why that is not known."""
        return expected(self.forecast, self.wanted, self.phase, self.waits_for_word)


class Campaigns:
    """The store of campaigns for the API."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        owner: str,
        new: NewCampaign,
        idempotency_key: str | None,
        request_hash: str,
        now: datetime,
        act: Act | None = None,
    ) -> tuple[CampaignView, bool]:
        """Make the campaign with all its recipients, or find the one that `idempotency_key` made before.

        Answers it and whether it was made now. Raises `NotFound` for an audience that is not this owner's, and
        `Forbidden` when the key was used for another request.
        """
        try:
            async with self._database.owner(owner) as tx:
                earlier = await _by_key(tx, owner, idempotency_key)
                if earlier is None:
                    made = await _create(tx, owner, new, idempotency_key, request_hash, now)
                    await record(tx, owner, act, made.id)
                    return made, True
        except IntegrityError:  # the same key at the same moment: the other request has won
            async with self._database.owner(owner) as tx:
                earlier = await _by_key(tx, owner, idempotency_key)
            if earlier is None:
                raise
        return _same(earlier, request_hash), False

    async def made_before(self, owner: str, idempotency_key: str | None, request_hash: str) -> CampaignView | None:
        """The campaign that the key made before, if any: a repetition is not checked anew. Raises `Forbidden`."""
        if idempotency_key is None:
            return None
        async with self._database.owner(owner) as tx:
            earlier = await _by_key(tx, owner, idempotency_key)
        return None if earlier is None else _same(earlier, request_hash)

    async def get(self, owner: str, campaign_id: UUID) -> CampaignView:
        """One campaign. Raises `NotFound`."""
        async with self._database.owner(owner) as tx:
            return await read(tx, owner, campaign_id)

    async def list(
        self, owner: str, limit: int, before: datetime | None = None, *, tests: bool = False
    ) -> Sequence[CampaignView]:
        """The owner's campaigns, or test messages, newest first; `before`: those made earlier than that."""
        query = select(_campaign).where(_campaign.c.owner == owner, _campaign.c.test == tests)
        if before is not None:
            query = query.where(_campaign.c.created_at < before)
        async with self._database.owner(owner) as tx:
            rows = await tx.execute(query.order_by(_campaign.c.created_at.desc()).limit(limit))
            return [view(row) for row in rows.mappings()]

    async def edit(
        self, owner: str, campaign_id: UUID, asked: Edit, now: datetime, act: Act | None = None
    ) -> CampaignView:
        """Change a campaign that has not ended. Raises `NotFound`, `Forbidden`."""
        async with self._database.owner(owner) as tx:
            return await edit(tx, owner, campaign_id, asked, now, act)

    async def command(
        self, owner: str, campaign_id: UUID, command: Command, now: datetime, act: Act | None = None
    ) -> CampaignView:
        """Write the owner's wish. A repeated command changes nothing. Raises `NotFound`, `Forbidden`."""
        async with self._database.owner(owner) as tx:
            return await wish(tx, owner, campaign_id, command, now, act)


async def wish(
    tx: AsyncConnection, owner: str, campaign_id: UUID, command: Command, now: datetime, act: Act | None = None
) -> CampaignView:
    """Write the wish that `command` means, with a new control number unless it is the present one.

    `act`: whose it is; kept for what changes something.
    """
    campaign = await read(tx, owner, campaign_id, lock=True)
    wanted = obey(command, campaign.wanted, campaign.phase)
    lets_go = command is Command.RESUME and campaign.waits_for_word is not None
    if wanted is campaign.wanted and not lets_go and not restarts(command, campaign.phase):
        return campaign
    if campaign.people_removed_at is not None:
        raise Forbidden("The campaign's people were removed after its retention period: make a new one.")
    changes: dict[str, object] = {"wanted": wanted.value}
    if lets_go:  # what has happened until now is known to the owner
        counts = [Count(**row) for row in (await tx.execute(COUNTS, {"campaign": campaign_id})).mappings()]
        changes |= {"held": None, "held_base": asdict(sample(counts))}
    await _write(tx, campaign, changes, now)
    if wanted is not Wanted.RUN:
        await waiters.give_up(tx, campaign_id)
    await record(tx, owner, act, campaign_id, command=command.value)
    wished = await read(tx, owner, campaign_id)
    await tell(tx, campaign, wished, now)
    return wished


async def tell(tx: AsyncConnection, before: CampaignView | None, campaign: CampaignView, now: datetime) -> None:
    """Write an event if the campaign has come into another state, or to its end. Whoever changes it calls this.

    One that is told to end shows that state at once, and comes to its end when what is in flight is settled.
    """
    if before is not None and before.state is campaign.state and (before.phase in ENDS or campaign.phase not in ENDS):
        return
    counts = [Count(**row) for row in (await tx.execute(COUNTS, {"campaign": campaign.id})).mappings()]
    await events.add(
        tx,
        campaign.owner,
        EventKind.CAMPAIGN,
        now,
        campaign_id=campaign.id,
        state=campaign.state,
        why=campaign.why.value,
        until=campaign.until,
        numbers=asdict(numbers(campaign.recipients, counts)),
    )


async def edit(
    tx: AsyncConnection, owner: str, campaign_id: UUID, asked: Edit, now: datetime, act: Act | None = None
) -> CampaignView:
    """Write an edit, as a new revision. What changes nothing makes none. `act`: whose it is."""
    campaign = await read(tx, owner, campaign_id, lock=True)
    if campaign.phase in ENDS:
        raise Forbidden(f"The campaign has ended ({campaign.phase.value}): it cannot be changed.")
    changes: dict[str, object] = {}
    if asked.terms is not None and asked.terms != campaign.terms:
        changes |= columns(asked.terms)
    if asked.message is not None and asked.message.message != campaign.message:
        changes |= _message_columns(asked.message)
    if asked.account_ids is not None and (tuple(asked.account_ids) or None) != campaign.account_ids:
        changes |= {"account_ids": list(asked.account_ids) or None, "accounts_checked_at": None}
    if changes:
        await _write(tx, campaign, changes | {"revision": campaign.revision + 1}, now)
    if "texts" in changes:
        await texts.keep(tx, campaign_id)
    if changes:
        await record(tx, owner, act, campaign_id, revision=campaign.revision + 1)
    return await read(tx, owner, campaign_id)


def _message_columns(new: NewMessage) -> dict[str, object]:
    return {
        "texts": list(new.message.texts),
        "post": new.message.post,
        "message_budget": new.budget.value,
        "message_hints": [hint.value for hint in new.hints],
    }


async def _write(tx: AsyncConnection, campaign: CampaignView, changes: dict[str, object], now: datetime) -> None:
    """Write the owner's wishes, with a new control number: the workflow hears of them."""
    await tx.execute(
        update(_campaign)
        .where(_campaign.c.id == campaign.id, _campaign.c.owner == campaign.owner)
        .values(control_no=campaign.control_no + 1, wanted_at=now, **changes)
    )


async def read(tx: AsyncConnection, owner: str, campaign_id: UUID, *, lock: bool = False) -> CampaignView:
    """One campaign within a transaction. Raises `NotFound`."""
    query = select(_campaign).where(_campaign.c.id == campaign_id, _campaign.c.owner == owner)
    row = (await tx.execute(query.with_for_update(key_share=True) if lock else query)).mappings().first()
    if row is None:
        raise NotFound("campaign")
    return view(row)


def view(row: RowMapping) -> CampaignView:
    """A table's row in the domain's words."""
    return CampaignView(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        platform=row["platform"],
        adapter=row["adapter"],
        audience_id=row["audience_id"],
        action=Action(row["action"]),
        destination=row["destination"],
        message=Message(tuple(row["texts"]), row["post"]),
        message_budget=Budget(row["message_budget"]),
        message_hints=tuple(Hint(each) for each in row["message_hints"]),
        message_when_refused=row["message_when_refused"],
        add_contact_first=row["add_contact_first"],
        join_destination=row["join_destination"],
        account_ids=None if row["account_ids"] is None else tuple(row["account_ids"]),
        recipients=row["recipients"],
        wanted=Wanted(row["wanted"]),
        control_no=row["control_no"],
        acknowledged_no=row["acknowledged_no"],
        phase=Phase(row["phase"]),
        why=Why(row["why"]),
        since=row["since"],
        until=row["until"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        request_hash=row["request_hash"],
        revision=row["revision"],
        terms=terms(row),
        held=None if row["held"] is None else Why(row["held"]),
        held_base=row["held_base"],
        to_campaign=row["to_campaign"],
        test=row["test"],
        accounts_checked_at=row["accounts_checked_at"],
        wanted_at=row["wanted_at"],
        forecast=None if row["planned_at"] is None else Forecast(row["planned_at"], row["planned_end"]),
        people_removed_at=row["people_removed_at"],
        accounts_told=row["accounts_told"],
    )


def _same(earlier: CampaignView, request_hash: str) -> CampaignView:
    if earlier.request_hash != request_hash:
        raise Forbidden("This Idempotency-Key was used for another request.")
    return earlier


async def _by_key(tx: AsyncConnection, owner: str, key: str | None) -> CampaignView | None:
    if key is None:
        return None
    rows = await tx.execute(select(_campaign).where(_campaign.c.owner == owner, _campaign.c.idempotency_key == key))
    row = rows.mappings().first()
    return None if row is None else view(row)


async def _create(
    tx: AsyncConnection, owner: str, new: NewCampaign, key: str | None, request_hash: str, now: datetime
) -> CampaignView:
    await comings.come(tx, owner)
    stored = await _recipients(tx, owner, new, now)
    for each in new.reached_by:
        await read(tx, owner, each)
    campaign_id = uuid4()
    start_at = new.terms.schedule.start_at
    scheduled = new.start and start_at is not None and start_at > now
    await tx.execute(
        insert(_campaign).values(
            id=campaign_id,
            owner=owner,
            name=new.name,
            platform=new.platform,
            adapter=new.adapter,
            audience_id=new.audience_id,
            action=new.action.value,
            destination=new.destination,
            texts=list(new.message.texts),
            post=new.message.post,
            message_budget=new.message_budget.value,
            message_hints=[each.value for each in new.message_hints],
            test=new.test is not None,
            message_when_refused=new.message_when_refused,
            add_contact_first=new.add_contact_first,
            join_destination=new.join_destination,
            account_ids=None if new.account_ids is None else list(new.account_ids),
            revision=1,
            recipients=stored,
            created_at=now,
            idempotency_key=key,
            request_hash=request_hash,
            wanted=(Wanted.RUN if new.start else Wanted.NONE).value,
            control_no=1 if new.start else 0,
            wanted_at=now,
            phase=(Phase.SCHEDULED if scheduled else Phase.NEW).value,
            why=(Why.DRAFT if not new.start else Why.SCHEDULED if scheduled else Why.PREPARING).value,
            since=now,
            until=new.terms.schedule.start_at if scheduled else None,
            acknowledged_no=0,
            held_base={},
            **columns(new.terms),
        )
    )
    first = Action.ADD_CONTACT if new.add_contact_first else new.action
    copy = recipients.Copy(
        owner,
        campaign_id,
        new.audience_id,
        new.adapter,
        new.account_ids,
        new.action,
        first,
        new.reaches,
        new.reached_by,
        new.skip_refused,
        new.again,
    )
    await recipients.copy_audience(tx, copy, now, None if new.test is None else new.test.contact)
    await texts.keep(tx, campaign_id)
    made = await read(tx, owner, campaign_id)
    await tell(tx, None, made, now)
    return made


async def _recipients(tx: AsyncConnection, owner: str, new: NewCampaign, now: datetime) -> int:
    if new.test is not None:
        return await admit_test(tx, owner, new.test, now)
    if new.again is None:
        return await _stored(tx, owner, new)
    waiting = await recipients.how_many(tx, new.again)
    if not waiting:
        raise Forbidden("Nobody of that campaign can be tried again for these reasons.")
    return waiting


async def _stored(tx: AsyncConnection, owner: str, new: NewCampaign) -> int:
    query = select(_audience.c.stored).where(_audience.c.id == new.audience_id, _audience.c.owner == owner)
    stored: int | None = await tx.scalar(query.with_for_update(read=True, key_share=True))  # or it might be deleted
    if stored is None:
        raise NotFound("audience")
    return stored
