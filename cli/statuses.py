"""A campaign's status again and again until its end: as the API sends it, or asked for where it does not."""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

import httpx
from httpx_sse import EventSource, SSEError

from cli.api import Api, Json
from cli.errors import NotFound, Refused, TooOften, Unreachable

ENDS = frozenset(("done", "done_with_errors", "cancelled", "failed"))
PATIENCE = timedelta(minutes=5)
"""So long without any answer: it is given up."""
_NO_CHANGE = ("as_of", "speed_per_minute", "expected_end")
"""These move with the clock."""


class NoEvents(Exception):
    """This API does not send them, or no more of them at once."""


@dataclass
class Statuses:
    """`path`: the campaign's. `every`: how often to ask. `lost`: told when the API does not answer, and why."""

    api: Api
    path: str
    every: timedelta
    lost: Callable[[str], None]
    last_event: str = field(default="", init=False)

    def __iter__(self) -> Iterator[Json]:
        """The status, and every one after it; the last is that of the end. Raises `Unreachable`, `NotFound`."""
        more: Callable[[], Iterable[Json]] = self._sent
        lost_at = time.monotonic() - PATIENCE.total_seconds()  # nobody waits for an API that never answered
        while True:
            pause = self.every
            try:
                for status in chain(self._asked(), more()):
                    lost_at = math.inf
                    yield status
                    if status["state"] in ENDS:
                        return
            except NoEvents:
                more = tuple  # asking again and again is enough
            except Unreachable as error:
                lost_at = min(lost_at, time.monotonic())
                if time.monotonic() - lost_at >= PATIENCE.total_seconds():
                    raise
                self.lost(str(error))
                pause = max(self.every, error.again_in)
            time.sleep(pause.total_seconds())

    def _asked(self) -> Iterator[Json]:
        yield self.api.get(f"{self.path}/status").data

    def _sent(self) -> Iterator[Json]:
        """As they are sent, until the connection ends or the campaign does. Raises `NoEvents`."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.last_event:
            headers["Last-Event-ID"] = self.last_event
        try:
            with self.api.stream(f"{self.path}/events", {"accounts": "true"}, headers) as answer:
                yield from self._heard(answer)
        except (NotFound, Refused, TooOften, SSEError, json.JSONDecodeError):
            raise NoEvents from None

    def _heard(self, answer: httpx.Response) -> Iterator[Json]:
        for event in EventSource(answer).iter_sse():
            self.last_event = event.id
            if event.event == "end":
                return
            if event.event == "progress":
                yield json.loads(event.data)


def changes(statuses: Iterable[Json]) -> Iterator[Json]:
    """Those that tell something new."""
    before: Json | None = None
    for status in statuses:
        told = {name: value for name, value in status.items() if name not in _NO_CHANGE}
        if told != before:
            yield status
        before = told
