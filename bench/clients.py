"""How much a signed-in Telegram client costs, beside what a bare TCP connection costs.

`./run bench clients [--clients 1000]`: the data centre runs in a process of its own; the clients, as in a worker,
in this one. Fails if they take more than `BOUND_MB` together.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from adapters.telegram.adapter import TelegramAdapter
from devstack.telegram_dc import scenario
from domain.outcome import Kind, Outcome
from domain.ports import Session
from domain.recipient import Person

BOUND_MB = 300
CHECKOUT = Path(__file__).parents[1]
HOST = "127.0.0.1"
API_HASH = "0123456789abcdef0123456789abcdef"
AT_ONCE = 50
"""Connections that are being made at the same time."""
PATIENCE = timedelta(minutes=2)
SOMEBODY = Person(0, username="somebody")

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """What so many connections took. `requests`: per second, by all of them together, one after the other each."""

    name: str
    connections: int
    seconds: float
    before_mb: float
    after_mb: float
    requests: float | None = None


class NoBook:
    """Nothing is known, nothing is kept."""

    async def find(self, identifiers: Sequence[str]) -> Mapping[str, str]:
        """Nobody."""
        return {}

    async def keep(self, found: Mapping[str, str]) -> None:
        """Forget it."""


def main(argv: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench clients", description=__doc__)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5, help="for how long they send")
    arguments = parser.parse_args(argv)
    _allow_files(2 * arguments.clients + 200)
    world = _world(arguments.clients)
    with _data_centre(world) as port:
        costs = asyncio.run(_measure(world, port, arguments.seconds))
    _print(costs)
    kept = costs[-1].after_mb <= BOUND_MB
    print(f"\nbound: {BOUND_MB} MB for the whole process, {'kept' if kept else 'EXCEEDED'}")
    return 0 if kept else 1


async def _measure(world: scenario.Scenario, port: int, seconds: float) -> list[Cost]:
    names = [account.name for account in world.accounts]
    bare = await _cost("bare TCP connections", names, lambda _: _bare(port), _cut)
    adapter = TelegramAdapter(deadline=PATIENCE, disconnect_after=10 * PATIENCE)
    clients = await _cost(
        "signed-in clients",
        names,
        lambda name: _sign_in(adapter, world, name, port),
        _close,
        lambda sessions: _requests_per_second(sessions, seconds),
    )
    return [bare, clients]


async def _cost(
    name: str,
    accounts: Sequence[str],
    open_one: Callable[[str], Awaitable[T]],
    close: Callable[[Sequence[T]], Awaitable[None]],
    use: Callable[[Sequence[T]], Awaitable[float]] | None = None,
) -> Cost:
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(account: str) -> T:
        async with gate:
            return await open_one(account)

    before, begun = _rss_mb(), time.monotonic()
    opened = await asyncio.gather(*map(gated, accounts))
    took = time.monotonic() - begun
    requests = await use(opened) if use else None
    after = _rss_mb()  # with what work leaves behind
    await close(opened)
    return Cost(name, len(opened), took, before, after, requests)


async def _bare(port: int) -> asyncio.Transport:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, HOST, port)
    return transport


async def _cut(transports: Sequence[asyncio.Transport]) -> None:
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0.1)


async def _sign_in(adapter: TelegramAdapter, world: scenario.Scenario, name: str, port: int) -> Session:
    credentials = {"session": world.session_string(name, HOST, port), "api_id": "5", "api_hash": API_HASH}
    session = await adapter.connect(name, credentials, None, NoBook())
    if isinstance(session, Outcome):
        raise RuntimeError(f"{name} is not taken: {session}")
    return session


async def _close(sessions: Sequence[Session]) -> None:
    await asyncio.gather(*(session.close() for session in sessions))


async def _requests_per_second(sessions: Sequence[Session], seconds: float) -> float:
    await asyncio.gather(*(session.find(SOMEBODY) for session in sessions))
    begun = time.monotonic()
    sent = sum(await asyncio.gather(*(_send_until(session, begun + seconds) for session in sessions)))
    return sent / (time.monotonic() - begun)


async def _send_until(session: Session, ends: float) -> int:
    sent = 0
    while time.monotonic() < ends:
        sent += 1
        outcome = await session.send(SOMEBODY, "text", sent)
        if outcome.kind is not Kind.MESSAGED:
            raise RuntimeError(f"not sent: {outcome}")
    return sent


def _world(clients: int) -> scenario.Scenario:
    accounts = [
        scenario.Account(f"account_{number}", number, f"+7000{number:07}", 5, API_HASH)
        for number in range(1, clients + 1)
    ]
    return scenario.Scenario(accounts, people=[scenario.Person(10_000_000, SOMEBODY.username)])


@contextlib.contextmanager
def _data_centre(world: scenario.Scenario) -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="bench-clients-") as folder:
        file, port_file = Path(folder, "scenario.json"), Path(folder, "port")
        scenario.dump(world, file)
        command = [sys.executable, "-m", "devstack.telegram_dc", "--scenario", str(file)]
        process = subprocess.Popen([*command, "--port-file", str(port_file)], stderr=subprocess.DEVNULL, cwd=CHECKOUT)
        try:
            yield _port(port_file, process)
        finally:
            process.terminate()
            process.wait(10)


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    for _ in range(300):
        if file.exists():
            return int(file.read_text())
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("the data centre did not start")


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard) if hard > 0 else count, hard))


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _print(costs: Sequence[Cost]) -> None:
    columns = ("", "number", "connected in", "each", "RSS before", "RSS after", "each", "requests/s")
    rows = [columns, *map(_row, costs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))


def _row(cost: Cost) -> tuple[str, ...]:
    return (
        cost.name,
        f"{cost.connections}",
        f"{cost.seconds:.2f} s",
        f"{1000 * cost.seconds / cost.connections:.2f} ms",
        f"{cost.before_mb:.0f} MB",
        f"{cost.after_mb:.0f} MB",
        f"{1000 * (cost.after_mb - cost.before_mb) / cost.connections:.0f} kB",
        "-" if cost.requests is None else f"{cost.requests:.0f}",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
