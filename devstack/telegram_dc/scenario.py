"""What the data centre knows when it starts: accounts, people, chats, and where faults strike."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from devstack.telegram_dc import sessions
from devstack.telegram_dc.checks import check as check
from devstack.telegram_dc.decoding import DecodingError, decode
from devstack.telegram_dc.errors import ScenarioError as ScenarioError

InvitePolicy = Literal[
    "accepts",
    "refuses",
    "refuses_silently",
    "needs_premium",
    "too_many_channels",
    "blocked",
    "not_mutual",
]
MessagePolicy = Literal["accepts", "refuses_privacy", "premium_only", "paid", "blocked"]
ChatKind = Literal["channel", "supergroup", "basic"]
FaultKind = Literal[
    "flood_wait",
    "peer_flood",
    "ban",
    "deactivate",
    "session_revoked",
    "frozen",
    "rpc_error",
    "server_error",
    "drop_before",
    "drop_after",
    "delay",
    "silence",
]


@dataclass(frozen=True)
class Account:
    """One of our accounts: it signs in with a key agreed beforehand.

    After `import_limit` numbers importContacts hands the rest back in `retry_contacts`, until `import_period`
    seconds have gone by (None: for ever). `frozen`: from the start, as the fault `frozen` does it later.
    """

    name: str
    user_id: int
    phone: str
    api_id: int
    api_hash: str
    username: str | None = None
    auth_key_hex: str | None = None
    premium: bool = False
    frozen: bool = False
    channels_limit: int = 500
    import_limit: int | None = None
    import_period: float | None = None


@dataclass
class Person:
    """Somebody on Telegram, and how they take invitations and messages.

    `refuses` answers with an error, `refuses_silently` with a success that lists the person as missing.
    `kicked_from` has usernames or ids of chats; `knows` the accounts that the person has in their contacts.
    `needs_premium_to_invite` and `needs_premium_for_pm` are the two flags of a missing invitee; the policies
    `needs_premium` and `premium_only` are other names for them. `phone_hidden`: only those whom the person
    knows find the number. `paid_stars` is the price of a message where `message` is `paid`.
    """

    user_id: int
    username: str | None = None
    phone: str | None = None
    first_name: str = ""
    invite: InvitePolicy = "accepts"
    message: MessagePolicy = "accepts"
    deleted: bool = False
    bot: bool = False
    kicked_from: list[str] = field(default_factory=list)
    knows: list[str] = field(default_factory=list)
    needs_premium_to_invite: bool = False
    needs_premium_for_pm: bool = False
    phone_hidden: bool = False
    paid_stars: int = 10

    @property
    def joins_for_premium(self) -> bool:
        """Whether only an account with Premium may add this person."""
        return self.needs_premium_to_invite or self.invite == "needs_premium"

    @property
    def reads_for_premium(self) -> bool:
        """Whether only an account with Premium may write to this person, unless they know it."""
        return self.needs_premium_for_pm or self.message == "premium_only"


@dataclass(frozen=True)
class Post:
    """Something published in a channel or group, which can be forwarded."""

    id: int
    text: str


@dataclass(frozen=True)
class InviteLink:
    """A way into a chat: https://t.me/+hash. `creator` is an account, `expire_date` in seconds since 1970."""

    hash: str
    title: str | None = None
    creator: str | None = None
    usage_limit: int | None = None
    expire_date: int | None = None
    request_needed: bool = False
    revoked: bool = False
    permanent: bool = False


@dataclass
class Chat:
    """A channel, supergroup or basic group. `members` are user ids; creator and admins are members unlisted.

    `unlisted_members` are counted, but have no names. `participants_limit` None is Telegram's: 200 in a basic
    group, 200 000 in a supergroup, none in a channel (which takes direct invites up to 200 in any case).
    `members_may_invite`: members who are no admins may add people, though not to channels. `join_request`:
    who comes by themselves, or is added by a member who is no admin, waits for an admin's approval.
    `invite_hash` is the permanent link's; `links` are the others.
    """

    id: int
    title: str
    kind: ChatKind
    username: str | None = None
    creator: str | None = None
    admins: dict[str, list[str]] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)
    private: bool = False
    full: bool = False
    invite_hash: str | None = None
    forum: bool = False
    members_may_invite: bool = False
    slow_mode: int = 0
    participants_limit: int | None = None
    unlisted_members: int = 0
    join_to_send: bool = False
    join_request: bool = False
    noforwards: bool = False
    posts: list[Post] = field(default_factory=list)
    links: list[InviteLink] = field(default_factory=list)

    def all_links(self) -> list[InviteLink]:
        """Every link with which one can come in, the permanent one first."""
        if self.invite_hash is None:
            return list(self.links)
        return [InviteLink(self.invite_hash, creator=self.creator, permanent=True), *self.links]


@dataclass(frozen=True)
class Fault:
    """Strikes requests named `method` after `after` of them went through, `times` times (None: for ever).

    `account` None means every account, each with a count of its own. `method` '*' is every method but those
    with which a client connects. `seconds` is the length of a wait or delay, and how long `peer_flood` and
    `frozen` last (0: for ever). `error` and `code` are what an `rpc_error` answers; other kinds may have an
    `error` of their own instead of the usual one.
    """

    account: str | None
    method: str
    after: int = 0
    times: int | None = 1
    kind: FaultKind = "rpc_error"
    seconds: float = 0
    error: str = ""
    code: int = 400


@dataclass(frozen=True)
class Latency:
    """Every answer is held back for a time drawn evenly between these two, in seconds."""

    low: float = 0.0
    high: float = 0.0


@dataclass
class Scenario:
    """A whole data centre. The same seed gives the same auth keys and access hashes.

    A random_id is forgotten `random_id_memory` seconds after it was used (None: never); then it sends again.
    """

    accounts: list[Account] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    seed: int = 0
    latency: Latency | None = None
    random_id_memory: float | None = None

    def account(self, name: str) -> Account:
        """The account of this name; KeyError if there is none."""
        for account in self.accounts:
            if account.name == name:
                return account
        raise KeyError(name)

    def auth_key(self, name: str) -> bytes:
        """The key with which this account signs in."""
        given = self.account(name).auth_key_hex
        return bytes.fromhex(given) if given else sessions.auth_key(self.seed, name)

    def session_string(self, name: str, host: str, port: int) -> str:
        """The StringSession with which this account reaches a data centre at that address."""
        return sessions.session_string(host, port, self.auth_key(name))


def load(path: Path | str) -> Scenario:
    """The scenario in this JSON file; ScenarioError in one line if it is not one."""
    try:
        scenario = decode(Scenario, json.loads(Path(path).read_text(encoding="utf-8")), "scenario")
    except OSError as failure:
        raise ScenarioError(f"{path}: {failure.strerror}") from failure
    except (UnicodeDecodeError, json.JSONDecodeError, DecodingError) as failure:
        raise ScenarioError(f"{path}: {failure}") from failure
    check(scenario)
    return scenario


def dump(scenario: Scenario, path: Path | str) -> None:
    """Write the scenario as JSON."""
    Path(path).write_text(json.dumps(asdict(scenario), ensure_ascii=False, indent=1), encoding="utf-8")
