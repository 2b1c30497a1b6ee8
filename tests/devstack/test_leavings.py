"""Nothing stays behind: processes, shared memory and files after a stop, Ctrl-C, and a SIGKILL."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.errors import AlreadyRunning, DevstackError
from devstack.processes import Child, Command, until
from devstack.state import CHECKOUT, kept_state, temporary_state

PATIENCE = timedelta(seconds=20)

# Starts the servers, says where they are, and waits for a signal.
PROGRAM = """
import json, signal, sys
from devstack.external import External
from devstack.infrastructure import Infrastructure
from devstack.progress import Progress
from devstack.signals import end_on_signals
from devstack.state import temporary_state

end_on_signals()
with temporary_state() as state:
    servers = Infrastructure(state, External(), {}, temporal_ui=False)
    try:
        if sys.argv[1] == "early":
            print(json.dumps({"folder": str(state.folder), "pids": [], "segment": None}), flush=True)
        servers.start(Progress(quiet=True))
        segment = (servers.postgres.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
        pids = [server.pid for server in servers.servers]
        if sys.argv[1] == "late":
            print(json.dumps({"folder": str(state.folder), "pids": pids, "segment": segment}), flush=True)
        signal.pause()
    finally:
        servers.stop()
"""


@contextmanager
def running(when: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    argv = [sys.executable, "-c", PROGRAM, when]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            yield program, json.loads(program.stdout.readline())
        finally:
            program.kill()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processes_of(folder: str) -> list[str]:
    """Command lines that name the folder: nearly all of the devstack's do."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in line:
            found.append(line)
    return found


def segments() -> set[str]:
    return {row.split()[1] for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def gone(found: dict[str, Any]) -> bool:
    alive = any(map(runs, found["pids"])) or processes_of(found["folder"])
    return not alive and found["segment"] not in segments()


def test_after_ctrl_c() -> None:
    with running("late") as (program, found):
        assert all(map(runs, found["pids"]))
        program.send_signal(signal.SIGINT)
        assert program.wait(PATIENCE.total_seconds()) != 0
        assert gone(found)
        assert not Path(found["folder"]).exists()


def test_after_signals_while_starting() -> None:
    with running("early") as (program, found):
        assert until(lambda: bool(processes_of(found["folder"])), PATIENCE)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            program.send_signal(number)
        assert program.wait(PATIENCE.total_seconds()) != 0
        assert gone(found)
        assert not Path(found["folder"]).exists()


def test_after_a_sigkill() -> None:
    with running("late") as (program, found):
        program.kill()
        assert until(lambda: gone(found), PATIENCE)
        folder = Path(found["folder"])
        os.utime(folder, (0, 0))  # not one that is just being made
        with temporary_state():
            assert not folder.exists()


def test_a_stubborn_child_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    child = Child("stubborn", Command([sys.executable, "-c", code]), tmp_path / "log")
    assert until(lambda: "up" in child.said(), PATIENCE)
    child.stop(signal.SIGTERM, patience=timedelta(milliseconds=50))
    assert child.status() == -signal.SIGKILL


def test_a_frozen_child_stops_politely(tmp_path: Path) -> None:
    child = Child("frozen", Command([sys.executable, "-c", "import signal; signal.pause()"]), tmp_path / "log")
    child.suspend()
    child.stop(signal.SIGTERM)
    assert child.status() == -signal.SIGTERM


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    with kept_state(tmp_path) as state:
        shutil.rmtree(state.postgres_home)  # as root it is elsewhere


class TestKeptState:
    def test_keeps_until_fresh(self, checkout: Path) -> None:
        with kept_state(checkout) as state:
            (state.folder / "file").touch()
            (state.postgres_home / "file").touch()
        with kept_state(checkout) as state:
            assert (state.folder / "file").exists()
            assert (state.postgres_home / "file").exists()
        with kept_state(checkout, fresh=True) as state:
            assert not (state.folder / "file").exists()
            assert not (state.postgres_home / "file").exists()

    def test_one_part_is_not_kept_without_the_other(self, checkout: Path) -> None:
        with kept_state(checkout) as state:
            (state.folder / "file").touch()
            (state.postgres_home / "generation").unlink()
        with kept_state(checkout) as state:
            assert not (state.folder / "file").exists()

    def test_one_run_at_a_time(self, checkout: Path) -> None:
        with kept_state(checkout), pytest.raises(AlreadyRunning), kept_state(checkout):
            pass

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
    def test_another_users_state_is_left_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / ".devstack"
        folder.mkdir()
        os.chown(folder, 12345, 12345)
        with pytest.raises(DevstackError, match="another user"), kept_state(tmp_path):
            pass
