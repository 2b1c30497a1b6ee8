"""The commands behind `./run`."""

import argparse
import importlib
import os
import sys
from typing import NoReturn

from devstack.errors import DevstackError
from devstack.signals import Ended, end_on_signals
from devstack.state import CHECKOUT

COMMANDS = {
    "demo": "run the demonstration on fresh data, and compare its report with what the platform saw",
    "up": "start everything and leave it running; data is kept until `up --fresh`",
    "chaos": "run a campaign while everything around it is killed and stopped at random; nothing may be lost or twice",
    "migrate": "bring the schema of the database at INVITE_DATABASE_URL (role invite_owner) up to date",
    "api": "run the API with the settings of the environment (INVITE_…)",
    "worker": "run one worker with the settings of the environment (INVITE_…)",
    "bench": "run a benchmark by name; without a name list them",
}

_MODULES = {"demo": "devstack.demo.command", "up": "devstack.up", "chaos": "devstack.chaos.command"}


def main(argv: list[str]) -> int:
    """Run one command; the exit status. Errors that the user can act on are printed without a traceback."""
    parser = argparse.ArgumentParser(prog="./run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    command = parser.parse_args(argv[:1]).command
    end_on_signals()
    try:
        return _run(command, argv[1:])
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    except Ended as error:
        return error.status


def _run(command: str, rest: list[str]) -> int:
    match command:
        case "demo" | "up" | "chaos":  # loaded only here: together they import half of the environment
            return int(importlib.import_module(_MODULES[command]).main(rest))
        case "migrate":
            return _migrate(rest)
        case "api":
            return _become("-m", "api", *rest)
        case "worker":
            return _become(str(CHECKOUT / "worker.py"), *rest)
        case "bench":
            return _bench(rest)
        case _:
            raise AssertionError(command)


def _migrate(rest: list[str]) -> int:
    if "INVITE_DATABASE_URL" not in os.environ:
        raise DevstackError(
            "set INVITE_DATABASE_URL=postgresql+psycopg://invite_owner:password@host:port/invite\n"
            "(`./run up` migrates its own database by itself)"
        )
    _become("-m", "storage.migrations", *rest)


def _bench(rest: list[str]) -> int:
    found = sorted(path.stem for path in (CHECKOUT / "bench").glob("*.py") if not path.stem.startswith("_"))
    if rest and rest[0] in found:
        _become("-m", f"bench.{rest[0]}", *rest[1:])
    if rest and rest[0] not in ("-h", "--help"):
        raise DevstackError(f"there is no benchmark {rest[0]!r}; there are: {', '.join(found) or 'none yet'}")
    print("benchmarks: " + (", ".join(found) or "none yet"))
    return 0


def _become(*arguments: str) -> NoReturn:
    """Replace this process by another Python program of the checkout."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    os.execve(sys.executable, [sys.executable, "-P", *arguments], environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
