"""`invite campaign report`: what became of everybody, as a file."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import downloads
from cli.flags import given
from cli.session import CampaignId, session

EXAMPLES = (
    "Examples:\n\ninvite campaign report 5b1f0c52 -o report.csv\n\ninvite campaign report 5b1f0c52 | jq .status.counts"
)

Format = Literal["json", "csv", "xlsx"]


def report(
    context: typer.Context,
    campaign: CampaignId,
    output: downloads.Output = None,
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
        downloads.download(at, f"{at.campaign(campaign)}/report", query, output)


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
