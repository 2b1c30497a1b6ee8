"""What really happened: every request handled and every effect it had, as JSON lines for other processes."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar


@dataclass(frozen=True, slots=True)
class Request:
    """A request was handled. `outcome`: 'ok', the error's name, 'drop_before' or 'silence'.

    `answered` is False where the connection was cut or the answer withheld.
    """

    at: datetime
    account: str
    method: str
    outcome: str
    connection: int
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Joined:
    """A person became a member of a chat.

    `by` is the account that added them, let them in or came itself; '' if nobody of ours had to do with it.
    `link` is the hash of the invite link that they used.
    """

    at: datetime
    chat: int
    user: int
    by: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A person is a member of a chat no more, by their own will."""

    at: datetime
    chat: int
    user: int


@dataclass(frozen=True, slots=True)
class JoinRequested:
    """A person waits for an admin to let them in; `by` and `link` as for those who joined."""

    at: datetime
    chat: int
    user: int
    by: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class RequestDismissed:
    """A person who waited was not let in."""

    at: datetime
    chat: int
    user: int
    by: str


@dataclass(frozen=True, slots=True)
class LinkExported:
    """An account made an invite link. `expire_date` in seconds since 1970."""

    at: datetime
    chat: int
    by: str
    hash: str
    title: str | None = None
    usage_limit: int | None = None
    expire_date: int | None = None
    request_needed: bool = False


@dataclass(frozen=True, slots=True)
class LinkRevoked:
    """An invite link is good for nothing any more."""

    at: datetime
    chat: int
    by: str
    hash: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message reached a person; `preview`: with one of the links in it."""

    at: datetime
    to_user: int
    by: str
    random_id: int
    text: str
    text_hash: str
    preview: bool = True


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A post of a chat reached a person."""

    at: datetime
    to_user: int
    by: str
    random_id: int
    chat: int
    post: int


@dataclass(frozen=True, slots=True)
class ContactAdded:
    """An account has a person in its contacts."""

    at: datetime
    user: int
    by: str


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    """An account has a person in its contacts no more."""

    at: datetime
    user: int
    by: str


@dataclass(frozen=True, slots=True)
class SessionDestroyed:
    """Two connections used the account's key at the same time: it is dead for ever."""

    at: datetime
    account: str


ChatEffect = Joined | Left | JoinRequested | RequestDismissed | LinkExported | LinkRevoked
Effect = ChatEffect | Message | Forwarded | ContactAdded | ContactRemoved | SessionDestroyed
Entry = Request | Effect
E = TypeVar(
    "E",
    Request,
    Joined,
    Left,
    JoinRequested,
    RequestDismissed,
    LinkExported,
    LinkRevoked,
    Message,
    Forwarded,
    ContactAdded,
    ContactRemoved,
    SessionDestroyed,
)

_KINDS: dict[str, type[Any]] = {
    "request": Request,
    "joined": Joined,
    "left": Left,
    "join_requested": JoinRequested,
    "request_dismissed": RequestDismissed,
    "link_exported": LinkExported,
    "link_revoked": LinkRevoked,
    "message": Message,
    "forwarded": Forwarded,
    "contact_added": ContactAdded,
    "contact_removed": ContactRemoved,
    "session_destroyed": SessionDestroyed,
}
_NAMES = {cls: name for name, cls in _KINDS.items()}


class JournalError(ValueError):
    """The file is not a journal."""


@dataclass
class Journal:
    """Entries in the order in which they happened. Two journals are equal if their entries are."""

    entries: list[Entry] = field(default_factory=list)
    _file: TextIO | None = field(default=None, compare=False, repr=False)

    def open(self, path: Path) -> None:
        """Take over what the file holds already, and write everything from now on behind it."""
        if path.exists():
            kept = _whole_lines(path)
            self.entries = _parsed(kept, path)
            os.truncate(path, len(kept))
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Stop writing; the entries stay."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, entry: Entry) -> None:
        """Note this; another process can read it as soon as this returns."""
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(_line(entry))
            self._file.flush()

    def effects(self) -> list[Effect]:
        """What changed in the world."""
        return [entry for entry in self.entries if not isinstance(entry, Request)]

    def requests(self) -> list[Request]:
        """What was asked."""
        return self.of(Request)

    def of(self, kind: type[E]) -> list[E]:
        """The entries of one kind."""
        return [entry for entry in self.entries if isinstance(entry, kind)]


def read(path: Path | str) -> Journal:
    """The journal in this file, also while it is written to (a last line that is not whole is left out)."""
    return Journal(_parsed(_whole_lines(Path(path)), Path(path)))


def _whole_lines(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]


def _parsed(content: bytes, path: Path) -> list[Entry]:
    try:
        return [_entry(json.loads(line)) for line in content.splitlines()]
    except (ValueError, KeyError, TypeError) as failure:
        raise JournalError(f"{path}: not a journal: {failure}") from failure


def _entry(line: dict[str, Any]) -> Entry:
    cls: Callable[..., Entry] = _KINDS[line.pop("kind")]
    return cls(**{**line, "at": datetime.fromisoformat(line["at"])})


def _line(entry: Entry) -> str:
    values = {f.name: getattr(entry, f.name) for f in fields(entry)}
    values["at"] = entry.at.isoformat()
    return json.dumps({"kind": _NAMES[type(entry)], **values}, ensure_ascii=False) + "\n"
