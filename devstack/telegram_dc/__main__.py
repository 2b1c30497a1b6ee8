"""python -m devstack.telegram_dc: a data centre of its own, until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from devstack.telegram_dc import scenario
from devstack.telegram_dc.journal import JournalError
from devstack.telegram_dc.server import TelegramDC

_BAD_INPUT = 2
_CANNOT_RUN = 1


def main() -> int:
    """Run until stopped; the exit status."""
    args = _arguments()
    try:
        loaded = scenario.load(args.scenario)
        asyncio.run(_serve(TelegramDC(loaded, args.journal, args.host, args.port), args.port_file))
    except (scenario.ScenarioError, JournalError) as failure:
        print(f"telegram_dc: {failure}", file=sys.stderr)
        return _BAD_INPUT
    except OSError as failure:
        print(f"telegram_dc: {failure}", file=sys.stderr)
        return _CANNOT_RUN
    return 0


async def _serve(dc: TelegramDC, port_file: Path | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with dc:
        if port_file is not None:
            _write_whole(port_file, f"{dc.port}\n")
        print(f"telegram_dc: listening on {dc.host}:{dc.port}", file=sys.stderr, flush=True)
        await stopped.wait()


def _write_whole(path: Path, text: str) -> None:
    """Write the file so that a reader sees all of it or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="ascii")
    draft.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="telegram_dc", description="A Telegram data centre on loopback.")
    parser.add_argument("--scenario", type=Path, required=True, help="JSON file: who is here, what fails")
    parser.add_argument("--journal", type=Path, help="JSON lines file: what really happened")
    parser.add_argument("--host", default="127.0.0.1", help="IP address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--port-file", type=Path, help="where to write the port once listening")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
