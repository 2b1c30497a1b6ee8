"""A campaign at one glance while it runs: one line for it, one for each account."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from devstack.demo.client import Json

BLOCK_EVERY = timedelta(seconds=5)
"""Where nothing can be redrawn, the picture is printed again at most this often, and only if it has changed."""
PLAIN_WIDTH = 150
_BAR = 24
COLOURS = {
    "working": "green", "cooldown": "yellow", "limited": "yellow", "blocked": "red", "not_admin": "cyan",
    "running": "green", "waiting": "yellow", "paused": "magenta", "done": "green", "done_with_errors": "yellow",
}  # fmt: skip


def console() -> Console:
    """Standard output, wide enough for whole sentences where it is no terminal."""
    plain = Console(highlight=False, soft_wrap=True)
    return plain if plain.is_terminal else Console(highlight=False, soft_wrap=True, width=PLAIN_WIDTH)


Drawing = Callable[[Sequence[Json], datetime], RenderableType]


class Picture(AbstractContextManager["Picture"]):
    """Redrawn in place on a terminal; elsewhere printed now and then. A context manager."""

    def __init__(self, out: Console, draw: Drawing | None = None, block_every: timedelta = BLOCK_EVERY) -> None:
        """`draw`: how; one campaign in a headline and a line for each account, if nothing else is said."""
        self._out = out
        self._every = block_every.total_seconds()
        self._draw = draw or (lambda statuses, now: drawn(statuses[0], now))
        self._live = Live(console=out, auto_refresh=False, transient=True) if out.is_terminal else None
        self._printed_at = -self._every
        self._printed: Any = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()

    def show(self, *statuses: Json) -> None:
        """Draw how things stand now, with a campaign or several."""
        now = datetime.now(UTC)
        if self._live is not None:
            self._live.update(self._draw(statuses, now), refresh=True)
            return
        gist = [_gist(status) for status in statuses]
        if gist != self._printed and time.monotonic() - self._printed_at >= self._every:
            self._printed, self._printed_at = gist, time.monotonic()
            self._out.print(self._draw(statuses, now))

    def event(self, text: str) -> None:
        """Say once what has just happened."""
        self._out.print(f"{datetime.now().astimezone():%H:%M:%S}  {text}", style="bold", markup=False)


def drawn(status: Json, now: datetime) -> Group:
    """The picture."""
    return Group(headline(status, now), _accounts(status["accounts"], now))


def headline(status: Json, now: datetime) -> Text:
    """A campaign's progress in one line, after an empty one."""
    counts = status["counts"]
    filled = round(_BAR * counts["percent"] / 100)
    state = status["state"]
    line = Text("\n")
    line.append(f"{'█' * filled}{'░' * (_BAR - filled)} ", "green")
    line.append(f"{counts['processed']} of {counts['total']} · ", "bold")
    line.append(state, COLOURS.get(state, "bold"))
    line.append(f" · {status['speed_per_minute']:.0f} a minute · {_reason(status['why'], now)}")
    return line


def _accounts(accounts: Iterable[Json], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for title in ("account", "state", "what it is doing", "invited", "messaged", "refused", "errors"):
        table.add_column(title, justify="right" if title in ("invited", "messaged", "refused") else "left")
    for account in accounts:
        done, state = account["done"], account["state"]
        table.add_row(
            Text(account["label"] or account["id"]),
            Text(state, COLOURS.get(state, "")),
            Text(_reason(account["why"], now)),
            str(done.get("invited", 0)),
            str(done.get("messaged", 0) + done.get("messaged_instead", 0)),
            str(done.get("refused", 0) + done.get("refused_instead", 0)),
            Text(", ".join(f"{reason} {times}" for reason, times in account["errors"].items())),
        )
    return table


def _reason(why: Json, now: datetime) -> str:
    text: str = why["text"]["en"]
    if not why["until"]:
        return text
    until = datetime.fromisoformat(why["until"])
    left = max((until - now).total_seconds(), 0)
    return f"{text} Until {until.astimezone():%H:%M:%S} ({left:.0f} s)."


def _gist(status: Json) -> Any:
    accounts = [(each["id"], each["state"], each["why"]["code"]) for each in status["accounts"]]
    return status["state"], status["why"]["code"], status["counts"]["processed"], accounts
