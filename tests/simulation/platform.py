"""A platform played in the process: accounts and people with fates, and a journal of everything that was done."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from domain.account import Credentials
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Capabilities, Identifier
from domain.ports import AddressBook, Clock, DestinationCheck, Found, Right, always
from domain.recipient import Person

BANNED = Outcome(Kind.BLOCKED, Reason.BANNED)
CAPABILITIES = Capabilities(
    actions=frozenset({Action.INVITE, Action.MESSAGE, Action.ADD_CONTACT}),
    reaches=frozenset({Identifier.USERNAME}),
    message_length=4096,
    repeatable={Action.INVITE: timedelta(days=366), Action.MESSAGE: timedelta(minutes=10)},
)
REFUSE = 0.3
"""So many of the people refuse invites and take a message instead."""


@dataclass(frozen=True)
class Done:
    """One call as the platform saw it. `campaign`: by the destination or the text. `rivals`: live claims of campaigns
    of a higher priority on the account at that moment, for this kind of action."""

    at: datetime
    account_id: str
    campaign: str
    action: Action
    person: str
    kind: Kind
    rivals: tuple[str, ...] = ()


@dataclass
class Platform:
    """The world behind the adapter. `mishaps`: what an account's next action from a time on is answered with.

    `rivals` looks up who claims the account.
    """

    clock: Clock
    rivals: Callable[[str, str, Action], Awaitable[Sequence[str]]]
    journal: list[Done] = field(default_factory=list)
    mishaps: dict[str, list[tuple[datetime, Outcome]]] = field(default_factory=dict)
    banned: set[str] = field(default_factory=set)
    members: set[tuple[str, str]] = field(default_factory=set)

    async def act(self, account_id: str, campaign: str, action: Action, person: str) -> Outcome:
        """Carry an action out, and write it down."""
        now = await self.clock.now()
        outcome = self._mishap(account_id, now) or self._answer(campaign, action, person)
        rivals = tuple(await self.rivals(account_id, campaign, action))
        self.journal.append(Done(now, account_id, campaign, action, person, outcome.kind, rivals))
        return outcome

    def _mishap(self, account_id: str, now: datetime) -> Outcome | None:
        if account_id in self.banned:
            return BANNED
        coming = self.mishaps.get(account_id, [])
        if not coming or coming[0][0] > now:
            return None
        _, outcome = coming.pop(0)
        if outcome.kind is Kind.BLOCKED:
            self.banned.add(account_id)
        return outcome

    def _answer(self, campaign: str, action: Action, person: str) -> Outcome:
        if action is Action.MESSAGE:
            return Outcome(Kind.MESSAGED)
        if refuses(person):
            return Outcome(Kind.REFUSED, Reason.PRIVACY)
        self.members.add((campaign, person))
        return Outcome(Kind.INVITED)


def refuses(person: str) -> bool:
    """Whether the person takes no invites: the same in every run."""
    return sha256(person.encode()).digest()[0] < REFUSE * 256


class SimulatedSession:
    """One account's connection."""

    def __init__(self, platform: Platform, account_id: str) -> None:
        self._platform = platform
        self._account_id = account_id
        self._open = True

    @property
    def connected(self) -> bool:
        return self._open

    async def check_destination(self, destination: str) -> DestinationCheck:
        self._ensure_open()
        return DestinationCheck(Right.INVITE, title=destination)

    async def join(self, destination: str) -> None:
        self._ensure_open()

    async def find(self, person: Person) -> Found:
        self._ensure_open()
        return Found(str(person.username))

    async def add_contact(self, person: Person) -> Outcome:
        raise NotImplementedError("no campaign of the simulation adds contacts")

    async def requirements(self, people: Sequence[Person]) -> Mapping[int, Outcome | None]:
        self._ensure_open()
        return {}

    async def forward(self, person: Person, post: str, key: int) -> Outcome:
        raise NotImplementedError("no campaign of the simulation forwards posts")

    async def invite(self, person: Person, destination: str) -> Outcome:
        self._ensure_open()
        return await self._platform.act(self._account_id, destination, Action.INVITE, str(person.username))

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        self._ensure_open()
        return await self._platform.act(self._account_id, text, Action.MESSAGE, str(person.username))

    async def is_member(self, person: Person, destination: str) -> bool:
        return (destination, str(person.username)) in self._platform.members

    async def members(self, people: Sequence[Person], destination: str) -> Mapping[int, bool]:
        return {person.position: await self.is_member(person, destination) for person in people}

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        self._ensure_open()

    async def close(self) -> None:
        self._open = False

    def _ensure_open(self) -> None:
        if not self._open:
            raise Unavailable("the simulated platform", "the connection is closed")


class SimulatedAdapter:
    """Signs accounts in, unless they are banned."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool] = always,
    ) -> SimulatedSession | Outcome:
        return BANNED if account_id in self._platform.banned else SimulatedSession(self._platform, account_id)
