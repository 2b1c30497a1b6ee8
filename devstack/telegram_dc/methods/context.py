"""What a method works with: who calls, the world, and the ways to look peers up and to have an effect."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.journal import Effect
from devstack.telegram_dc.scenario import Person
from devstack.telegram_dc.world import AccountState, ChatState, World

Answer = Any  # a TLObject, a bool, or a list of TLObjects: Telethon's types have no stubs


@dataclass(frozen=True, slots=True)
class Context:
    """One call of one account."""

    account: AccountState
    world: World
    now: datetime
    effect: Callable[[Effect], None]

    def person(self, peer: Any, error: str) -> Person:
        """Who an InputUser or InputPeer means; `error` (400) if nobody, or if the access hash is foreign."""
        if isinstance(peer, (types.InputUserSelf, types.InputPeerSelf)):
            return self.world.people[self.account.user_id]
        user_id = getattr(peer, "user_id", 0)
        person = self.world.people.get(user_id)
        if person is None or not self._may_reach(user_id, getattr(peer, "access_hash", 0)):
            raise RpcError(400, error)
        return person

    def chat(self, peer: Any) -> ChatState:
        """Which chat an InputChannel means, if this account may see it."""
        channel_id = getattr(peer, "channel_id", 0)
        state = self.world.chats.get(channel_id)
        right = self.world.access_hash(self.account.name, "channel", channel_id)
        if state is None or getattr(peer, "access_hash", 0) != right:
            raise RpcError(400, "CHANNEL_INVALID")
        if state.chat.private and self.account.user_id not in state.members:
            raise RpcError(406, "CHANNEL_PRIVATE")
        return state

    def is_self(self, person: Person) -> bool:
        """Whether the person is the calling account."""
        return person.user_id == self.account.user_id

    def is_stranger(self, person: Person) -> bool:
        """Whether the person is neither the account itself nor has it in their contacts."""
        return not self.is_self(person) and self.account.name not in person.knows

    def _may_reach(self, user_id: int, access_hash: int) -> bool:
        if access_hash == 0:
            return user_id in self.account.contacts
        return access_hash == self.world.access_hash(self.account.name, "user", user_id)
