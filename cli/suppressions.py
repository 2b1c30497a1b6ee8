"""`invite suppress`: people who are never contacted."""

from pathlib import Path
from typing import Annotated

import typer

from cli import audiences
from cli.api import Json, segment
from cli.flags import given
from cli.screen import Screen, moment
from cli.session import AsJson, session

app = typer.Typer(no_args_is_help=True, help="People who are never contacted, in no campaign.")

_ERASED = "(erased)"

Identifiers = Annotated[list[str], typer.Argument(metavar="PERSON...", help="@name, phone or id.")]


@app.command(epilog="Examples:\n\ninvite suppress add @anna +79001234567\n\ninvite suppress add --file never.csv")
def add(
    context: typer.Context,
    person: Annotated[list[str] | None, typer.Argument(metavar="[PERSON]...", help="@name, phone or id.")] = None,
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A list of them.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for yourself; not with --file.")] = None,
    column: audiences.Mapping = None,
    encoding: audiences.Encoding = None,
    delimiter: audiences.Delimiter = None,
    header: audiences.Header = None,
    sheet: audiences.Sheet = None,
    default_country: audiences.Country = None,
    as_json: AsJson = False,
) -> None:
    """Have people left out from now on, of campaigns that run too. A file is read as `audience upload` reads it."""
    fields = audiences.form(None, column, encoding, delimiter, header, sheet, default_country)
    if bool(person) == bool(file) or (file and reason) or (fields and not file):
        raise typer.BadParameter("Give people, with a --reason perhaps, or a --file of them and how it is to be read.")
    with session(context, as_json=as_json) as at:
        if file is None:
            answer = at.api.post("/suppression", {"identifiers": person} | given(reason=reason))
        else:
            answer = audiences.sent(at, file, fields, "/suppression/upload")
        at.screen.show(answer, lambda told: _show_added(told, at.screen))


@app.command(epilog="Example:  invite suppress remove @anna")
def remove(context: typer.Context, person: Identifiers) -> None:
    """Let people be contacted again, by campaigns that are made from now on."""
    with session(context) as at:
        for each in person:
            at.api.delete(f"/suppression/{segment(each)}")
            at.screen.note(f"{each} may be contacted again.")


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many.")] = 50,
    after: Annotated[str | None, typer.Option(help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who is left out, and why."""
    with session(context, as_json=as_json) as at:
        answer = at.api.get("/suppression", limit=limit, after=after)
        at.screen.show(answer, lambda told: _show_list(told, at.screen))


def _show_added(told: Json, screen: Screen) -> None:
    screen.say(f"Added {told['added']}, known already {told['known']}, not taken {told['dropped_count']}.")
    if told["dropped"]:
        rows = [(each["content"], screen.words(each["text"])) for each in told["dropped"]]
        screen.table(("Not taken", "Why"), rows)


def _show_list(told: Json, screen: Screen) -> None:
    if not told["items"]:
        screen.note("Nobody is left out. `invite suppress add @name` does that.")
        return
    rows = [
        (each["identifier"] or _ERASED, each["source"], each["reason"], moment(each["added_at"]))
        for each in told["items"]
    ]
    screen.table(("Person", "Source", "Reason", "Since"), rows)
    if told["next"]:
        screen.note(f"More: --after {told['next']}")
