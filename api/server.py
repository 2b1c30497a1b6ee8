"""The HTTP server: it does not wait for requests that never begin, and ends in good order."""

import asyncio
import socket
import time
from datetime import timedelta

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.events import Told
from api.listening import Listeners
from runtime import telemetry

HEAD_WITHIN = timedelta(seconds=15)
"""A request's line and headers have arrived so long after the connection was made or its last request was answered;
uvicorn closes at 5 s who is silent, and waits for ever for who sends a byte now and then."""
_LOOK_EVERY = 10
"""Ticks of uvicorn, of 0.1 s."""


class Server(uvicorn.Server):
    """Serves `app`. `drain`: at its end `/readyz` says no for so long, while everything is still answered."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        drain: timedelta = timedelta(0),
        head_within: timedelta = HEAD_WITHIN,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._drain = drain.total_seconds()
        self._head_within = head_within.total_seconds()
        self._waiting: dict[H11Protocol, tuple[RequestResponseCycle | None, float]] = {}

    async def on_tick(self, counter: int) -> bool:
        """What uvicorn does ten times a second; whether to end."""
        if counter % _LOOK_EVERY == 0:
            self._close_who_does_not_begin()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving. After this the process ends by the signal that it was sent, and says nothing any more."""
        self._app.state.leaving = True
        await asyncio.sleep(self._drain)
        listeners: Listeners[Told] = self._app.state.listeners
        listeners.close()  # streams of events would hold the process until its grace is over
        await super().shutdown(sockets)
        await asyncio.to_thread(telemetry.end)

    def _close_who_does_not_begin(self) -> None:
        now = time.monotonic()
        before, self._waiting = self._waiting, {}
        for connection in self.server_state.connections:
            if isinstance(connection, H11Protocol) and connection.conn.their_state is h11.IDLE:
                answered, since = before.get(connection, (connection.cycle, now))
                if answered is not connection.cycle:  # it has asked something in between
                    since = now
                self._waiting[connection] = (connection.cycle, since)
                if now - since > self._head_within:
                    connection.transport.close()
