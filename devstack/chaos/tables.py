"""The run as a table, for people."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from devstack.chaos.verdict import Verdict


def show(out: Console, seed: int, struck: Mapping[str, int], died: Mapping[str, int], verdict: Verdict) -> None:
    """Print faults by kind, then what came of them."""
    table = Table(title=f"chaos, seed {seed}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for kind, times in sorted(struck.items()):
        table.add_row(kind, str(times))
    table.add_section()
    table.add_row("faults", str(sum(struck.values())))
    for name, times in died.items():
        table.add_row(f"{name} ended by itself", str(times))
    table.add_row("lost", str(verdict.lost))
    table.add_row("twice", str(verdict.twice))
    table.add_row("uncertain", str(verdict.uncertain))
    table.add_row("longest standstill", f"{verdict.standstill.total_seconds():.1f} s")
    out.print(table)
    for check in verdict.wrong:
        out.print(f"  WRONG  {check}", markup=False)
