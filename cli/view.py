"""A campaign's status as it is watched: a bar, the numbers, a row per account with the reason of its wait."""

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.api import Json
from cli.screen import Screen, clean, moment, table
from cli.statuses import ENDS

_BAR = 40
_UNTIL = {"en": "Until", "ru": "До"}
"""It stands behind a sentence of the API's."""
_NOT_COUNTED = ("total", "processed", "percent", "left")
_COLOURS = {"running": "green", "done": "green", "failed": "red", "done_with_errors": "yellow"}


def picture(status: Json, screen: Screen, lost: str) -> RenderableType:
    """All of it, for a terminal. `lost`: why what is shown may be old, or ''."""
    counts = status["counts"]
    head = Text.assemble((str(clean(status["name"])), "bold"), "  ", (status["state"], _colour(status)), "  ")
    bar = Table.grid(padding=(0, 2))
    bar.add_row(
        ProgressBar(
            total=max(counts["total"], 1), completed=counts["processed"], width=min(_BAR, screen.out.width // 3)
        ),
        f"{counts['processed']} of {counts['total']} ({counts['percent']:g} %)",
        f"{status['speed_per_minute']:g} a minute",
    )
    ends, became = clean(_end(status, screen)), clean(tally(counts))
    parts: list[RenderableType] = [head + clean(_because(status["why"], screen)), bar, ends, became]
    if any((status.get("membership") or {}).values()):
        parts.append(clean("In the group: " + _told(status["membership"])))
    if status.get("accounts"):
        parts.append(_accounts(status["accounts"], screen))
    if lost:
        parts.append(Text(lost, style="yellow"))
    return Group(*parts)


def line(status: Json, screen: Screen) -> str:
    """The short of it, for a log."""
    counts = status["counts"]
    return (
        f"{moment(status['as_of'])}  {status['state']}  {counts['processed']}/{counts['total']}  "
        f"{status['speed_per_minute']:g}/min  {_end(status, screen)}  "
        f"{tally(counts)}  {_because(status['why'], screen)}"
    )


def tally(counts: Json) -> str:
    """What became of people: whatever there was."""
    return _told({name: n for name, n in counts.items() if name not in _NOT_COUNTED})


def _told(counts: Json) -> str:
    sums = {name: sum(n.values()) if isinstance(n, dict) else n for name, n in counts.items()}
    return ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in sums.items() if n)


def _accounts(accounts: list[Json], screen: Screen) -> RenderableType:
    rows = [
        (
            each["label"] or each["id"],
            each["state"],
            sum(each["done"].values()),
            sum(each["errors"].values()),
            _because(each["why"], screen),
        )
        for each in accounts
    ]
    return table(("Account", "State", "Done", "Errors", "Why"), rows, plain=False)


def _end(status: Json, screen: Screen) -> str:
    """When it ends, or why nobody can tell."""
    if status["state"] in ENDS:
        return "at its end"
    if status["expected_end"]:
        return f"ends {moment(status['expected_end'])}"
    why = status.get("no_expected_end")
    return screen.words(why["text"]) if why else "end not known"


def _because(why: Json, screen: Screen) -> str:
    until = f" {screen.words(_UNTIL)} {moment(why['until'])}." if why["until"] else ""
    return screen.words(why["text"]) + until


def _colour(status: Json) -> str:
    return _COLOURS.get(status["state"], "cyan")
