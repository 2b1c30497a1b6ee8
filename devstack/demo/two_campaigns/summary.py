"""How both campaigns went, in figures."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from rich.console import Console

from devstack.demo.two_campaigns.verdict import Both, Side


def show(out: Console, both: Both) -> None:
    """Who took how long, and how fast the accounts changed hands."""
    for side in (both.high, both.low):
        begun, ended = _since(both.low.made, side.made), _since(both.low.made, side.ended)
        out.print(f"{side.name}: made at {begun:.0f} s, ended at {ended:.0f} s, {len(side.acts)} actions", markup=False)
    paused, resumed = both.pause
    _handed_over(out, both.high, both.high.made, "it was made")
    _handed_over(out, both.low, paused, f"{both.high.name} was paused")
    _handed_over(out, both.high, resumed, "it was resumed")
    _handed_over(out, both.low, both.high.ended, f"{both.high.name} had ended")


def _handed_over(out: Console, side: Side, moment: datetime, what: str) -> None:
    waits: Mapping[str, timedelta] = side.first_after(moment)
    if waits:
        first, last = (wait.total_seconds() for wait in (min(waits.values()), max(waits.values())))
        with_all = f"with the last of {len(waits)} accounts {last:.1f} s after"
        out.print(f"  {side.name} acted {first:.1f} s after {what}, {with_all}", markup=False)


def _since(begin: datetime, moment: datetime) -> float:
    return (moment - begin).total_seconds()
