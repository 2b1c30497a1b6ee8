"""The dry run: answers as if all went well, and sends nothing (CMP-5)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

from domain.account import Credentials
from domain.errors import Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Capabilities
from domain.ports import AddressBook, DestinationCheck, Found, Right, always
from domain.recipient import Person


class DryRunSession:
    """Remembers nothing: what was asked is what is true."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._reaches = capabilities.reaches
        self._open = True

    @property
    def connected(self) -> bool:
        """False once closed."""
        return self._open

    async def check_destination(self, destination: str) -> DestinationCheck:
        """Every destination is there, and the account may invite."""
        self._ensure_open()
        return DestinationCheck(Right.INVITE, title=destination)

    async def join(self, destination: str) -> None:
        """Every door is open."""
        self._ensure_open()

    async def find(self, person: Person) -> Found | Outcome:
        """Somebody who is the same in every run, for whoever has an identifier that the platform takes."""
        self._ensure_open()
        return Found(_pseudonym(person)) if self._finds(person) else Outcome(Kind.UNREACHABLE, Reason.NO_PATH)

    async def add_contact(self, person: Person) -> Outcome:
        """Whoever can be found becomes a contact."""
        return self._done(person, Kind.CONTACT_ADDED)

    async def requirements(self, people: Sequence[Person]) -> Mapping[int, Outcome | None]:
        """Nobody asks for anything."""
        self._ensure_open()
        return {}

    async def forward(self, person: Person, post: str, key: int) -> Outcome:
        """Whoever can be found gets the post."""
        return self._done(person, Kind.FORWARDED)

    async def invite(self, person: Person, destination: str) -> Outcome:
        """Whoever can be found comes."""
        return self._done(person, Kind.INVITED)

    async def send(self, person: Person, text: str, key: int) -> Outcome:
        """Whoever can be found gets the message."""
        return self._done(person, Kind.MESSAGED)

    async def is_member(self, person: Person, destination: str) -> bool:
        """As after an invite, which never fails for who can be found."""
        self._ensure_open()
        return self._finds(person)

    async def members(self, people: Sequence[Person], destination: str) -> Mapping[int, bool]:
        """Whoever can be found has come, and stays."""
        self._ensure_open()
        return {person.position: True for person in people if self._finds(person)}

    async def keep_alive(self, disconnect_after: timedelta) -> None:
        """There is nothing to keep."""
        self._ensure_open()

    async def close(self) -> None:
        """From now on nothing is answered."""
        self._open = False

    def _done(self, person: Person, kind: Kind) -> Outcome:
        self._ensure_open()
        return Outcome(kind) if self._finds(person) else Outcome(Kind.UNREACHABLE, Reason.NO_PATH)

    def _finds(self, person: Person) -> bool:
        return bool(person.identifiers & self._reaches)

    def _ensure_open(self) -> None:
        if not self._open:
            raise Unavailable("the dry run's session", "it is closed")


def _pseudonym(person: Person) -> str:
    """Two who share an identifier may get two: without the platform nobody can tell that they are one."""
    return sha256(person.names[0].lower().encode()).hexdigest()[:16]


class DryRunAdapter:
    """Signs every account in, without credentials and without a network."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities

    @property
    def capabilities(self) -> Capabilities:
        """Those of the platform that it plays."""
        return self._capabilities

    async def connect(
        self,
        account_id: str,
        credentials: Credentials,
        proxy: Mapping[str, str] | None,
        book: AddressBook,
        still: Callable[[], bool] = always,
    ) -> DryRunSession:
        """A session that needs nothing."""
        return DryRunSession(self._capabilities)
