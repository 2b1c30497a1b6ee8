"""A Telegram data centre on loopback, for the unmodified Telethon client."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack.telegram_dc.connection import Connection
from devstack.telegram_dc.dispatcher import Dispatcher
from devstack.telegram_dc.gate import Gate
from devstack.telegram_dc.journal import Journal
from devstack.telegram_dc.scenario import Fault, Scenario, check
from devstack.telegram_dc.world import Clock, World, utc_now


class TelegramDC:
    """Speaks MTProto while the `async with` block lasts.

    With a journal file that exists already the effects in it are taken up, as by a server that was restarted;
    waits, bans and the counts of faults are not. `clock` times waits and the journal, not the protocol.
    """

    def __init__(
        self,
        scenario: Scenario,
        journal_path: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = utc_now,
    ) -> None:
        check(scenario)
        self.host = host
        self.port = port
        self.journal = Journal()
        self.world = World(scenario, clock, self.journal.add)
        self._scenario = scenario
        self._journal_path = journal_path
        self._dispatcher = Dispatcher(self.world, self.journal, scenario.faults, scenario.latency)
        self._gate = Gate(scenario, self.world)
        self._connections = 0

    async def __aenter__(self) -> Self:
        if self._journal_path is not None:
            self.journal.open(self._journal_path)
            self.world.restore(self.journal.effects())
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connection, self.host, self.port)
        except OSError:
            self.journal.close()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self._gate.cut(None, at_once=True)
        await self._server.wait_closed()
        self.journal.close()

    @property
    def destroyed_sessions(self) -> set[str]:
        """The accounts whose key is dead because two connections used it at the same time."""
        return {state.name for state in self.world.accounts.values() if state.destroyed}

    def session_string(self, account_name: str) -> str:
        """The StringSession with which this account signs in here."""
        return self._scenario.session_string(account_name, self.host, self.port)

    def add_fault(self, fault: Fault) -> None:
        """From now on this one strikes too; it counts from here."""
        self._dispatcher.faults.add(fault)

    def drop_connections(self, account_name: str | None = None) -> None:
        """Cut the connections of this account, or all of them."""
        self._gate.cut(account_name, at_once=True)

    def _connection(self) -> Connection:
        self._connections += 1
        return Connection(self._connections, self._gate, self._dispatcher)
