"""The ports as plain classes: leases on a clock of their own, a platform that obeys, stores that remember."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.account import (
    AccountRef,
    AccountState,
    Credentials,
    ExternalStatus,
    HeldElsewhere,
    KnownAccount,
    Lease,
)
from domain.errors import NotFound, Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Capabilities, Identifier
from domain.policy import Decision, NothingNow
from domain.ports import AddressBook, DestinationCheck, Found, Right
from domain.recipient import Person
from domain.review import ToCheck
from domain.standing import Rest, Standing
from domain.turn import Attempt, AttemptState, Halted, Settled, Turn, TurnKey

OWNER = "owner-1"
ADAPTER = "telegram"
REF = AccountRef(OWNER, ADAPTER, "account-1")
OTHER = AccountRef(OWNER, ADAPTER, "account-2")
HERE, ELSEWHERE = "worker-1", "worker-2"
HERE_QUEUE, ELSEWHERE_QUEUE = "invite/worker-1", "invite/worker-2"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
MESSAGE_REPEATABLE = timedelta(minutes=10)
MAY_INVITE = DestinationCheck(Right.INVITE, title="Town")


class FakeClock:
    """Business time, moved by the test."""

    def __init__(self) -> None:
        self.moment = START

    async def now(self) -> datetime:
        return self.moment


class Journal(list[str]):
    """What happened, in order: over leases and sessions together."""


@dataclass
class _Held:
    lease: Lease
    until: datetime


class FakeLeases:
    """The `Leases` port. `moment` is the database's clock. `away`: it does not answer; `slow`: not before it is set."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.moment = START
        self.held: dict[AccountRef, _Held] = {}
        self.fences: dict[AccountRef, int] = {}
        self.away = False
        self.slow: asyncio.Event | None = None
        self.after_renewal: Callable[[], None] | None = None
        self.renewals = 0

    async def acquire(self, ref: AccountRef, holder: str, queue: str, length: timedelta) -> Lease | HeldElsewhere:
        await asyncio.sleep(0)
        held = self.held.get(ref)
        if held is not None and held.lease.holder != holder and held.until > self.moment:
            return HeldElsewhere(held.lease.queue, held.until - self.moment)
        self.fences[ref] = self.fences.get(ref, 0) + 1
        lease = Lease(ref, holder, queue, self.fences[ref], held is not None and held.lease.holder != holder)
        self.held[ref] = _Held(lease, self.moment + length)
        self.journal.append(f"lease {ref.account_id}")
        return lease

    async def renew(self, leases: Sequence[Lease], length: timedelta) -> frozenset[AccountRef]:
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise Unavailable("the database")
        renewed = {each.ref for each in leases if self._is(each)}
        for ref in renewed:
            self.held[ref].until = self.moment + length
        self.renewals += 1
        self.journal.append("renew")
        if self.after_renewal is not None:
            self.after_renewal()
        return frozenset(renewed)

    async def release(self, lease: Lease) -> None:
        if self.away:
            raise Unavailable("the database")
        self.journal.append(f"release {lease.ref.account_id}")
        if self._is(lease):
            del self.held[lease.ref]

    def takes_over(self, ref: AccountRef) -> None:
        """Another process has it now."""
        self.fences[ref] = self.fences.get(ref, 0) + 1
        lease = Lease(ref, ELSEWHERE, ELSEWHERE_QUEUE, self.fences[ref])
        self.held[ref] = _Held(lease, self.moment + timedelta(hours=1))

    def _is(self, lease: Lease) -> bool:
        held = self.held.get(lease.ref)
        return held is not None and held.lease == lease and held.until > self.moment


Call = Callable[[], Outcome]


@dataclass
class FakeSession:
    """The `Session` port.

    `answers`: to the actions, in order; then they succeed. `checks`: looks at the destination, in order; then `check`.
    `finds`: who is found, in order; then everybody. `refusals`: who takes no messages, by position.
    `strangers`: of whom nothing is told.

    `found`: who is in the destination, at each look in order; then nothing is told.

    `gate`: a call in flight waits for it. `closing`: as does closing.
    """

    account_id: str
    journal: Journal
    connected: bool = True
    answers: list[Outcome | Exception] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    member_answer: Outcome | Exception | None = None
    check: DestinationCheck | Outcome | Exception = MAY_INVITE
    checks: list[DestinationCheck | Outcome] = field(default_factory=list)
    join_answer: Outcome | Exception | None = None
    finds: list[Found | Outcome | Exception] = field(default_factory=list)
    refusals: Mapping[int, Outcome] = field(default_factory=dict)
    strangers: frozenset[int] = frozenset()
    found: list[Mapping[int, bool] | Outcome | Exception] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    pings: int = 0
    ping_error: Exception | None = None
    gate: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event | None = None
    closed: bool = False

    async def check_destination(self, destination: str) -> DestinationCheck | Outcome:
        self.calls.append(("check", destination))
        if isinstance(self.check, Exception):
            raise self.check
        return self.checks.pop(0) if self.checks else self.check

    async def join(self, destination: str) -> Outcome | None:
        self.calls.append(("join", destination))
        if isinstance(self.join_answer, Exception):
            raise self.join_answer
        return self.join_answer

    async def find(self, person: Person) -> Found | Outcome:
        self._ask("find", person)
        found = self.finds.pop(0) if self.finds else Found(f"peer-{person.position}")
        if isinstance(found, Exception):
            raise found
        return found

    async def requirements(self, people: Sequence[Person]) -> Mapping[int, Outcome | None]:
        for person in people:
            self._ask("requirements", person)
        known = [person.position for person in people if person.position not in self.strangers]
        return {position: self.refusals.get(position) for position in known}

    async def add_contact(self, person: Person) -> Outcome:
        return await self._answer(Outcome(Kind.CONTACT_ADDED), ("add_contact", person.position))

    async def forward(self, person: Person, post: str, key: int) -> Outcome:
        return await self._answer(Outcome(Kind.FORWARDED), ("forward", person.position, post, key))

    async def invite(self, person: Person, destination: str) -> Outcome:
        return await self._answer(Outcome(Kind.INVITED), ("invite", person.position, destination))

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        return await self._answer(Outcome(Kind.MESSAGED), ("send", person.position, text, key))

    async def is_member(self, person: Person, destination: str) -> bool | Outcome:
        self.calls.append(("is_member", person.position))
        if isinstance(self.member_answer, Exception):
            raise self.member_answer
        if self.member_answer is not None:
            return self.member_answer
        return person.username in self.inside

    async def members(self, people: Sequence[Person], destination: str) -> Mapping[int, bool] | Outcome:
        self.calls.append(("members", tuple(person.position for person in people), destination))
        if self.gate is not None:
            await self.gate.wait()
        told = self.found.pop(0) if self.found else {}
        if isinstance(told, Exception):
            raise told
        return told

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        if self.ping_error is not None:
            self.connected = False
            raise self.ping_error
        self.pings += 1
        self.journal.append(f"ping {self.account_id}")

    async def close(self) -> None:
        self.journal.append(f"closing {self.account_id}")
        if self.closing is not None:
            await self.closing.wait()
        self.connected = False
        self.closed = True
        self.journal.append(f"closed {self.account_id}")

    def _ask(self, what: str, person: Person) -> None:
        self.asked.append((what, person.position))
        self.journal.append(f"{what} {person.position}")

    async def _answer(self, usual: Outcome, call: tuple[object, ...]) -> Outcome:
        self.calls.append(call)
        self.journal.append(f"{call[0]} {call[1]}")
        self.called.set()
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else usual
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeAdapter:
    """The `Adapter` port. `prepare` changes a session before it is handed over; `refusal` is given instead of one."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.sessions: list[FakeSession] = []
        self.credentials: list[Credentials] = []
        self.refusal: Outcome | Exception | None = None
        self.prepare: Callable[[FakeSession], None] = lambda session: None
        self.gate: asyncio.Event | None = None
        self.capabilities = Capabilities(
            frozenset(Action),
            frozenset({Identifier.USERNAME}),
            4096,
            {
                Action.INVITE: timedelta(days=3650),
                Action.MESSAGE: MESSAGE_REPEATABLE,
                Action.ADD_CONTACT: timedelta(days=3650),
            },
        )
        self.books: list[AddressBook] = []
        self.still: list[Callable[[], bool]] = []

    @property
    def latest(self) -> FakeSession:
        return self.sessions[-1]

    def live(self, account_id: str) -> int:
        """Connections of the account at this moment."""
        return sum(each.account_id == account_id and not each.closed for each in self.sessions)

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool],
    ) -> FakeSession | Outcome:
        self.still.append(still)
        self.credentials.append(credentials)
        self.books.append(book)
        self.journal.append(f"connect {account_id}")
        assert self.live(account_id) == 0, "two connections with one key destroy the session"
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if isinstance(self.refusal, Exception):
            raise self.refusal
        if self.refusal is not None:
            return self.refusal
        session = FakeSession(account_id, self.journal)
        self.prepare(session)
        self.sessions.append(session)
        return session


Begun = Turn | Decision | Settled | Halted | Exception


def turn(
    action: Action = Action.INVITE, state: AttemptState = AttemptState.OPEN, sent_at: datetime | None = None
) -> Turn:
    """A turn for one recipient."""
    text = "first text" if action is Action.MESSAGE else ""
    attempt = Attempt(0, Person(4, username="anna"), action, state, key=77, sent_at=sent_at, text=text)
    return Turn("turn-1", action, "town", (attempt,))


class FakeTurns:
    """The actions' `TurnStore`. `begins`: its answers to begin, in order; then the queue is empty."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.peers: dict[str, int] = {}
        self.identified: list[tuple[int, Found]] = []
        self.begins: list[Begun] = []
        self.next_people: list[Person] = []
        self.begun: list[TurnKey] = []
        self.marked: list[tuple[int, ...]] = []
        self.allow = True
        self.ours = True
        self.settled: list[Mapping[int, Outcome | None]] = []
        self.settled_under: list[int | None] = []
        self.abandoned: list[tuple[AccountRef, str]] = []
        self.slow: asyncio.Event | None = None

    async def begin(self, turn: TurnKey, action: Action, now: datetime) -> Turn | Decision | Settled | Halted:
        self.begun.append(turn)
        answer = self.begins.pop(0) if self.begins else NothingNow()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def mark_sent(self, turn_id: str, by: TurnKey, slots: Sequence[int], now: datetime) -> frozenset[int]:
        self.marked.append(tuple(slots))
        self.journal.extend(f"mark {slot}" for slot in slots)
        return frozenset(slots if self.allow else ())

    async def identify(self, by: TurnKey, person: Person, found: Found) -> Outcome | None:
        self.journal.append(f"identify {person.position}")
        self.identified.append((person.position, found))
        if self.peers.setdefault(found.peer, person.position) == person.position:
            return None
        return Outcome(Kind.SKIPPED, Reason.SAME_PERSON)

    async def ahead(self, by: TurnKey, at_most: int) -> Sequence[Person]:
        return self.next_people[:at_most]

    async def still_ours(self, by: TurnKey) -> bool:
        return self.ours

    async def settle(
        self,
        turn_id: str,
        ref: AccountRef,
        outcomes: Mapping[int, Outcome | None],
        now: datetime,
        fence: int | None = None,
    ) -> None:
        if self.slow is not None:
            await self.slow.wait()
        self.settled_under.append(fence)
        self.settled.append(outcomes)

    async def abandon(self, ref: AccountRef, campaign_id: str, now: datetime) -> None:
        self.abandoned.append((ref, campaign_id))


class FakeAccountStore:
    """The stores of accounts and of memberships."""

    def __init__(self) -> None:
        self.stands = Standing(AccountState.ACTIVE)
        self.after_refusal: Standing | None = None
        self.refusals: list[Outcome] = []
        self.known: list[tuple[str, str, int]] = []
        self.told: list[AccountRef] = []
        self.to_check = ""
        self.may_join = False
        self.checks: list[DestinationCheck] = []
        self.said: list[Rest] = []

    async def know(self, owner: str, adapter: str, known: Sequence[KnownAccount], now: datetime) -> None:
        self.known.append((owner, adapter, len(known)))

    async def standing(self, ref: AccountRef) -> Standing:
        return self.stands

    async def refused(self, ref: AccountRef, outcome: Outcome, now: datetime) -> Standing:
        self.refusals.append(outcome)
        return self.after_refusal or self.stands

    async def reported(self, ref: AccountRef) -> None:
        self.told.append(ref)

    async def destination_to_check(self, owner: str, campaign_id: str, account_id: str) -> ToCheck:
        return ToCheck(self.to_check, self.may_join)

    async def rights(
        self, owner: str, campaign_id: str, account_id: str, check: DestinationCheck, now: datetime
    ) -> None:
        self.checks.append(check)
        self.to_check = ""

    async def says(self, owner: str, campaign_id: str, account_id: str, rest: Rest, now: datetime) -> None:
        self.said.append(rest)


class FakeBook:
    """The `AddressBook` of one account."""

    def __init__(self, ref: AccountRef) -> None:
        self.ref = ref
        self.known: dict[str, str] = {}

    async def find(self, identifiers: Sequence[str]) -> Mapping[str, str]:
        return {each: self.known[each] for each in identifiers if each in self.known}

    async def keep(self, found: Mapping[str, str]) -> None:
        self.known.update(found)


class FakeDirectory:
    """integration-service."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self.listed = [known("account-1"), known("account-2", ExternalStatus.INACTIVE)]
        self.reports: list[tuple[str, Reason]] = []

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        self.asked += 1
        if self.away:
            raise Unavailable("integration-service")
        return self.listed

    async def report(self, owner: str, account_id: str, reason: Reason, at: datetime) -> None:
        if self.away:
            raise Unavailable("integration-service")
        self.reports.append((account_id, reason))


class FakeCredentials:
    """Vault."""

    def __init__(self) -> None:
        self.away = False
        self.secrets: dict[str, Credentials] = {"accounts/account-1": {"session": "secret"}}
        self.read_paths: list[str] = []
        self.read_versions: list[int] = []
        self.forgotten: list[tuple[str, str]] = []

    def forget(self, owner: str, path: str) -> None:
        self.forgotten.append((owner, path))

    async def read(self, owner: str, path: str, version: int) -> Credentials:
        self.read_paths.append(path)
        self.read_versions.append(version)
        if self.away:
            raise Unavailable("Vault")
        if path not in self.secrets:
            raise NotFound("secret")
        return self.secrets[path]


def known(account_id: str, status: ExternalStatus = ExternalStatus.ACTIVE, version: int = 1) -> KnownAccount:
    return KnownAccount(account_id, account_id, ADAPTER, status, START, version, vault_path=f"accounts/{account_id}")
