"""`invite campaign report`: to a file that is whole or not there, or to standard output."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.flags import given
from cli.session import CampaignId, Session, session

EXAMPLES = (
    "Examples:\n\ninvite campaign report 5b1f0c52 -o report.csv\n\ninvite campaign report 5b1f0c52 | jq .status.counts"
)

_PATIENCE = timedelta(minutes=15)
"""A report begins to come when all of it is written."""

Format = Literal["json", "csv", "xlsx"]


def report(
    context: typer.Context,
    campaign: CampaignId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="A file. Default: standard output.")
    ] = None,
    written: Annotated[
        Format | None, typer.Option("--format", help="Default: by the file's name; JSON on standard output.")
    ] = None,
    language: Annotated[
        Literal["en", "ru"] | None, typer.Option(help="Of headings and sentences in CSV and XLSX. Default: English.")
    ] = None,
) -> None:
    """What became of everybody."""
    query = given(format=written or _format(output), language=language)
    if query["format"] == "xlsx" and output is None and sys.stdout.isatty():
        raise typer.BadParameter("A workbook is not for a terminal: name a file with -o.")
    with session(context) as at:
        path = f"{at.campaign(campaign)}/report"
        if output is None:
            _copy(at, path, query, sys.stdout.buffer)
            return
        with whole_file(output) as file:
            size = _copy(at, path, query, file)
        at.screen.note(f"{output}: {size} bytes.")


def _format(output: Path | None) -> Format:
    match "" if output is None else output.suffix.lower():
        case "" | ".json":
            return "json"
        case ".csv":
            return "csv"
        case ".xlsx":
            return "xlsx"
        case other:
            raise typer.BadParameter(f"{other} says no format: name it with --format.", param_hint="--output")


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
    columns = (TextColumn("Report"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = at.screen.err.is_terminal
    size = 0
    with (
        at.api.stream(path, query=query, patience=_PATIENCE) as answer,
        Progress(*columns, console=at.screen.err, transient=True, disable=not shown) as progress,
    ):
        task = progress.add_task("report", total=None)
        for piece in answer.iter_bytes():
            size += file.write(piece)
            progress.update(task, completed=size)
    return size
