"""How both campaigns went, in figures."""

from datetime import datetime

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
    wait = side.first_after(moment)
    if wait is not None:
        out.print(f"  {side.name} acted {wait.total_seconds():.1f} s after {what}", markup=False)


def _since(begin: datetime, moment: datetime) -> float:
    return (moment - begin).total_seconds()
