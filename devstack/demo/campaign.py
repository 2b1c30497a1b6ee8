"""One campaign over the API, as its owner runs it: from the upload to the report."""

import time
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console

from devstack.demo import tables
from devstack.demo.client import ApiClient, Json
from devstack.demo.verdict import Claims
from devstack.demo.world import World
from devstack.errors import DevstackError, ServerFailed
from devstack.server import Server
from devstack.stack import Stack

STALLED = timedelta(minutes=2)
"""So long without anybody settled: something is wrong."""
TEXTS = [
    "Здравствуйте! Мы собираемся в пятницу, будем рады вам.",
    "Добрый день! Приглашаем вас на весеннюю встречу в пятницу.",
]
ENDED = ("done", "done_with_errors", "cancelled", "failed")


class Campaign:
    """The people of `world`, invited to its group. `asked`: what else is asked for with `POST /invite`."""

    def __init__(self, api: ApiClient, world: World, out: Console, name: str, **asked: Any) -> None:
        self.id = ""
        self.name = name
        self._api = api
        self._world = world
        self._out = out
        self._asked = asked
        self._audience: Json = {}
        self._moved_at, self._settled = time.monotonic(), -1

    def upload(self) -> None:
        """Upload the file."""
        self._audience = self._api.upload(self._world.file_name, self._world.content)
        lines = self._api.dropped(self._audience["id"]) if self._audience["dropped"] else []
        tables.show_dropped(self._out, self._audience, lines)

    def check_admins(self) -> None:
        """Show what the accounts may do in the group."""
        self._out.print(f"admin check at @{self._world.group}:", markup=False)
        labels = {name: name.title() for name in self._world.fates}
        tables.show_rights(self._out, self._api.admin_check(self._world.group), labels)

    def start(self) -> None:
        """Ask for the campaign twice under one key, as after a lost answer: it is made once."""
        campaign = {
            "name": self.name,
            "platform": "telegram",
            "audience_id": self._audience["id"],
            "action": "invite",
            "pace": "fast",
            "destination": f"https://t.me/{self._world.group}",
            **self._asked,
        }
        key = f"demo-{self._audience['id']}"
        first, second = (self._api.invite(campaign, key) for _ in range(2))
        if first["id"] != second["id"]:
            raise DevstackError("the same Idempotency-Key has made two campaigns")
        self.id = first["id"]
        self._moved_at = time.monotonic()

    def look(self) -> Json:
        """Its status. Raises DevstackError when nobody has been settled for too long."""
        status = self._api.status(self.id)
        if status["counts"]["processed"] != self._settled:
            self._moved_at, self._settled = time.monotonic(), status["counts"]["processed"]
        elif status["state"] not in ENDED and time.monotonic() - self._moved_at > STALLED.total_seconds():
            raise DevstackError(
                f"nobody has been settled for {STALLED.total_seconds():.0f} s; the campaign says "
                f"{status['state']}: {status['why']['text']['en']}"
            )
        return status

    def command(self, command: str) -> str:
        """Pause it or the like; its state then."""
        state: str = self._api.command(self.id, command)["state"]
        return state

    def edit(self, **changes: Any) -> Json:
        """Change it while it runs."""
        return self._api.edit(self.id, changes)

    def lasted(self) -> tuple[datetime, datetime, str]:
        """When it was made and when it ended, and how."""
        campaign = self._api.campaign(self.id)
        made, ended = (datetime.fromisoformat(campaign[key]) for key in ("created_at", "ended_at"))
        return made, ended, campaign["state"]

    def claims(self) -> Claims:
        """All that is said of it in the end."""
        return Claims(
            stored=self._audience["stored"],
            status=self._api.status(self.id),
            workflow=self._api.status(self.id, "workflow"),
            report=self._api.report(self.id),
        )


def all_alive(stack: Stack, but: Server | None = None) -> None:
    """Raises `ServerFailed` when a server has ended by itself; `but`: that was killed."""
    for server in stack.processes:
        if server is not but and not server.running.alive():
            raise ServerFailed(server.name, "has ended", server.log, server.running.last_lines())
