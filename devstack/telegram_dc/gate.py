"""Who may come in: keys, and Telegram's rule of one connection per key."""

from hashlib import sha256
from typing import Protocol

from telethon.crypto import AuthKey

from devstack.telegram_dc.journal import SessionDestroyed
from devstack.telegram_dc.scenario import Scenario
from devstack.telegram_dc.world import World


class Visitor(Protocol):
    """A connection, as far as the gate deals with it."""

    account: str | None

    def cut(self, *, at_once: bool = False) -> None:
        """End the connection, `at_once` without sending what waits."""


class Gate:
    """All connections, and which account each belongs to."""

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._world = world
        self._keys: dict[int, tuple[str, AuthKey]] = {}
        self._visitors: list[Visitor] = []
        for account in scenario.accounts:
            key = AuthKey(scenario.auth_key(account.name))
            self._keys[key.key_id] = (account.name, key)

    def arrive(self, visitor: Visitor) -> None:
        """A connection is open; whose it is is not known yet."""
        self._visitors.append(visitor)

    def leave(self, visitor: Visitor) -> None:
        """The connection is over, on our side at least: from now on it counts no more."""
        if visitor in self._visitors:
            self._visitors.remove(visitor)

    def key(self, key_id: int) -> tuple[str, AuthKey] | None:
        """The account and key of this id; None if there is none, or none any more."""
        known = self._keys.get(key_id)
        return None if known is None or self._world.accounts[known[0]].destroyed else known

    def is_second(self, visitor: Visitor) -> bool:
        """Whether another connection uses the same key now. If so the key is destroyed."""
        others = [other for other in self.of(visitor.account) if other is not visitor]
        if not others or visitor.account is None:
            return False
        self._world.happen(SessionDestroyed(self._world.now(), visitor.account))
        return True

    def of(self, account: str | None) -> list[Visitor]:
        """The open connections of an account; with None of nobody in particular: all of them."""
        return [visitor for visitor in self._visitors if account in (None, visitor.account)]

    def cut(self, account: str | None, *, at_once: bool = False) -> None:
        """End the connections of an account, or all of them."""
        for visitor in self.of(account):
            visitor.cut(at_once=at_once)


def salt_of(auth_key: AuthKey) -> int:
    """The server salt that goes with a key; it never changes here."""
    return int.from_bytes(sha256(b"salt" + auth_key.key).digest()[:8], "little", signed=True)
