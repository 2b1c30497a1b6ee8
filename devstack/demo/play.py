"""The course of the demonstration: a campaign as a user would run it, from the upload to the report."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from rich.console import Console

from devstack.demo import tables
from devstack.demo.client import ApiClient, Json
from devstack.demo.disturbances import Disturbances
from devstack.demo.picture import Picture
from devstack.demo.verdict import Claims, Truth
from devstack.demo.world import World
from devstack.errors import DevstackError, ServerFailed
from devstack.stack import Stack
from devstack.telegram_dc.journal import Journal

POLL = timedelta(milliseconds=500)
STALLED = timedelta(minutes=2)
"""So long without anybody settled: something is wrong."""
TEXTS = [
    "Здравствуйте! Мы собираемся в пятницу, будем рады вам.",
    "Добрый день! Приглашаем вас на весеннюю встречу в пятницу.",
]
_ENDED = ("done", "done_with_errors", "cancelled", "failed")


class Play:
    """One campaign. `disturbed`: pause it and kill a worker on the way. `journal` reads what has happened."""

    def __init__(
        self,
        stack: Stack,
        api: ApiClient,
        world: World,
        journal: Callable[[], Journal],
        out: Console,
        *,
        disturbed: bool,
    ) -> None:
        self._stack = stack
        self._api = api
        self._world = world
        self._journal = journal
        self._out = out
        self._picture = Picture(out)
        self._disturbances = Disturbances(stack, self._picture, journal, self._command, self._show_for)
        self._disturbed = disturbed
        self._campaign_id = ""
        self._moved_at, self._settled = time.monotonic(), -1

    def run(self) -> tuple[Claims, Truth]:
        """Run it to its end; what the API says then, and what happened."""
        audience = self._upload()
        self._check_admins()
        self._start(audience["id"])
        with self._picture:
            self._watch()
        self._say_how_long()
        claims = Claims(
            stored=audience["stored"],
            status=self._api.status(self._campaign_id),
            workflow=self._api.status(self._campaign_id, "workflow"),
            report=self._api.report(self._campaign_id),
        )
        return claims, self._truth()

    def _upload(self) -> Json:
        audience = self._api.upload(self._world.file_name, self._world.content)
        lines = self._api.dropped(audience["id"]) if audience["dropped"] else []
        tables.show_dropped(self._out, audience, lines)
        return audience

    def _check_admins(self) -> None:
        self._out.print(f"admin check at @{self._world.group}:", markup=False)
        labels = {name: name.title() for name in self._world.fates}
        tables.show_rights(self._out, self._api.admin_check(self._world.group), labels)

    def _start(self, audience_id: str) -> None:
        """Ask for the campaign twice under one key, as after a lost answer: it is made once."""
        campaign = {
            "name": "Demonstration",
            "platform": "telegram",
            "audience_id": audience_id,
            "action": "invite",
            "pace": "fast",
            "destination": f"https://t.me/{self._world.group}",
            "message": {"texts": TEXTS},
            "message_when_refused": True,
        }
        first, second = (self._api.invite(campaign, key=f"demo-{audience_id}") for _ in range(2))
        if first["id"] != second["id"]:
            raise DevstackError("the same Idempotency-Key has made two campaigns")
        self._campaign_id = first["id"]
        self._out.print(f"campaign {self._campaign_id} has been made", markup=False)

    def _watch(self) -> None:
        """Show the campaign until it ends, and disturb it on the way."""
        while (status := self._look())["state"] not in _ENDED:
            self._must_move(status)
            if self._disturbed:
                self._disturbances.look(status["counts"]["percent"])
            time.sleep(POLL.total_seconds())

    def _look(self) -> Json:
        for server in self._stack.processes:
            if server is not self._disturbances.killed and not server.running.alive():
                raise ServerFailed(server.name, "has ended", server.log, server.running.last_lines())
        status = self._api.status(self._campaign_id)
        self._picture.show(status)
        return status

    def _show_for(self, length: timedelta) -> None:
        ends = time.monotonic() + length.total_seconds()
        while time.monotonic() < ends:
            self._look()
            time.sleep(POLL.total_seconds())

    def _command(self, command: str) -> str:
        state: str = self._api.command(self._campaign_id, command)["state"]
        return state

    def _must_move(self, status: Json) -> None:
        if status["counts"]["processed"] != self._settled:
            self._moved_at, self._settled = time.monotonic(), status["counts"]["processed"]
        elif time.monotonic() - self._moved_at > STALLED.total_seconds():
            raise DevstackError(
                f"nobody has been settled for {STALLED.total_seconds():.0f} s; the campaign says "
                f"{status['state']}: {status['why']['text']['en']}"
            )

    def _say_how_long(self) -> None:
        if self._disturbed and self._disturbances.killed is None:
            self._out.print("\nthe campaign was over before a worker could be killed", markup=False)
        campaign = self._api.campaign(self._campaign_id)
        made, ended = (datetime.fromisoformat(campaign[key]) for key in ("created_at", "ended_at"))
        seconds = (ended - made).total_seconds()
        self._out.print(f"\nthe campaign has ended ({campaign['state']}) after {seconds:.0f} s\n")

    def _truth(self) -> Truth:
        return Truth(
            journal=self._journal(),
            people=self._world.people,
            expected=self._world.expected,
            quiet=self._disturbances.quiet,
            told=frozenset(report["account_id"] for report in self._stack.reports()),
        )
