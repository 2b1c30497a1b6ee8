"""Two campaigns at one glance: a line for each, then who has which account, and every reason once in words."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from devstack.demo.client import Json
from devstack.demo.picture import COLOURS, headline

_WORKS = frozenset({"working", "gap", "pace"})


def drawn(statuses: Sequence[Json], now: datetime) -> Group:
    """The picture; `statuses`: of one campaign or of several with the same accounts."""
    width = max(len(each["name"]) for each in statuses)
    lines = [Text.assemble((f"\n{each['name']:<{width}}  ", "bold"), headline(each, now)[1:]) for each in statuses]
    return Group(*lines, _accounts(statuses, now), _reasons(statuses))


def _accounts(statuses: Sequence[Json], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for title in ("account", "has it", *(f"{each['name']}: doing (actions)" for each in statuses)):
        table.add_column(title)
    names = {each["id"]: each["name"] for each in statuses}
    lines = [{account["id"]: account for account in each["accounts"]} for each in statuses]
    for account_id, first in lines[0].items():
        row = [(each, line.get(account_id)) for each, line in zip(statuses, lines, strict=True)]
        cells = [_doing(each, account, names, now) for each, account in row]
        table.add_row(
            first["label"] or account_id, _holder([each for each, account in row if _has(each, account)]), *cells
        )
    return table


def _holder(having: Sequence[Json]) -> Text:
    """Two of them at once: the one has not begun yet, or the other has not asked again."""
    return Text("changes hands" if len(having) > 1 else having[0]["name"] if having else "nobody", "bold")


def _has(status: Json, account: Json | None) -> bool:
    return account is not None and status["state"] == "running" and account["why"]["code"] in _WORKS


def _doing(status: Json, account: Json | None, names: dict[str, str], now: datetime) -> Text:
    if account is None:
        return Text("-")
    why = account["why"]
    to = f" to {names.get(why['to'], why['to'])}" if why["to"] else ""
    until = f" ({_left(why['until'], now):.0f} s)" if why["until"] else ""
    actions = sum(account["done"].values())
    return Text(f"{why['code']}{to}{until} ({actions})", COLOURS.get(account["state"], "yellow"))


def _left(until: str, now: datetime) -> float:
    return max((datetime.fromisoformat(until) - now).total_seconds(), 0)


def _reasons(statuses: Iterable[Json]) -> Table:
    """What the words of the waits in the picture mean."""
    whys = [why for each in statuses for why in (each["why"], *(account["why"] for account in each["accounts"]))]
    said = {why["code"]: f"{why['text']['en']} {why['ended_by']['text']['en']}" for why in whys}
    table = Table.grid(padding=(0, 1))  # its cells wrap where the terminal is narrow
    for code, text in sorted(said.items()):
        if code not in _WORKS:
            table.add_row(Text(f"{code}:", "dim"), Text(text, "dim"))
    return table
