"""`./run demo`: the command line, the stack around the play, the verdict as an exit status."""

import argparse
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from devstack.demo import tables, verdict
from devstack.demo.client import ApiClient
from devstack.demo.kept_logs import logs_kept
from devstack.demo.picture import console
from devstack.demo.play import Play
from devstack.demo.registration import register
from devstack.demo.verdict import Check, Claims, Truth
from devstack.demo.world import World, around, made
from devstack.errors import DevstackError
from devstack.progress import Progress
from devstack.stack import Stack
from devstack.state import State, temporary_state
from devstack.telegram_dc import journal, scenario

_ABOUT = (
    "Start everything on fresh data, run a campaign through the API, and compare its report with what the "
    "platform saw. The exit status is 0 if every number agrees."
)
OWNER = "demo-owner"
LIMITS_FILE = Path(__file__).parent / "limits.toml"
RECIPIENTS, ACCOUNTS, ACCOUNTS_FOR_A_FILE, SEED = 300, 6, 5, 1
MAX_RECIPIENTS, MAX_ACCOUNTS = 10_000, 100
TOKEN_TTL = timedelta(days=7)


def main(argv: list[str]) -> int:
    """Run the demonstration; 0 when the report agrees with the journal to the last unit."""
    options = _options(argv)
    world = _world(options)
    out = console()
    with temporary_state() as state, logs_kept(state, out, "invite-demo-", always=options.keep):
        claims, truth = _played(state, world, out, disturbed=options.file is None)
        tables.show_report(out, claims.report)
        judge(out, claims, truth)
    counts = claims.status["counts"]
    print(f"demo: {counts['total']} recipients, {counts['processed']} settled, journal agrees", flush=True)
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run demo", description=_ABOUT)
    parser.add_argument("--file", type=Path, help="a list of your own (CSV or JSON): no faults then")
    parser.add_argument(
        "--accounts", type=_number(MAX_ACCOUNTS), help=f"how many ({ACCOUNTS}; with a file {ACCOUNTS_FOR_A_FILE})"
    )
    parser.add_argument(
        "--recipients", type=_number(MAX_RECIPIENTS), help=f"how many people ({RECIPIENTS}); not with a file"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed, other people ({SEED})")
    parser.add_argument("--keep", action="store_true", help="keep the logs, and print where")
    options = parser.parse_args(argv)
    if options.file is not None and options.recipients is not None:
        parser.error("--recipients makes people up: it does not go with --file")
    return options


def _number(most: int) -> Callable[[str], int]:
    """Reads a whole number from 1 to `most`."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 0 < int(text) <= most:
            raise argparse.ArgumentTypeError(f"give a number from 1 to {most}")
        return int(text)

    return read


def _world(options: argparse.Namespace) -> World:
    if options.file is None:
        return made(options.recipients or RECIPIENTS, options.accounts or ACCOUNTS, options.seed)
    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise DevstackError(f"{options.file}: {error.strerror}") from error
    return around(content, options.file.name, options.accounts or ACCOUNTS_FOR_A_FILE, options.seed)


def _played(state: State, world: World, out: Console, *, disturbed: bool) -> tuple[Claims, Truth]:
    files = state.folder / "scenario.json", state.folder / "telegram.jsonl"
    scenario.dump(world.scenario, files[0])
    with Stack(state, workers=2, limits_file=LIMITS_FILE, progress=Progress()) as stack:
        centre = stack.start_data_centre(*files)
        register(stack, world, OWNER, centre.port)
        _introduce(stack, world, out)
        with ApiClient(stack.api_url, stack.token(OWNER, ttl=TOKEN_TTL)) as api:
            play = Play(stack, api, world, lambda: journal.read(files[1]), out, disturbed=disturbed)
            return play.run()


def _introduce(stack: Stack, world: World, out: Console) -> None:
    temporal = stack.infrastructure.temporal
    if temporal is not None and temporal.ui_url:
        out.print(f"\nTemporal Web UI, as long as this runs: {temporal.ui_url}", markup=False)
    out.print(f"API and its docs: {stack.api_url}/docs", markup=False)
    accounts = ", ".join(f"{name.title()} ({fate.value})" for name, fate in world.fates.items())
    out.print(f"accounts, and what each meets: {accounts}\n", markup=False)


def judge(out: Console, claims: Claims, truth: Truth) -> None:
    """Print the comparison; DevstackError when anything disagrees."""
    checks = verdict.checks(claims, truth)
    wrong = [check for check in checks if not check.agrees]
    _show(out, checks)
    if wrong:
        sentences = "\n".join(f"  {check}" for check in wrong)
        raise DevstackError(f"demo: the report and the journal disagree:\n{sentences}")


def _show(out: Console, checks: Sequence[Check]) -> None:
    good = sum(check.agrees for check in checks)
    out.print(f"\nreport, status and CSV beside the journal: {good} of {len(checks)} comparisons agree")
    for check in checks:
        if isinstance(check.said, int) and not isinstance(check.said, bool):
            out.print(f"  {check.what:<45}{check.said!s:>6}{check.seen!s:>6}", markup=False)
