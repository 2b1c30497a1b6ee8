"""A file of the API's: written whole or not at all, or copied to standard output."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.session import Session

_PATIENCE = timedelta(minutes=15)
"""A report begins to come when all of it is written."""

Output = Annotated[
    Path | None, typer.Option("--output", "-o", dir_okay=False, help="A file. Default: standard output.")
]


def download(at: Session, path: str, query: Mapping[str, str], output: Path | None) -> None:
    """Have it in `output`, or on standard output where there is none."""
    if output is None:
        _copy(at, path, query, sys.stdout.buffer)
        return
    with whole_file(output) as file:
        size = _copy(at, path, query, file)
    at.screen.note(f"{output}: {size} bytes.")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all of it is written, and leaves nothing behind when that fails."""
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    try:
        with half.open("xb") as file:
            yield file
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _copy(at: Session, path: str, query: Mapping[str, str], file: BinaryIO) -> int:
    """Write the answer as it comes; its size in bytes. How long it is nobody knows before."""
    columns = (TextColumn("Download"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = at.screen.err.is_terminal
    size = 0
    with (
        at.api.stream(path, query=query, patience=_PATIENCE) as answer,
        Progress(*columns, console=at.screen.err, transient=True, disable=not shown) as progress,
    ):
        task = progress.add_task("download", total=None)
        for piece in answer.iter_bytes():
            size += file.write(piece)
            progress.update(task, completed=size)
    return size
