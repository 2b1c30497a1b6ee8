"""The stack around a play, and the comparison after it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from devstack import prometheus
from devstack.demo.client import ApiClient
from devstack.demo.registration import register
from devstack.demo.verdict import Check
from devstack.demo.world import World
from devstack.errors import DevstackError
from devstack.ports import HOST
from devstack.progress import Progress
from devstack.signals import Ended
from devstack.stack import Stack
from devstack.state import State
from devstack.telegram_dc import journal, scenario
from devstack.telegram_dc.journal import Journal

OWNER = "demo-owner"
LIMITS_FILE = Path(__file__).parent / "limits.toml"
TOKEN_TTL = timedelta(days=7)


@dataclass(frozen=True)
class Stage:
    """All that a play needs. `journal` reads what has happened so far."""

    stack: Stack
    api: ApiClient
    journal: Callable[[], Journal]


@contextmanager
def staged(state: State, world: World, out: Console, *, watched: bool = False) -> Iterator[Stage]:
    """Everything started on fresh data, with the world's accounts registered. `watched`: by Prometheus too."""
    files = state.folder / "scenario.json", state.folder / "telegram.jsonl"
    scenario.dump(world.scenario, files[0])
    with Stack(state, workers=2, limits_file=LIMITS_FILE, watched=watched, progress=Progress()) as stack:
        centre = stack.start_data_centre(*files)
        register(stack, world, OWNER, centre.port)
        _introduce(stack, world, out)
        if watched:
            _show_prometheus(stack, out)
        with ApiClient(stack.api_url, stack.token(OWNER, ttl=TOKEN_TTL)) as api:
            yield Stage(stack, api, lambda: journal.read(files[1]))


def compare(out: Console, checks: Sequence[Check]) -> None:
    """Print the comparisons; DevstackError when anything disagrees."""
    wrong = [check for check in checks if not check.agrees]
    _show(out, checks)
    if wrong:
        sentences = "\n".join(f"  {check}" for check in wrong)
        raise DevstackError(f"demo: the report and the journal disagree:\n{sentences}")


def _introduce(stack: Stack, world: World, out: Console) -> None:
    temporal = stack.infrastructure.temporal
    if temporal is not None and temporal.ui_url:
        out.print(f"\nTemporal Web UI, as long as this runs: {temporal.ui_url}", markup=False)
    out.print(f"API and its docs: {stack.api_url}/docs", markup=False)
    accounts = ", ".join(f"{name.title()} ({fate.value})" for name, fate in world.fates.items())
    out.print(f"accounts, and what each meets: {accounts}\n", markup=False)


def linger(on: Stage, out: Console) -> None:
    """Leave everything running after the play, to be looked at, until somebody ends it."""
    _show_prometheus(on.stack, out)
    out.print("Everything goes on running and is scraped; Ctrl-C ends it.", markup=False)
    with suppress(Ended):
        while True:
            time.sleep(1)


def _show_prometheus(stack: Stack, out: Console) -> None:
    out.print(f"Prometheus: {stack.prometheus.url if stack.prometheus else prometheus.ABSENT}", markup=False)
    for worker in stack.workers:
        out.print(f"metrics of {worker.name}: http://{HOST}:{worker.metrics_port}/metrics", markup=False)


def _show(out: Console, checks: Sequence[Check]) -> None:
    good = sum(check.agrees for check in checks)
    out.print(f"\nreport, status and CSV beside the journal: {good} of {len(checks)} comparisons agree")
    width = max(45, *(len(check.what) + 1 for check in checks if _is_number(check)))
    for check in checks:
        if _is_number(check):
            out.print(f"  {check.what:<{width}}{check.said!s:>6}{check.seen!s:>6}", markup=False)


def _is_number(check: Check) -> bool:
    return isinstance(check.said, int) and not isinstance(check.said, bool)
