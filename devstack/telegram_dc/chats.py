"""A chat as it is now: who is in it, who waits, who left, and the links that lead into it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from devstack.telegram_dc.scenario import Chat, ChatKind, InviteLink, Person

BROADCAST_INVITE_LIMIT = 200
_LIMITS: dict[ChatKind, int] = {"basic": 200, "supergroup": 200_000}


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Somebody who waits for an admin."""

    at: datetime
    by: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Importer:
    """Somebody who came in by a link. `approved_by` is the account that let them in, if one had to."""

    user: int
    at: datetime
    link: str
    approved_by: str | None


@dataclass
class ChatState:
    """A chat and who is in it now."""

    chat: Chat
    members: set[int]
    left: set[int] = field(default_factory=set)
    requests: dict[int, JoinRequest] = field(default_factory=dict)
    links: dict[str, InviteLink] = field(default_factory=dict)
    importers: list[Importer] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many are in the chat."""
        return len(self.members) + self.chat.unlisted_members

    @property
    def is_full(self) -> bool:
        """Whether nobody can be added directly (a channel takes direct invites up to 200 subscribers)."""
        broadcast = self.chat.kind == "channel" and self.size >= BROADCAST_INVITE_LIMIT
        return broadcast or self.is_closed

    @property
    def is_closed(self) -> bool:
        """Whether nobody can come in at all, by a link neither."""
        limit = self.chat.participants_limit
        if limit is None:
            limit = _LIMITS.get(self.chat.kind)
        return self.chat.full or (limit is not None and self.size >= limit)

    def is_admin(self, account: str) -> bool:
        """Whether the account created the chat or is one of its admins."""
        return account == self.chat.creator or account in self.chat.admins

    def may_invite(self, account: str) -> bool:
        """Whether the account may add people as an admin, and make links."""
        return account == self.chat.creator or "invite_users" in self.chat.admins.get(account, ())

    def has_kicked(self, person: Person) -> bool:
        """Whether the person was removed from this chat."""
        names = {str(self.chat.id), self.chat.username}
        return any(name in names for name in person.kicked_from)

    def uses_of(self, link: str) -> int:
        """How many came in by the link."""
        return sum(importer.link == link for importer in self.importers)

    def is_over(self, link: InviteLink, now: datetime) -> bool:
        """Whether the link was revoked, has expired, or was used as often as it may be."""
        expired = link.expire_date is not None and now.timestamp() >= link.expire_date
        used_up = link.usage_limit is not None and self.uses_of(link.hash) >= link.usage_limit
        return link.revoked or expired or used_up

    def admit(self, user: int, at: datetime, by: str, link: str | None) -> None:
        """The person is a member from now on."""
        asked = self.requests.pop(user, None)
        self.members.add(user)
        self.left.discard(user)
        if link is not None:
            self.importers.append(Importer(user, at, link, by if asked else None))

    def release(self, user: int) -> None:
        """The person is a member no more."""
        self.members.discard(user)
        self.left.add(user)


def staff(chat: Chat) -> Iterable[str]:
    """The accounts that run the chat."""
    return {*chat.admins, *([chat.creator] if chat.creator else [])}
