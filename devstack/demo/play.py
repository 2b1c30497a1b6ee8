"""The course of the demonstration: a campaign as a user would run it, and what befalls it on the way."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console

from devstack.demo import tables
from devstack.demo.client import ApiClient, Json
from devstack.demo.connections import busiest
from devstack.demo.picture import Picture
from devstack.demo.verdict import Claims, Truth
from devstack.demo.world import World
from devstack.errors import DevstackError, ServerFailed
from devstack.programs import Worker
from devstack.stack import Stack
from devstack.telegram_dc.journal import Journal

POLL = timedelta(milliseconds=500)
STALLED = timedelta(minutes=2)
"""So long without anybody settled: something is wrong."""
PAUSE_AT, KILL_AT = 0.2, 0.45
"""The shares of settled people at which these happen."""
SETTLING = timedelta(seconds=2)
"""How long actions in flight may take to end after a pause; answers come within milliseconds here."""
PAUSE_LASTS = timedelta(seconds=4)
TEXTS = [
    "Здравствуйте! Мы собираемся в пятницу, будем рады вам.",
    "Добрый день! Приглашаем вас на весеннюю встречу в пятницу.",
]
_ENDED = ("done", "done_with_errors", "cancelled", "failed")


@dataclass
class Play:
    """One campaign. `disturbed`: pause it and kill a worker on the way. `journal` reads what has happened."""

    stack: Stack
    api: ApiClient
    world: World
    journal: Callable[[], Journal]
    out: Console
    disturbed: bool
    _campaign_id: str = ""
    _quiet: tuple[int, int] | None = None
    _killed: Worker | None = None
    _lost: "_Lost | None" = None
    _progress: tuple[float, int] = field(default_factory=lambda: (time.monotonic(), -1))

    def run(self) -> tuple[Claims, Truth]:
        """Run it to its end; what the API says then, and what happened."""
        audience = self._upload()
        self._check_admins()
        self._start(audience["id"])
        with Picture(self.out) as picture:
            status = self._watch(picture)
        self._say_how_long(status)
        claims = Claims(
            stored=audience["stored"],
            status=self.api.status(self._campaign_id),
            workflow=self.api.status(self._campaign_id, "workflow"),
            report=self.api.report(self._campaign_id),
        )
        return claims, self._truth()

    def _upload(self) -> Json:
        audience = self.api.upload(self.world.file_name, self.world.content)
        lines = self.api.dropped(audience["id"]) if audience["dropped"] else []
        tables.show_dropped(self.out, audience, lines)
        return audience

    def _check_admins(self) -> None:
        self.out.print(f"admin check at @{self.world.group}:", markup=False)
        labels = {name: name.title() for name in self.world.fates}
        tables.show_rights(self.out, self.api.admin_check(self.world.group), labels)

    def _start(self, audience_id: str) -> None:
        campaign = {
            "name": "Demonstration",
            "platform": "telegram",
            "audience_id": audience_id,
            "action": "invite",
            "destination": f"https://t.me/{self.world.group}",
            "message": {"texts": TEXTS},
            "message_when_refused": True,
        }
        made = self.api.invite(campaign, key=f"demo-{audience_id}")
        self._campaign_id = self.api.invite(campaign, key=f"demo-{audience_id}")["id"]
        if made["id"] != self._campaign_id:
            raise DevstackError("the same Idempotency-Key has made two campaigns")
        self.out.print(f"campaign {self._campaign_id} has been made", markup=False)

    def _watch(self, picture: Picture) -> Json:
        """Show the campaign until it ends, and disturb it on the way."""
        events = self._events(picture)
        while True:
            status = self._look(picture)
            if status["state"] in _ENDED:
                return status
            self._must_move(status)
            if status["counts"]["percent"] >= 100 * self._next_event:
                next(events, None)
            if self._lost is not None and self._lost.is_found(self.journal()):
                picture.event(self._lost.told())
                self._lost = None
            time.sleep(POLL.total_seconds())

    @property
    def _next_event(self) -> float:
        if not self.disturbed:
            return float("inf")
        return PAUSE_AT if self._quiet is None else KILL_AT

    def _events(self, picture: Picture) -> Iterator[None]:
        self._pause(picture)
        yield
        while not self._kill(picture):
            yield

    def _look(self, picture: Picture) -> Json:
        for server in self.stack.processes:
            if server is not self._killed and not server.running.alive():
                raise ServerFailed(server.name, "has ended", server.log, server.running.last_lines())
        status = self.api.status(self._campaign_id)
        picture.show(status)
        return status

    def _pause(self, picture: Picture) -> None:
        """Pause, twice (the second changes nothing), see that nothing is done, go on."""
        for _ in range(2):
            state = self.api.command(self._campaign_id, "pause")["state"]
        picture.event(f"paused through the API; the campaign says {state}")
        self._show_for(SETTLING, picture)
        before = len(self.journal().effects())
        self._show_for(PAUSE_LASTS, picture)
        after = len(self.journal().effects())
        self._quiet = before, after
        seconds = f"{PAUSE_LASTS.total_seconds():.0f} s"
        picture.event(f"{after - before} actions in {seconds} of pause ({before} before it); resumed")
        self.api.command(self._campaign_id, "resume")

    def _show_for(self, length: timedelta, picture: Picture) -> None:
        ends = time.monotonic() + length.total_seconds()
        while time.monotonic() < ends:
            self._look(picture)
            time.sleep(POLL.total_seconds())

    def _kill(self, picture: Picture) -> bool:
        """SIGKILL the worker that holds most accounts; False while none holds any."""
        centre = self.stack.data_centre
        worker, held = busiest(self.stack.workers, centre.port if centre else 0)
        if not held:
            return False
        worker.kill()
        self._killed = worker
        picture.event(f"{worker.name} killed (SIGKILL) while it held {held} of {len(self.world.fates)} accounts")
        self._lost = _Lost(held, _connections(self.journal()))
        return True

    def _must_move(self, status: Json) -> None:
        at, settled = self._progress
        if status["counts"]["processed"] != settled:
            self._progress = time.monotonic(), status["counts"]["processed"]
        elif time.monotonic() - at > STALLED.total_seconds():
            raise DevstackError(
                f"nobody has been settled for {STALLED.total_seconds():.0f} s; the campaign says "
                f"{status['state']}: {status['why']['text']['en']}"
            )

    def _say_how_long(self, status: Json) -> None:
        if self.disturbed and self._killed is None:
            self.out.print("the campaign was over before a worker could be killed", markup=False)
        campaign = self.api.campaign(self._campaign_id)
        self.out.print(
            f"the campaign is {status['state']}: {status['counts']['processed']} settled, "
            f"from {campaign['created_at']} to {campaign['ended_at']}",
            markup=False,
        )

    def _truth(self) -> Truth:
        return Truth(
            journal=self.journal(),
            people=self.world.people,
            expected=self.world.expected,
            quiet=self._quiet,
            told=frozenset(report["account_id"] for report in self.stack.reports()),
        )


def _connections(journal: Journal) -> dict[str, int]:
    return {request.account: request.connection for request in journal.requests()}


@dataclass
class _Lost:
    """The accounts of a worker that was killed: taken over once they come with a connection of their own."""

    held: int
    before: dict[str, int]
    since: float = field(default_factory=time.monotonic)
    found: list[str] = field(default_factory=list)

    def is_found(self, journal: Journal) -> bool:
        """Whether as many accounts as were lost have signed in again."""
        now = _connections(journal)
        self.found = sorted(name for name, number in now.items() if number != self.before.get(name))
        return len(self.found) >= self.held

    def told(self) -> str:
        """It in words."""
        seconds = time.monotonic() - self.since
        return f"the other worker has taken over {', '.join(self.found)} after {seconds:.0f} s"
