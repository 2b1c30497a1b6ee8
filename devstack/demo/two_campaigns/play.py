"""The course of `--two-campaigns`: a low one starts, a high one takes its accounts over, pauses, goes on, ends."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rich.console import Console

from devstack.demo.campaign import ENDED, TEXTS, Campaign, all_alive
from devstack.demo.client import ApiClient, Json
from devstack.demo.disturbances import SETTLING
from devstack.demo.picture import Picture
from devstack.demo.play import POLL
from devstack.demo.two_campaigns.picture import drawn
from devstack.demo.two_campaigns.verdict import SOON, Both, Side, part
from devstack.demo.two_campaigns.world import HIGH, LOW, Worlds
from devstack.demo.verdict import Truth
from devstack.demo.world import World
from devstack.errors import DevstackError
from devstack.stack import Stack
from devstack.telegram_dc.journal import Journal

FIRST, LAST, NORMAL = 1, 5, 3
"""Priorities."""
HIGH_COMES_AT, PAUSE_AT = 20, 40
"""The percentages of settled people, of the low and of the high campaign, at which these happen."""
PAUSE_LASTS = timedelta(seconds=6)
BLOCK_EVERY = timedelta(seconds=3)
"""Where nothing can be redrawn: often enough that every change of hands is seen."""


class TwoPlay:
    """Two campaigns on the same accounts. `journal` reads what has happened."""

    def __init__(
        self, stack: Stack, api: ApiClient, worlds: Worlds, journal: Callable[[], Journal], out: Console
    ) -> None:
        self._stack = stack
        self._worlds = worlds
        self._journal = journal
        self._out = out
        self._picture = Picture(out, drawn, BLOCK_EVERY)
        asked = {"message": {"texts": TEXTS}, "message_when_refused": True}
        self._low = Campaign(api, worlds.low, out, LOW, priority=LAST, **asked)
        # It writes to nobody: so nobody comes back to its queue, and an account that finds that empty is through.
        self._high = Campaign(api, worlds.high, out, HIGH, priority=FIRST)
        self._gave_way: dict[str, set[str | None]] = {}
        self._pause: tuple[datetime, datetime] | None = None
        self._held_up_at_end: list[str] = []
        self._priority = LAST

    def run(self) -> Both:
        """Run both to their ends; what the API says then, and what happened."""
        for campaign in (self._low, self._high):
            campaign.upload()
            campaign.check_admins()
        with self._picture:
            self._start(self._low, LAST)
            self._show_until(self._low, HIGH_COMES_AT)
            self._start(self._high, FIRST)
            self._show_until(self._high, PAUSE_AT)
            self._pause_high()
            self._show_until(self._high)
            low = self._look()[self._low.id]
            self._picture.event(
                f"{HIGH} has ended; {LOW} has {low['counts']['processed']} people settled: {low['state']}"
            )
            if low["state"] not in ENDED:  # else the verdict says so
                self._raise_low()
            self._show_until(self._low)
        return self._both()

    def _start(self, campaign: Campaign, priority: int) -> None:
        campaign.start()
        self._picture.event(f"{campaign.name} has been made, with priority {priority}: {campaign.id}")

    def _pause_high(self) -> None:
        """Pause the high one for as long as the low one needs to be seen at work."""
        paused, before = datetime.now(UTC), self._settled(self._low)
        state = self._high.command("pause")
        self._picture.event(f"{HIGH} paused through the API; it says {state}")
        self._show_for(PAUSE_LASTS)
        while self._held_up() and datetime.now(UTC) - paused < PAUSE_LASTS + SOON:
            self._show_for(POLL)
        self._held_up_at_end = self._held_up()
        self._pause = paused, datetime.now(UTC)
        self._high.command("resume")
        done = self._settled(self._low) - before
        self._picture.event(f"{LOW} has settled {done} people in the pause of {HIGH}; that is resumed")

    def _held_up(self) -> list[str]:
        """The low one's accounts that give way now."""
        accounts = self._look()[self._low.id]["accounts"]
        return [account["id"] for account in accounts if account["why"]["code"] == "gives_way"]

    def _raise_low(self) -> None:
        changed = self._low.edit(priority=NORMAL)
        self._priority = changed["priority"]
        self._picture.event(
            f"priority of {LOW} changed while it runs, from {LAST} to {self._priority}: revision {changed['revision']}"
        )

    def _show_until(self, campaign: Campaign, percent: float | None = None) -> None:
        """Let time pass until so much of the campaign is settled, or it has ended."""
        while (status := self._look()[campaign.id])["state"] not in ENDED:
            if percent is not None and status["counts"]["percent"] >= percent:
                return
            time.sleep(POLL.total_seconds())
        if percent is not None:
            raise DevstackError(f"{campaign.name} had ended ({status['state']}) before it was {percent} % done")

    def _show_for(self, length: timedelta) -> None:
        ends = time.monotonic() + length.total_seconds()
        while time.monotonic() < ends:
            self._look()
            time.sleep(POLL.total_seconds())

    def _look(self) -> dict[str, Json]:
        """Draw both; their statuses by id."""
        all_alive(self._stack)
        statuses = [campaign.look() for campaign in (self._low, self._high) if campaign.id]
        self._picture.show(*statuses)
        for account in statuses[0]["accounts"]:
            if account["why"]["code"] == "gives_way":
                self._gave_way.setdefault(account["id"], set()).add(account["why"]["to"])
        return {status["id"]: status for status in statuses}

    def _settled(self, campaign: Campaign) -> int:
        processed: int = campaign.look()["counts"]["processed"]
        return processed

    def _both(self) -> Both:
        if self._pause is None:
            raise DevstackError(f"{HIGH} was never paused")
        return Both(
            low=self._side(self._low, self._worlds.low, self._worlds.high, None),
            high=self._side(self._high, self._worlds.high, self._worlds.low, self._pause),
            pause=self._pause,
            gave_way={account: frozenset(to) for account, to in self._gave_way.items()},
            held_up=self._held_up_at_end,
            priority=self._priority,
            wanted_priority=NORMAL,
        )

    def _side(self, campaign: Campaign, mine: World, other: World, pause: tuple[datetime, datetime] | None) -> Side:
        journal = part(self._journal(), mine, other)
        effects = journal.effects()
        quiet = None
        if pause is not None:
            settled = pause[0] + SETTLING
            quiet = sum(each.at <= settled for each in effects), sum(each.at <= pause[1] for each in effects)
        told = frozenset(report["account_id"] for report in self._stack.reports())
        made, ended, _ = campaign.lasted()
        truth = Truth(journal, mine.people, mine.expected, quiet, told)
        return Side(campaign.name, campaign.id, campaign.claims(), truth, made, ended)
