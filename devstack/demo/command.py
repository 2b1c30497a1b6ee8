"""`./run demo`: the command line, the stack around the play, the verdict as an exit status."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from devstack.demo import tables, verdict
from devstack.demo.kept_logs import logs_kept
from devstack.demo.picture import console
from devstack.demo.play import Play
from devstack.demo.stage import compare, linger, staged
from devstack.demo.two_campaigns import summary
from devstack.demo.two_campaigns import verdict as two_verdict
from devstack.demo.two_campaigns import world as two_worlds
from devstack.demo.two_campaigns.play import TwoPlay
from devstack.demo.verdict import Claims, Truth
from devstack.demo.world import World, around, made
from devstack.errors import DevstackError
from devstack.state import temporary_state

_ABOUT = (
    "Start everything on fresh data, run a campaign through the API, and compare its report with what the "
    "platform saw. The exit status is 0 if every number agrees."
)
_TWO = (
    "a campaign of the highest priority takes the accounts of one of the lowest, is paused meanwhile, and ends first; "
    "the low one says to whom it gives way, and goes on by itself"
)
RECIPIENTS, ACCOUNTS, ACCOUNTS_FOR_A_FILE, SEED = 300, 6, 5, 1
TWO_RECIPIENTS, FEWEST_FOR_TWO = 180, 60
"""Of both campaigns together. With fewer the one would be over before the other comes."""
MAX_RECIPIENTS, MAX_ACCOUNTS = 10_000, 100


def main(argv: list[str]) -> int:
    """Run the demonstration; 0 when the report agrees with the journal to the last unit."""
    options = _options(argv)
    return _two_campaigns(options) if options.two_campaigns else _one_campaign(options)


def _one_campaign(options: argparse.Namespace) -> int:
    world = _world(options)
    out = console()
    with (
        temporary_state() as state,
        logs_kept(state, out, "invite-demo-", always=options.keep),
        staged(state, world, out, watched=options.watch) as on,
    ):
        claims, truth = Play(on.stack, on.api, world, on.journal, out, disturbed=options.file is None).run()
        tables.show_report(out, claims.report)
        judge(out, claims, truth)
        counts = claims.status["counts"]
        print(f"demo: {counts['total']} recipients, {counts['processed']} settled, journal agrees", flush=True)
        if options.watch:
            linger(on, out)
    return 0


def _two_campaigns(options: argparse.Namespace) -> int:
    worlds = two_worlds.made(options.recipients or TWO_RECIPIENTS, options.accounts or ACCOUNTS, options.seed)
    out = console()
    with (
        temporary_state() as state,
        logs_kept(state, out, "invite-demo-", always=options.keep),
        staged(state, worlds.low, out, watched=options.watch) as on,
    ):
        both = TwoPlay(on.stack, on.api, worlds, on.journal, out).run()
        for side in (both.high, both.low):
            out.print(f"\n{side.name}", style="bold", markup=False)
            tables.show_report(out, side.claims.report)
        summary.show(out, both)
        compare(out, two_verdict.checks(both))
        counts = [side.claims.status["counts"] for side in (both.high, both.low)]
        total, processed = (sum(each[key] for each in counts) for key in ("total", "processed"))
        print(f"demo: 2 campaigns, {total} recipients, {processed} settled, journal agrees", flush=True)
        if options.watch:
            linger(on, out)
    return 0


def judge(out: Console, claims: Claims, truth: Truth) -> None:
    """Print the comparison; DevstackError when anything disagrees."""
    compare(out, verdict.checks(claims, truth))


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run demo", description=_ABOUT)
    parser.add_argument("--file", type=Path, help="a list of your own (CSV or JSON): no faults then")
    parser.add_argument(
        "--accounts", type=_number(MAX_ACCOUNTS), help=f"how many ({ACCOUNTS}; with a file {ACCOUNTS_FOR_A_FILE})"
    )
    parser.add_argument(
        "--recipients",
        type=_number(MAX_RECIPIENTS),
        help=f"how many people ({RECIPIENTS}; two campaigns together {TWO_RECIPIENTS}); not with a file",
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed, other people ({SEED})")
    parser.add_argument("--two-campaigns", action="store_true", help=_TWO)
    parser.add_argument(
        "--watch", action="store_true", help="with Prometheus over it all, left running afterwards until Ctrl-C"
    )
    parser.add_argument("--keep", action="store_true", help="keep the logs, and print where")
    options = parser.parse_args(argv)
    if options.file is not None and options.recipients is not None:
        parser.error("--recipients makes people up: it does not go with --file")
    if options.two_campaigns and options.file is not None:
        parser.error("--two-campaigns makes people up: it does not go with --file")
    if options.two_campaigns and options.recipients is not None and options.recipients < FEWEST_FOR_TWO:
        parser.error(f"--two-campaigns needs {FEWEST_FOR_TWO} --recipients at least")
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
