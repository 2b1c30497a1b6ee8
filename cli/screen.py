"""What is printed: tables for people, the API's own JSON for programs; plain where there is no terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cli.api import Answer

SHORT_ID = 8
_UNLIMITED = 1_000
"""Columns: who reads a pipe wants whole values."""


class Screen:
    """`language`: en or ru, of sentences that the API gives in both. Answers go to `out`, all else to `err`."""

    def __init__(self, language: str, *, as_json: bool) -> None:
        self.language = language
        self.as_json = as_json
        self.out = Console(highlight=False)
        self.err = Console(stderr=True, highlight=False)
        for console in (self.out, self.err):
            if not console.is_terminal:
                console.width = _UNLIMITED

    def show(self, answer: Answer, paint: Callable[[Any], None]) -> None:
        """An answer: as it came, or painted for people."""
        if self.as_json:
            self.json(answer.text)
        else:
            paint(answer.data)

    def json(self, text: str) -> None:
        """A line for programs."""
        self.out.file.write(text.rstrip("\n") + "\n")
        self.out.file.flush()

    def say(self, text: str) -> None:
        """A sentence of the answer."""
        self.out.print(clean(text), soft_wrap=True)

    def note(self, text: str) -> None:
        """A sentence beside the answer."""
        self.err.print(clean(text), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], console: Console | None = None) -> None:
        """Rows under their headings."""
        console = console or self.out
        _print(table(columns, rows, plain=not console.is_terminal), console)

    def facts(self, facts: Mapping[str, Any], console: Console | None = None) -> None:
        """What is known of one thing, a line each; without what is empty."""
        grid = Table.grid(padding=(0, 2))
        for name, value in facts.items():
            if value not in (None, "", [], {}):
                grid.add_row(Text(name, style="dim"), clean(value))
        _print(grid, console or self.out)

    def words(self, words: Mapping[str, str]) -> str:
        """A sentence in the chosen language."""
        return words.get(self.language) or words.get("en", "")

    def id(self, value: str) -> str:
        """An id: its beginning is enough where people read, and accepted by every command."""
        return value[:SHORT_ID] if self.out.is_terminal else value


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, plain: bool) -> RenderableType:
    """A table to be shown; `plain`: without lines and colours, for pipes."""
    drawn = Table(box=None, pad_edge=False) if plain else Table(header_style="bold")
    for column in columns:
        drawn.add_column(column, no_wrap=plain)
    for row in rows:
        drawn.add_row(*(clean(cell) for cell in row))
    return drawn


def clean(value: Any) -> Text:
    """As text that cannot steer a terminal: files and names come from anywhere."""
    text = "" if value is None else str(value)
    return Text("".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text))


def _print(shown: RenderableType, console: Console) -> None:
    """Where it is no terminal, without the blanks that fill a table up."""
    if console.is_terminal:
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    console.file.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def moment(text: str | None) -> str:
    """A moment of the API's, on the clock of whoever reads."""
    return "" if text is None else f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
