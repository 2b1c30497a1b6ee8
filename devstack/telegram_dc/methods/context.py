"""What a method works with: who calls, the world, and the ways to look peers up and to have an effect."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.journal import Effect
from devstack.telegram_dc.scenario import Person
from devstack.telegram_dc.world import AccountState, World

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

    def chat(self, peer: Any, private_code: int = 406) -> ChatState:
        """Which channel or supergroup an InputChannel means, if this account may see it."""
        channel_id = getattr(peer, "channel_id", 0)
        state = self.world.chats.get(channel_id)
        right = self.world.access_hash(self.account.name, "channel", channel_id)
        if state is None or state.chat.kind == "basic" or getattr(peer, "access_hash", 0) != right:
            raise RpcError(400, "CHANNEL_INVALID")
        if state.chat.private and not self.is_member(state):
            raise RpcError(private_code, "CHANNEL_PRIVATE")
        return state

    def group(self, chat_id: int, error: str = "CHAT_ID_INVALID") -> ChatState:
        """Which basic group has this id, if this account is in it. Nothing else is needed to reach it."""
        state = self.world.chats.get(chat_id)
        if state is None or state.chat.kind != "basic" or not self.is_member(state):
            raise RpcError(400, error)
        return state

    def any_chat(self, peer: Any, private_code: int = 406) -> ChatState:
        """Which channel or group an InputPeer means; PEER_ID_INVALID if it means no such thing."""
        if isinstance(peer, types.InputPeerChannel):
            return self.chat(peer, private_code)
        return self.group(getattr(peer, "chat_id", 0), "PEER_ID_INVALID")

    def is_member(self, state: ChatState) -> bool:
        """Whether the calling account is in the chat."""
        return self.account.user_id in state.members

    def is_mutual(self, person: Person) -> bool:
        """Whether the account and the person have each other in their contacts."""
        return person.user_id in self.account.contacts and self.account.name in person.knows

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
