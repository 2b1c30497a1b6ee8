"""What a turn costs (`begin`, `mark_sent`, `settle`: three commits) in small and large campaigns, at start and end.

`./run bench claims [--sizes 10000,100000,1000000] [--parallel 1,8,32] [--turns 192] [--rounds 3]`

It starts a PostgreSQL of its own, as durable as in production, and uses the real stores under the service's roles.
A cell is measured in windows of `--turns` recipients; sizes take turns within a round, and so do the service and the
floor: the same rows written by plain SQL, one statement per commit, without our reads. Cells are medians over rounds.

At the start everybody waits. To get to the end the middle is worked off in bulk, by statements that leave the rows,
and the dead rows, that claims leave. Autovacuum is off, so the end is measured twice: with all these dead rows still
there (`end`: nothing has vacuumed since the first recipient, or a long transaction holds vacuum up), and after
a VACUUM (`end, vacuumed`).

CPU is that of this process and of all of PostgreSQL together. Fails if a recipient of the largest campaign costs more
than `BOUND` times one of the second largest, at the start or at the end.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from bench import _plain_sql
from bench._campaigns import PLAIN, PLATFORM, SERVICE, STEP, Sized, make_database
from devstack.postgres import Postgres
from devstack.state import temporary_state
from domain.account import AccountRef
from domain.outcome import Kind, Outcome
from domain.platform import Action
from domain.turn import Turn, TurnKey

BOUND = 1.15
_INVITED = Outcome(Kind.INVITED)
_TICKS = os.sysconf("SC_CLK_TCK")
_numbers = count(1)
Turns = Callable[[Sized, str, int], Coroutine[None, None, None]]
"""Takes so many turns with an account."""


@dataclass
class Window:
    """What so many turns took: seconds by the clock, and of CPU."""

    turns: int
    seconds: float
    cpu: float


@dataclass
class Cell:
    """All windows of one size, parallelism and stage."""

    service: list[Window] = field(default_factory=list)
    plain: list[Window] = field(default_factory=list)


Cells = dict[tuple[str, int, int], Cell]
"""By stage, parallelism and size."""


def main(argv: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(
        prog="./run bench claims", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=_numbers_of, default="10000,100000,1000000", help="recipients")
    parser.add_argument("--parallel", type=_numbers_of, default="1,8,32", help="accounts that act at the same time")
    parser.add_argument("--turns", type=int, default=192, help="recipients in one window")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    windows = arguments.rounds * len(arguments.parallel) * arguments.turns
    if min(arguments.sizes) < 4 * windows:
        parser.error(f"argument --sizes: {min(arguments.sizes)} recipients are too few for {3 * windows} turns")
    with temporary_state() as state:
        server = Postgres(state.postgres_home)
        server.start()
        try:
            cells = asyncio.run(_measure(server, arguments))
        finally:
            server.stop()
    _print(cells)
    return _judge(cells, sorted(arguments.sizes))


async def _measure(server: Postgres, arguments: argparse.Namespace) -> Cells:
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    worlds = [make_database(server, size, max(arguments.parallel)) for size in sorted(arguments.sizes)]
    cpu = _Cpu(server)
    cells: Cells = {}
    try:
        for world in worlds:
            took = [await world.make(owner) for owner in (SERVICE, PLAIN)]
            await world.do("VACUUM ANALYZE")
            await _say_review(world, f"{world.recipients} recipients: made in {min(took):.1f} s")
        await _stage("start", worlds, arguments, cells, cpu)
        for world in worlds:
            windows = arguments.rounds * len(arguments.parallel) * arguments.turns
            for owner in (SERVICE, PLAIN):
                await world.work_off(owner, leave=windows * 2 + arguments.turns)
            await world.do("ANALYZE")
            await _say_review(world, f"{world.recipients} recipients, the middle worked off")
        await _stage("end", worlds, arguments, cells, cpu)
        for world in worlds:
            await world.do("VACUUM ANALYZE")
            await _say_review(world, f"{world.recipients} recipients, vacuumed")
        await _stage("end, vacuumed", worlds, arguments, cells, cpu)
    finally:
        for world in worlds:
            await world.close()
    return cells


async def _say_review(world: Sized, what: str) -> None:
    reviews = [await world.review(SERVICE) for _ in range(5)]
    print(f"{what}; a review takes {1000 * statistics.median(reviews[1:]):.0f} ms", file=sys.stderr, flush=True)


async def _stage(stage: str, worlds: Sequence[Sized], arguments: argparse.Namespace, cells: Cells, cpu: "_Cpu") -> None:
    for world in worlds:  # connections, caches
        for take in (_service, _plain):
            await _window(take, world, max(arguments.parallel), max(arguments.parallel), cpu)
    for _ in range(arguments.rounds):
        for parallel in arguments.parallel:
            for world in worlds:
                cell = cells.setdefault((stage, parallel, world.recipients), Cell())
                await world.do("CHECKPOINT")
                cell.service.append(await _window(_service, world, parallel, arguments.turns, cpu))
                cell.plain.append(await _window(_plain, world, parallel, arguments.turns, cpu))


async def _window(take: Turns, world: Sized, parallel: int, turns: int, cpu: "_Cpu") -> Window:
    each = max(turns // parallel, 1)
    begun, cpu_begun = time.monotonic(), cpu.seconds()
    await asyncio.gather(*(take(world, f"account_{number}", each) for number in range(parallel)))
    world.now += STEP * (each + 1)
    return Window(each * parallel, time.monotonic() - begun, cpu.seconds() - cpu_begun)


async def _service(world: Sized, account: str, turns: int) -> None:
    ref, campaign = AccountRef(SERVICE, PLATFORM, account), world.campaigns[SERVICE]
    for number in range(turns):
        now = world.now + STEP * number
        key = TurnKey(f"{campaign}/{account}/{next(_numbers)}", campaign, ref, world.fences[account])
        turn = await world.turns.begin(key, Action.INVITE, now)
        assert isinstance(turn, Turn), turn
        assert await world.turns.mark_sent(turn.turn_id, key, [0], now)
        await world.turns.settle(turn.turn_id, ref, {0: _INVITED}, now)


async def _plain(world: Sized, account: str, turns: int) -> None:
    campaign, connection = world.campaigns[PLAIN], await world.connection(account)
    for number in range(turns):
        name = f"{campaign}/{account}/{next(_numbers)}"
        await _plain_sql.turn(connection, campaign, account, name, world.now + STEP * number)


class _Cpu:
    """CPU seconds of this process and of the server with all its processes, those that ended included."""

    def __init__(self, server: Postgres) -> None:
        assert server.child is not None
        self._postmaster = server.child.pid

    def seconds(self) -> float:
        server = sum(_times(self._postmaster)) + sum(sum(_times(each)[:2]) for each in self._backends())
        return time.process_time() + server / _TICKS

    def _backends(self) -> list[int]:
        children = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children").read_text()
        return [int(each) for each in children.split()]


def _times(pid: int) -> list[int]:
    """User, system, and the same of children that ended, in ticks."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return [0, 0]
    return [int(each) for each in fields[11:15]]


def _median(windows: Sequence[Window], number: Callable[[Window], float]) -> float:
    return statistics.median(number(window) for window in windows)


def _per_second(windows: Sequence[Window]) -> float:
    return _median(windows, lambda window: window.turns / window.seconds)


def _cpu_ms(windows: Sequence[Window]) -> float:
    return _median(windows, lambda window: 1000 * window.cpu / window.turns)


def _print(cells: Cells) -> None:
    rows = [("stage", "parallel", "recipients", "turns/s", "CPU ms each", "floor/s", "CPU ms each", "CPU: x floor")]
    for (stage, parallel, size), cell in cells.items():
        service, plain = _cpu_ms(cell.service), _cpu_ms(cell.plain)
        speed = (f"{_per_second(cell.service):.0f}", f"{service:.2f}", f"{_per_second(cell.plain):.0f}", f"{plain:.2f}")
        rows.append((stage, f"{parallel}", f"{size}", *speed, f"{service / plain:.1f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells_ = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells_[1:]]))


def _judge(cells: Cells, sizes: Sequence[int]) -> int:
    """Compare the largest campaign with the next one, window by window of the same round."""
    if len(sizes) < 2:
        return 0
    smaller, larger = sizes[-2:]
    kept = True
    print()
    for stage in dict.fromkeys(stage for stage, _, _ in cells):
        ratios = [
            large.cpu / small.cpu
            for (its_stage, parallel, size), cell in cells.items()
            if its_stage == stage and size == larger
            for large, small in zip(cell.service, cells[stage, parallel, smaller].service, strict=True)
        ]
        ratio = statistics.median(ratios)
        kept = kept and ratio <= BOUND
        spread = f"[{min(ratios):.2f} to {max(ratios):.2f}]"
        print(f"{stage}: a recipient of {larger} costs {ratio:.2f} {spread} of what one of {smaller} costs")
    print(f"bound: {BOUND}, {'kept' if kept else 'EXCEEDED'}")
    return 0 if kept else 1


def _numbers_of(text: str) -> list[int]:
    numbers = [int(each) for each in text.split(",")]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("numbers from 1 on, with commas between")
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
