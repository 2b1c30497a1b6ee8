"""The course of the demonstration: a campaign as a user would run it, from the upload to the report."""

import time
from collections.abc import Callable
from datetime import timedelta

from rich.console import Console

from devstack.demo.campaign import ENDED, TEXTS, Campaign, all_alive
from devstack.demo.client import ApiClient, Json
from devstack.demo.disturbances import Disturbances
from devstack.demo.picture import Picture
from devstack.demo.verdict import Claims, Truth
from devstack.demo.world import World
from devstack.stack import Stack
from devstack.telegram_dc.journal import Journal

POLL = timedelta(milliseconds=500)


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
        self._world = world
        self._journal = journal
        self._out = out
        self._picture = Picture(out)
        asked = {"message": {"texts": TEXTS}, "message_when_refused": True}
        self._campaign = Campaign(api, world, out, "Demonstration", **asked)
        self._disturbances = Disturbances(stack, self._picture, journal, self._campaign.command, self._show_for)
        self._disturbed = disturbed

    def run(self) -> tuple[Claims, Truth]:
        """Run it to its end; what the API says then, and what happened."""
        self._campaign.upload()
        self._campaign.check_admins()
        self._campaign.start()
        self._out.print(f"campaign {self._campaign.id} has been made", markup=False)
        with self._picture:
            self._watch()
        self._say_how_long()
        return self._campaign.claims(), self._truth()

    def _watch(self) -> None:
        """Show the campaign until it ends, and disturb it on the way."""
        while (status := self._look())["state"] not in ENDED:
            if self._disturbed:
                self._disturbances.look(status["counts"]["percent"])
            time.sleep(POLL.total_seconds())

    def _look(self) -> Json:
        all_alive(self._stack, but=self._disturbances.killed)
        status = self._campaign.look()
        self._picture.show(status)
        return status

    def _show_for(self, length: timedelta) -> None:
        ends = time.monotonic() + length.total_seconds()
        while time.monotonic() < ends:
            self._look()
            time.sleep(POLL.total_seconds())

    def _say_how_long(self) -> None:
        if self._disturbed and self._disturbances.killed is None:
            self._out.print("\nthe campaign was over before a worker could be killed", markup=False)
        made, ended, state = self._campaign.lasted()
        self._out.print(f"\nthe campaign has ended ({state}) after {(ended - made).total_seconds():.0f} s\n")

    def _truth(self) -> Truth:
        return Truth(
            journal=self._journal(),
            people=self._world.people,
            expected=self._world.expected,
            quiet=self._disturbances.quiet,
            told=frozenset(report["account_id"] for report in self._stack.reports()),
        )
