"""`invite campaign watch`: a campaign until its end."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

import typer
from rich.live import Live

from cli import view
from cli.api import Json
from cli.errors import ExitCode
from cli.screen import Screen
from cli.session import AsJson, CampaignId, session
from cli.statuses import Statuses, changes

EXAMPLES = (
    "Exit codes: 0 done, 6 done with errors, 7 cancelled, 8 failed, 130 Ctrl-C\n\n"
    "Examples:\n\n"
    "invite campaign watch 5b1f0c52\n\n"
    "invite campaign watch 5b1f0c52 --json | jq .counts.processed"
)
_CODES = {
    "done": ExitCode.DONE,
    "done_with_errors": ExitCode.DONE_WITH_ERRORS,
    "cancelled": ExitCode.CANCELLED,
    "failed": ExitCode.FAILED,
}


def watch(
    context: typer.Context,
    campaign: CampaignId,
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds, where the API must be asked.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Watch a campaign to its end: progress, speed, end, accounts, why anything waits. Ctrl-C only stops watching.

    With --json: a line for every change.
    """
    with session(context, as_json=as_json) as at:
        path = at.campaign(campaign)
        short = at.screen.id(path.rpartition("/")[2])
        live = at.screen.out.is_terminal and not as_json
        seen = _Live(at.screen) if live else _Lines(at.screen)
        statuses = Statuses(at.api, path, timedelta(seconds=every), seen.lost)
        try:
            state = seen.follow(statuses)
        except KeyboardInterrupt:
            at.screen.note(
                f"No longer watched. The campaign goes on: `invite campaign watch {short}` looks again, "
                f"`invite campaign pause {short}` pauses it."
            )
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        if not as_json:
            at.screen.note(f"Next: invite campaign report {short} -o report.csv")
        raise typer.Exit(_CODES[state])


class _Lines:
    """A line for every change: JSON for programs, or the short of it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def follow(self, statuses: Iterable[Json]) -> str:
        """Print until the end; the last state."""
        status: Json = {}
        for status in changes(statuses):
            if self._screen.as_json:
                self._screen.json(json.dumps(status, ensure_ascii=False))
            else:
                self._screen.say(view.line(status, self._screen))
        return str(status["state"])

    def lost(self, why: str) -> None:
        """Say that the API does not answer."""
        self._screen.note(f"{why} Trying again …")


class _Live:
    """One picture that changes."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._live = Live(console=screen.out, auto_refresh=False)
        self._status: Json = {}

    def follow(self, statuses: Iterable[Json]) -> str:
        """Draw until the end; the last state."""
        with self._live:
            for self._status in statuses:
                self._draw("")
        return str(self._status["state"])

    def lost(self, why: str) -> None:
        """Say under the picture that the API does not answer."""
        self._draw(f"{why} Trying again …")

    def _draw(self, lost: str) -> None:
        self._live.update(view.picture(self._status, self._screen, lost), refresh=True)
