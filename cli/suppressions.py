"""`invite suppress`: people who are never contacted."""

from pathlib import Path
from typing import Annotated

import typer

from cli.api import Answer, Json, segment
from cli.flags import given
from cli.screen import Screen, moment
from cli.session import AsJson, Session, session

app = typer.Typer(no_args_is_help=True, help="People who are never contacted, in no campaign.")

_ERASED = "(erased)"

Identifiers = Annotated[list[str], typer.Argument(metavar="PERSON...", help="@name, phone or id.")]


@app.command(epilog="Examples:\n\ninvite suppress add @anna +79001234567\n\ninvite suppress add --file never.csv")
def add(
    context: typer.Context,
    person: Annotated[list[str] | None, typer.Argument(metavar="[PERSON]...", help="@name, phone or id.")] = None,
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A list of them.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for yourself; not with --file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have people left out from now on, of campaigns that run too."""
    if bool(person) == bool(file) or (file and reason):
        raise typer.BadParameter("Give people, with a --reason perhaps, or a --file of them.")
    with session(context, as_json=as_json) as at:
        at.screen.show(_added(at, person or [], file, reason), lambda told: _show_added(told, at.screen))


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


def _added(at: Session, people: list[str], file: Path | None, reason: str | None) -> Answer:
    if file is None:
        return at.api.post("/suppression", {"identifiers": people} | given(reason=reason))
    with file.open("rb") as content:
        return at.api.upload("/suppression/upload", file.name, content, {})


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
