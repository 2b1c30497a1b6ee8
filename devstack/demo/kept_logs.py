"""Logs, scenario and journal of a run on a passing state, copied to where they stay."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from devstack.signals import Ended
from devstack.state import State

_FILES = ("scenario.json", "telegram.jsonl")


@contextmanager
def logs_kept(state: State, out: Console, prefix: str, *, always: bool) -> Iterator[None]:
    """Copy them to a folder of that prefix if the block fails, or always; print where."""
    try:
        yield
    except Ended:
        raise
    except BaseException:
        out.print(f"the logs are kept in {_copied(state, prefix)}", markup=False)
        raise
    if always:
        out.print(f"the logs are kept in {_copied(state, prefix)}", markup=False)


def _copied(state: State, prefix: str) -> Path:
    kept = Path(tempfile.mkdtemp(prefix=prefix))
    shutil.copytree(state.logs, kept / "logs")
    for name in _FILES:
        if (state.folder / name).exists():
            shutil.copy(state.folder / name, kept / name)
    postgres = state.postgres_home / "postgres.log"
    if postgres.exists():
        shutil.copy(postgres, kept / "logs" / postgres.name)
    return kept
