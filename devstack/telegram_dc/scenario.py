"""What the data centre knows when it starts: accounts, people, chats, and where faults strike."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from devstack.telegram_dc import sessions
from devstack.telegram_dc.decoding import DecodingError, decode

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
ChatKind = Literal["channel", "supergroup"]
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
RIGHTS = frozenset(
    {
        "change_info",
        "post_messages",
        "edit_messages",
        "delete_messages",
        "ban_users",
        "invite_users",
        "pin_messages",
        "add_admins",
        "anonymous",
        "manage_call",
        "other",
        "manage_topics",
        "post_stories",
        "edit_stories",
        "delete_stories",
    }
)


class ScenarioError(ValueError):
    """The scenario cannot be read, or contradicts itself."""


@dataclass(frozen=True)
class Account:
    """One of our accounts: it signs in with a key agreed beforehand."""

    name: str
    user_id: int
    phone: str
    api_id: int
    api_hash: str
    username: str | None = None
    auth_key_hex: str | None = None


@dataclass
class Person:
    """Somebody on Telegram, and how they take invitations and messages.

    `refuses` answers with an error, `refuses_silently` with a success that lists the person as missing.
    `kicked_from` has usernames or ids of chats; `knows` the accounts that the person has in their contacts.
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


@dataclass
class Chat:
    """A channel or supergroup. `members` are user ids; creator and admins are members unlisted."""

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
    """A whole data centre. The same seed gives the same auth keys and access hashes."""

    accounts: list[Account] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    seed: int = 0
    latency: Latency | None = None

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


def check(scenario: Scenario) -> None:
    """ScenarioError if names or ids clash, or somebody unknown is named."""
    _unique("account name", (account.name for account in scenario.accounts))
    _unique("account user_id", (account.user_id for account in scenario.accounts))
    _unique("person user_id", (person.user_id for person in scenario.people))
    _unique("chat id", (chat.id for chat in scenario.chats))
    _unique("username", _usernames(scenario))
    known = {account.name for account in scenario.accounts}
    for where, name in _named_accounts(scenario):
        if name not in known:
            raise ScenarioError(f"{where}: there is no account {name!r}")
    for account in scenario.accounts:
        _check_key(account)
    for chat in scenario.chats:
        _check_rights(chat)


def _usernames(scenario: Scenario) -> Iterable[str]:
    own = {account.user_id for account in scenario.accounts}
    holders: list[Account | Person | Chat] = [*scenario.accounts, *scenario.chats]
    holders += [person for person in scenario.people if person.user_id not in own]
    return (holder.username.lower() for holder in holders if holder.username)


def _named_accounts(scenario: Scenario) -> Iterable[tuple[str, str]]:
    for chat in scenario.chats:
        where = f"chat {chat.id}"
        yield from ((where, name) for name in ([chat.creator] if chat.creator else []))
        yield from ((where, name) for name in chat.admins)
    for person in scenario.people:
        yield from ((f"person {person.user_id}", name) for name in person.knows)
    for fault in scenario.faults:
        if fault.account is not None:
            yield f"fault on {fault.method}", fault.account


def _unique(what: str, values: Iterable[object]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise ScenarioError(f"{what} {value!r} is used {times} times")


def _check_key(account: Account) -> None:
    if account.auth_key_hex is None:
        return
    try:
        length = len(bytes.fromhex(account.auth_key_hex))
    except ValueError as failure:
        raise ScenarioError(f"account {account.name}: auth_key_hex is not hexadecimal") from failure
    if length != sessions.AUTH_KEY_BYTES:
        raise ScenarioError(f"account {account.name}: auth_key_hex has {length} bytes, not 256")


def _check_rights(chat: Chat) -> None:
    for name, rights in chat.admins.items():
        unknown = sorted(set(rights) - RIGHTS)
        if unknown:
            raise ScenarioError(f"chat {chat.id}: {name}'s right {unknown[0]!r} does not exist")
