"""A small world on a real database: an owner, accounts, campaigns, under the service's own roles."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlmodel import SQLModel

import storage.tables  # noqa: F401  its import fills the metadata
from domain.account import AccountRef, ExternalStatus, KnownAccount, Lease
from domain.audience import Contact, FileLimits, Line
from domain.campaign import Command
from domain.limits import Gap, Limits, PlatformLimits
from domain.message import Message, budget
from domain.outcome import UNSPENT, Kind, Outcome, Reason
from domain.platform import Action, Budget, Identifier
from domain.policy import Decision
from domain.ports import DestinationCheck, Found, Right
from domain.terms import Pace, Terms
from domain.turn import Halted, Settled, Turn, TurnKey
from storage.accounts import Accounts
from storage.address_book import AccountBook
from storage.audiences import Audiences
from storage.campaigns import Campaigns, CampaignView, NewCampaign
from storage.engine import Database
from storage.erasing import Erasing
from storage.events import Events
from storage.housekeeping import Housekeeping
from storage.imports import Imports
from storage.looks import Looks
from storage.owned_accounts import OwnedAccounts
from storage.recipients import Again
from storage.reports import Reports
from storage.runs import Polling, Runs
from storage.suppression import SuppressionList
from storage.turns import Turns

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
OWNER = "anna"
PLATFORM = "telegram"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LEASE = timedelta(hours=1)
FAST = Terms(pace=Pace.FAST)
GAP = timedelta(seconds=10)
LOOKS = (timedelta(minutes=10), timedelta(hours=24), timedelta(hours=72))
NOBODYS = ("application_share", "hook_delivery")
"""Tables whose rows belong to no owner: nobody reads or writes them but through functions."""
TABLES = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in NOBODYS]

INVITED = Outcome(Kind.INVITED)
MESSAGED = Outcome(Kind.MESSAGED)
PRIVACY = Outcome(Kind.REFUSED, Reason.PRIVACY)
FLOOD = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(seconds=40))
PEER_FLOOD = Outcome(Kind.LIMITED, Reason.PEER_FLOOD)
BANNED = Outcome(Kind.BLOCKED, Reason.BANNED)
NOT_ADMIN = Outcome(Kind.NOT_ADMIN, Reason.NO_RIGHT_TO_INVITE)
UNCERTAIN = Outcome(Kind.UNCERTAIN, Reason.NO_ANSWER)
CONTACT_ADDED = Outcome(Kind.CONTACT_ADDED)
POSTPONED = Outcome(Kind.POSTPONED, Reason.LOOKUPS_SPENT)
SAME_PERSON = Outcome(Kind.SKIPPED, Reason.SAME_PERSON)
LAST = ("invited", "already_member", "messaged", "unreachable", "uncertain", "skipped")
"""After one of these a person must not be touched again."""
AWAY = Outcome(Kind.UNAVAILABLE, Reason.NO_ANSWER)


def make_limits(
    invites: int = 50,
    messages: int = 40,
    links: int = 10,
    contacts: int = 1000,
    names: int = 1000,
    gap: timedelta = GAP,
    rests: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=72)),
) -> Limits:
    section = PlatformLimits(
        gap=Gap(gap, gap),
        daily={
            Budget.INVITE: invites,
            Budget.MESSAGE: messages,
            Budget.MESSAGE_WITH_LINK: links,
            Budget.FORWARD: 20,
            Budget.ADD_CONTACT: contacts,
            Budget.RESOLVE: names,
        },
        limited_rests=rests,
        unavailable_rest=timedelta(minutes=1),
        look_again=LOOKS,
    )
    return Limits({PLATFORM: section, "dry_run": section})


def known(account_id: str, status: ExternalStatus = ExternalStatus.ACTIVE, version: int = 1) -> KnownAccount:
    return KnownAccount(account_id, f"Account {account_id}", PLATFORM, status, NOW, version, f"vault/{account_id}")


def ref(account_id: str, owner: str = OWNER) -> AccountRef:
    return AccountRef(owner, PLATFORM, account_id)


@dataclass(frozen=True)
class Now:
    """The world's time as a `Clock`."""

    world: "World"

    async def now(self) -> datetime:
        return self.world.now


@dataclass
class World:
    """The stores under their roles, and a superuser to look at everything. `now` is theirs to move."""

    api: Database
    worker: Database
    superuser: psycopg.AsyncConnection[dict[str, Any]]
    now: datetime = NOW
    limits: Limits = field(default_factory=make_limits)
    fences: dict[tuple[str, str], int] = field(default_factory=dict)
    listed: dict[str, dict[str, KnownAccount]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        keys = count(1)
        self.audiences = Audiences(self.api)
        self.imports = Imports(self.worker, FileLimits())
        self.campaigns = Campaigns(self.api)
        self.owned = OwnedAccounts(self.api)
        self.accounts = Accounts(self.worker, lambda: self.limits)
        self.runs = Runs(self.worker, Polling(waiting=MINUTE, running=5 * MINUTE), lambda: self.limits)
        self.reports = Reports(self.worker)
        self.suppression = SuppressionList(self.api)
        self.erasing = Erasing(self.api)
        self.events = Events(self.api)
        self.deliveries = Events(self.worker)
        self.housekeeping = Housekeeping(self.worker)
        self.looks = Looks(self.worker, lambda: self.limits)
        self.turns = Turns(self.worker, lambda: self.limits, lambda: 0.0, lambda: next(keys))

    # What stands in the database, whoever may see it

    async def query(self, statement: str, *values: object, **named: object) -> list[dict[str, Any]]:
        return await (await self.superuser.execute(statement.encode(), named or values)).fetchall()

    async def do(self, statement: str, *values: object) -> None:
        await self.superuser.execute(statement.encode(), values)

    async def everything(self) -> dict[str, list[str]]:
        """All rows of all tables, as text."""
        found = {}
        for table in TABLES:
            rows = await self.query(f"SELECT t::text AS line FROM {table} t ORDER BY 1")
            found[table] = [row["line"] for row in rows]
        return found

    # Campaigns

    async def campaign(
        self,
        people: int | Sequence[Contact] = 5,
        *,
        accounts: Sequence[str] = ("a",),
        owner: str = OWNER,
        action: Action = Action.INVITE,
        texts: Sequence[str] = ("Hello",),
        post: str = "",
        fallback: bool = False,
        start: bool = True,
        admins: Sequence[str] | None = None,
        reaches: Sequence[Identifier] = (Identifier.USERNAME,),
        add_contact_first: bool = False,
        join_destination: bool = False,
        chosen: Sequence[str] | None = None,
        terms: Terms = FAST,
        reached_by: Sequence[str] = (),
        skip_refused: bool = False,
    ) -> str:
        """A campaign with its accounts known, leased, joined and checked; `admins`: those who may invite."""
        contacts = [Contact(f"person_{n}") for n in range(people)] if isinstance(people, int) else people
        lines = [Line(number, "x", contact) for number, contact in enumerate(contacts, start=1)]
        audience = await self.audiences.store(owner, "list", lines, self.now, 1_000_000)
        message = Message(() if post else tuple(texts), post)
        new = NewCampaign(
            name="spring",
            platform=PLATFORM,
            adapter=PLATFORM,
            audience_id=audience.id,
            action=action,
            destination="@club" if action is Action.INVITE else "",
            message=message,
            message_budget=budget(message, {}),
            message_when_refused=fallback,
            account_ids=chosen,
            start=start,
            reaches=reaches,
            add_contact_first=add_contact_first,
            join_destination=join_destination,
            terms=terms,
            reached_by=[UUID(each) for each in reached_by],
            skip_refused=skip_refused,
        )
        made, _ = await self.campaigns.create(owner, new, None, "hash", self.now)
        campaign = str(made.id)
        await self.enlist(campaign, accounts, owner, accounts if admins is None else admins)
        return campaign

    def like(self, earlier: CampaignView, again: Again) -> NewCampaign:
        """What tries an earlier campaign's people again."""
        return NewCampaign(
            name=earlier.name,
            platform=PLATFORM,
            adapter=PLATFORM,
            audience_id=earlier.audience_id,
            action=earlier.action,
            destination=earlier.destination,
            message=earlier.message,
            message_when_refused=earlier.message_when_refused,
            account_ids=None,
            start=True,
            reaches=tuple(Identifier),
            again=again,
        )

    async def enlist(
        self, campaign: str, accounts: Sequence[str], owner: str = OWNER, admins: Sequence[str] | None = None
    ) -> None:
        await self.lists(*(known(each) for each in accounts), owner=owner)
        await self.runs.join(await self.runs.chosen(owner, campaign), accounts, self.now)
        for each in accounts:
            if (owner, each) not in self.fences:
                await self.lease(each, owner=owner)
            await self.right(campaign, each, each in (accounts if admins is None else admins), owner)

    async def lists(self, *accounts: KnownAccount, owner: str = OWNER) -> None:
        """integration-service lists these besides those that it listed before, or as they are now."""
        listed = self.listed.setdefault(owner, {})
        listed.update({each.account_id: each for each in accounts})
        await self.accounts.know(owner, PLATFORM, list(listed.values()), self.now)

    async def unlist(self, account_id: str, owner: str = OWNER) -> None:
        """integration-service lists it no more."""
        del self.listed[owner][account_id]
        await self.lists(owner=owner)

    def book(self, account_id: str, owner: str = OWNER) -> AccountBook:
        return AccountBook(self.worker, ref(account_id, owner), Now(self))

    async def right(self, campaign: str, account_id: str, may: bool, owner: str = OWNER) -> None:
        check = DestinationCheck(Right.INVITE) if may else DestinationCheck(Right.NONE, Reason.NO_RIGHT_TO_INVITE)
        await self.runs.rights(owner, campaign, account_id, check, self.now)

    async def lease(self, account_id: str, length: timedelta = LEASE, holder: str = "w1", owner: str = OWNER) -> Lease:
        lease = await self.accounts.acquire(ref(account_id, owner), holder, f"queue-{holder}", length)
        assert isinstance(lease, Lease)
        self.fences[owner, account_id] = lease.fence
        return lease

    async def end_lease(self, account_id: str) -> None:
        """As time would."""
        await self.do(
            "UPDATE account SET lease_until = clock_timestamp() - interval '1 second' WHERE account_id = %s", account_id
        )

    async def command(self, campaign: str, command: Command, owner: str = OWNER) -> CampaignView:
        return await self.campaigns.command(owner, UUID(campaign), command, self.now)

    async def view(self, campaign: str, owner: str = OWNER) -> CampaignView:
        return await self.campaigns.get(owner, UUID(campaign))

    # Turns

    def key(self, campaign: str, account_id: str, turn_id: str | None = None, owner: str = OWNER) -> TurnKey:
        name = turn_id or f"{campaign}/{account_id}/{next(self.numbers)}"
        return TurnKey(name, campaign, ref(account_id, owner), self.fences[owner, account_id])

    async def begin(
        self, campaign: str, account_id: str = "a", action: Action = Action.INVITE, turn_id: str | None = None
    ) -> Turn | Decision | Settled | Halted:
        return await self.turns.begin(self.key(campaign, account_id, turn_id), action, self.now)

    async def turn(
        self, campaign: str, account_id: str = "a", action: Action = Action.INVITE, turn_id: str | None = None
    ) -> Turn:
        """A turn of one recipient; it must be given."""
        turn = await self.begin(campaign, account_id, action, turn_id)
        assert isinstance(turn, Turn), turn
        assert len(turn.attempts) == 1
        return turn

    async def mark(self, turn: Turn, campaign: str, account_id: str = "a") -> bool:
        slots = [attempt.slot for attempt in turn.attempts]
        return bool(await self.turns.mark_sent(turn.turn_id, self.key(campaign, account_id), slots, self.now))

    async def settle(self, turn: Turn, outcome: Outcome | None, account_id: str = "a") -> None:
        outcomes = {attempt.slot: outcome for attempt in turn.attempts}
        await self.turns.settle(turn.turn_id, ref(account_id), outcomes, self.now)

    async def act(self, campaign: str, outcome: Outcome, account_id: str = "a", action: Action = Action.INVITE) -> int:
        """One whole turn, after the gap. The recipient's position."""
        self.now += GAP
        turn = await self.turn(campaign, account_id, action)
        assert await self.mark(turn, campaign, account_id)
        await self.settle(turn, outcome, account_id)
        return turn.attempts[0].person.position

    async def identify(self, campaign: str, turn: Turn, found: Found, account_id: str = "a") -> bool:
        """Whether the person may be touched."""
        [attempt] = turn.attempts
        return await self.turns.identify(self.key(campaign, account_id), attempt.person, found) is None

    # Facts

    async def waiting(self, campaign: str) -> list[tuple[int, str, str, str | None, bool]]:
        """Who waits, in the order of the whole queue: position, action, lane, to whom bound and whether for good."""
        rows = await self.query("SELECT * FROM queue WHERE campaign_id = %s ORDER BY seq, position", campaign)
        return [(row["position"], row["action"], row["lane"], row["bound_to"], row["bound_hard"]) for row in rows]

    async def account(self, account_id: str) -> dict[str, Any]:
        [row] = await self.query(
            "SELECT * FROM account WHERE owner = %s AND adapter = %s AND account_id = %s", OWNER, PLATFORM, account_id
        )
        return row

    async def recipients(self, campaign: str) -> dict[int, tuple[str | None, str | None]]:
        rows = await self.query(
            "SELECT position, outcome, reason FROM recipient WHERE campaign_id = %s ORDER BY position", campaign
        )
        return {row["position"]: (row["outcome"], row["reason"]) for row in rows}

    async def queue(self, campaign: str) -> list[tuple[int, str, list[str]]]:
        """Who waits, in order: position, action, tried."""
        rows = await self.query("SELECT * FROM queue WHERE campaign_id = %s ORDER BY action, seq", campaign)
        return [(row["position"], row["action"], row["tried"]) for row in rows]

    async def usage(self, budget: Budget = Budget.INVITE, account_id: str = "a") -> int:
        [row] = await self.query(
            "SELECT coalesce(sum(amount), 0) AS n FROM usage WHERE budget = %s AND scope = %s",
            budget.value,
            f"account/{PLATFORM}/{account_id}",
        )
        return int(row["n"])

    async def counters(self, campaign: str) -> dict[tuple[str, str, str, bool], int]:
        """By account, kind, reason and whether it was final."""
        rows = await self.query("SELECT * FROM counter WHERE campaign_id = %s", campaign)
        found: dict[tuple[str, str, str, bool], int] = {}
        for row in rows:
            name = (row["account_id"], row["kind"], row["reason"], row["final"])
            found[name] = found.get(name, 0) + row["n"]
        return {name: n for name, n in found.items() if n}

    async def check(self, campaign: str) -> None:
        """Everybody is in exactly one place, and the counters say the same as the recipients."""
        people = await self.query("SELECT position, outcome, reason FROM recipient WHERE campaign_id = %s", campaign)
        queued = await self.query("SELECT position FROM queue WHERE campaign_id = %s", campaign)
        open_ = await self.query(
            "SELECT a.position, t.closed_at FROM attempt a JOIN turn t ON t.id = a.turn_id "
            "WHERE a.campaign_id = %s AND a.state <> 'settled'",
            campaign,
        )
        assert all(row["closed_at"] is None for row in open_), "an attempt is open in a closed turn"
        settled = [row["position"] for row in people if row["outcome"] is not None]
        places = [*settled, *(row["position"] for row in queued), *(row["position"] for row in open_)]
        assert sorted(places) == sorted(row["position"] for row in people), "somebody is lost, or in two places"
        counted: dict[tuple[str, str], int] = {}
        for (_, kind, reason, final), n in (await self.counters(campaign)).items():
            if final:
                counted[kind, reason] = counted.get((kind, reason), 0) + n
        stands: dict[tuple[str, str], int] = {}
        for row in people:
            if row["outcome"] is not None:
                name = (row["outcome"], row["reason"])
                stands[name] = stands.get(name, 0) + 1
        assert counted == stands, "the counters tell something else than the recipients"
        await self._check_attempts(campaign)

    async def _check_attempts(self, campaign: str) -> None:
        twice = await self.query(
            "SELECT position FROM attempt WHERE campaign_id = %s AND outcome = ANY (%s) "
            "AND NOT (lane = 'username' AND reason = 'unknown_person') GROUP BY position HAVING count(*) > 1",
            campaign,
            list(LAST),
        )
        assert not twice, "somebody was handled again after a last answer"
        await self._check_budgets()

    async def _check_budgets(self) -> None:
        """Actions, look-ups of people whom the account did not know, and what the platform put off: that is spent."""
        wrong = await self.query(
            "WITH tried AS ("
            "  SELECT t.owner, t.campaign_id, 'account/' || t.adapter || '/' || t.account_id AS scope, t.budget, "
            "         a.state, a.outcome, a.lane, a.action, "
            "         EXISTS (SELECT FROM recipient r, address_book b WHERE r.campaign_id = a.campaign_id "
            "                 AND r.position = a.position AND b.owner = t.owner AND b.adapter = t.adapter "
            "                 AND b.account_id = t.account_id AND b.kept_at < a.opened_at AND b.identifier IN "
            "                 ('username:' || r.username, 'phone:' || r.phone, 'user_id:' || r.user_id)) AS known "
            "  FROM turn t JOIN attempt a ON a.turn_id = t.id "
            "), one AS ("
            "  SELECT *, budget AS b FROM tried WHERE state <> 'settled' OR outcome <> ALL (%(unspent)s) "
            "  UNION ALL SELECT *, 'resolve' FROM tried WHERE lane = 'username' AND NOT known "
            "  UNION ALL SELECT *, 'add_contact' FROM tried "
            "            WHERE lane = 'phone' AND NOT known AND action <> 'add_contact' "
            "), due AS ("
            "  SELECT owner, scope, b AS budget, 1 AS n FROM one "
            "  UNION ALL SELECT owner, 'campaign/' || campaign_id || '/' || scope, b, 1 FROM one "
            "  UNION ALL SELECT owner, scope, 'add_contact', %(contacts)s FROM tried WHERE outcome = 'postponed' "
            ") SELECT * FROM (SELECT owner, scope, budget, sum(amount) AS n FROM usage GROUP BY 1, 2, 3) u "
            "FULL JOIN (SELECT owner, scope, budget, sum(n) AS n FROM due GROUP BY 1, 2, 3) d "
            "USING (owner, scope, budget) WHERE coalesce(u.n, 0) <> coalesce(d.n, 0)",
            unspent=[kind.value for kind in UNSPENT],
            contacts=self.limits.of(PLATFORM).daily[Budget.ADD_CONTACT],
        )
        assert not wrong, f"the budgets tell something else than the attempts: {wrong}"


@asynccontextmanager
async def make_world(urls: Mapping[str, str], admin_dsn: str) -> AsyncIterator[World]:
    api, worker = Database(urls["invite_api"], pool_size=4), Database(urls["invite_worker"], pool_size=12)
    superuser = await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True, row_factory=dict_row)
    try:
        async with superuser:
            yield World(api, worker, superuser)
    finally:
        await api.close()
        await worker.close()
