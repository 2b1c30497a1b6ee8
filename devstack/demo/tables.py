"""The report as tables, for people."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from devstack.demo.client import Json, Report

_TOTALS = (
    ("total", "people"),
    ("processed", "settled"),
    ("invited", "invited"),
    ("already_member", "members already"),
    ("messaged", "messaged"),
    ("messaged_instead", "messaged instead of an invitation"),
    ("uncertain", "uncertain"),
    ("cancelled", "cancelled"),
)
_BY_REASON = (("refused", "refused"), ("unreachable", "unreachable"), ("failed", "failed"))


def show_dropped(out: Console, audience: Json, lines: Sequence[Json]) -> None:
    """What became of the uploaded file."""
    detected = audience["detected"]
    columns = ", ".join(f"{name} = {meaning}" for name, meaning in detected["columns"].items() if meaning)
    out.print(
        f"uploaded {audience['name']}: {audience['rows_read']} rows, {audience['stored']} people, "
        f"{audience['dropped']} dropped; read as {detected['format']}, {detected['encoding']}, "
        f"delimiter {detected['delimiter']!r}, columns {columns}",
        markup=False,
    )
    examples = {line["reason"]: line for line in reversed(lines)}
    for reason, times in audience["reasons"].items():
        line = examples.get(reason)
        example = f", such as line {line['line']}: {line['content']!r}" if line else ""
        out.print(f"  {times} {reason}{example}", markup=False)


def show_rights(out: Console, accounts: Sequence[Json], labels: dict[str, str]) -> None:
    """What an admin check found."""
    for each in accounts:
        may = "may add people" if each["can_invite"] else each["text"]["en"]
        out.print(f"  {labels.get(each['account_id'], each['account_id']):<12}{may}", markup=False)


def show_report(out: Console, report: Report) -> None:
    """Totals, accounts, and who was not reached."""
    out.print(_totals(report.status["counts"]))
    out.print(_accounts(report.status["accounts"]))
    if report.not_reached:
        out.print(_not_reached(report.not_reached))


def _totals(counts: Json) -> Table:
    table = Table(title="Totals", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for key, name in _TOTALS:
        table.add_row(name, str(counts[key]))
    for key, name in _BY_REASON:
        for reason, times in sorted(counts[key].items()):
            table.add_row(f"{name}: {reason}", str(times))
    return table


def _accounts(accounts: Sequence[Json]) -> Table:
    kinds = sorted({kind for each in accounts for kind in each["done"]})
    table = Table(title="Accounts", title_justify="left")
    table.add_column("account")
    table.add_column("state")
    for kind in kinds:
        table.add_column(kind.replace("_", " "), justify="right")
    table.add_column("errors")
    for each in accounts:
        errors = ", ".join(f"{reason} {times}" for reason, times in each["errors"].items())
        numbers = [str(each["done"].get(kind, 0)) for kind in kinds]
        table.add_row(each["label"] or each["id"], each["state"], *numbers, errors)
    return table


def _not_reached(rows: Sequence[Json]) -> Table:
    table = Table(title="Not reached", title_justify="left")
    for title in ("outcome", "reason", "why"):
        table.add_column(title)
    table.add_column("people", justify="right")
    counted = Counter((row["outcome"], row["reason"], row["text"]["en"]) for row in rows)
    for (outcome, reason, text), times in counted.most_common():
        table.add_row(outcome, reason, text, str(times))
    return table
