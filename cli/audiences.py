"""`invite audience`: lists of people."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from cli import downloads
from cli.api import Answer, Json
from cli.flags import given
from cli.screen import Screen, moment
from cli.session import AsJson, AudienceId, Session, session

app = typer.Typer(no_args_is_help=True, help="Lists of people: upload, look at, delete.")

_DROPPED_SHOWN = 20

ListFile = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV, XLSX, JSON or JSON Lines.")
]
Name = Annotated[str | None, typer.Option(help="Default: the file's.")]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="FIELD=COLUMN", help="As username=Nick or phone=3; repeat it. Default: found out."
    ),
]
Encoding = Annotated[str | None, typer.Option(help="As windows-1251. Default: found out.")]
Delimiter = Annotated[str | None, typer.Option(help="`,` `;` tab or `|`. Default: found out.")]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first row names the columns. Default: found out."),
]
Sheet = Annotated[str | None, typer.Option(help="Of a workbook: its name or number. Default: the first.")]
Country = Annotated[str | None, typer.Option(help="Of phones without a country code, as RU.")]


@app.command(
    epilog="Examples:\n\n"
    "invite audience upload people.csv\n\n"
    "invite audience upload list.xlsx --sheet 2 --column phone=3 --default-country RU"
)
def upload(
    context: typer.Context,
    file: ListFile,
    name: Name = None,
    column: Mapping = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    sheet: Sheet = None,
    default_country: Country = None,
    as_json: AsJson = False,
) -> None:
    """Upload a list, and see what of it was not taken and why."""
    fields = form(name, column, encoding, delimiter, header, sheet, default_country)
    with session(context, as_json=as_json) as at:
        at.screen.show(sent(at, file, fields), lambda told: _show_uploaded(told, at.screen))


@app.command("import", epilog="Example:  invite audience import 0d6a3b0f --name Guests")
def import_(
    context: typer.Context,
    parsed_data: Annotated[str, typer.Argument(metavar="PARSED_DATA", help="Its id in parsing-service.")],
    name: Annotated[str | None, typer.Option(help="What you call it.")] = None,
    platform: Annotated[str | None, typer.Option(help="Default: telegram.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take over people from parsing-service; `audience show` tells how far it is."""
    body = {"parsed_data_id": parsed_data} | given(name=name, platform=platform)
    with session(context, as_json=as_json) as at:
        answer = at.api.post("/audiences/import", body)
        at.screen.show(answer, lambda told: at.screen.say(f"Being imported: invite audience show {told['id']}"))


@app.command(epilog="Example:  invite audience preview people.csv")
def preview(
    context: typer.Context,
    file: ListFile,
    column: Mapping = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    sheet: Sheet = None,
    default_country: Country = None,
    as_json: AsJson = False,
) -> None:
    """See what would become of a file: its columns, its first people, what would be dropped. Nothing is stored."""
    fields = form(None, column, encoding, delimiter, header, sheet, default_country)
    with session(context, as_json=as_json) as at:
        at.screen.show(sent(at, file, fields, preview="true"), lambda told: _show_preview(told, at.screen))


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many.")] = 50,
    before: Annotated[str | None, typer.Option(help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Your audiences, newest first."""
    with session(context, as_json=as_json) as at:
        at.screen.show(at.api.get("/audiences", limit=limit, before=before), lambda told: _show_list(told, at.screen))


@app.command()
def show(context: typer.Context, audience: AudienceId, as_json: AsJson = False) -> None:
    """One audience in numbers, and the first lines that were not taken."""
    with session(context, as_json=as_json) as at:
        path = at.audience(audience)
        answer = at.api.get(path)

        def paint(told: Json) -> None:
            show_numbers(told, at.screen)
            if told["dropped"]:
                _show_dropped(at.api.get(f"{path}/dropped", limit=_DROPPED_SHOWN).data["items"], at.screen)
                _tell_of_more(told, at.screen)

        at.screen.show(answer, paint)


@app.command(epilog="Example:  invite audience dropped 0b5c4c1e -o dropped.csv")
def dropped(context: typer.Context, audience: AudienceId, output: downloads.Output = None) -> None:
    """All lines that were not taken, with their reasons, as CSV that Excel opens."""
    with session(context) as at:
        downloads.download(at, f"{at.audience(audience)}/dropped", {"format": "csv"}, output)


@app.command()
def delete(context: typer.Context, audience: AudienceId, as_json: AsJson = False) -> None:
    """Forget an audience. Campaigns made of it go on: they have copies of their people."""
    with session(context, as_json=as_json) as at:
        answer = at.api.delete(at.audience(audience))
        at.screen.show(answer, lambda told: at.screen.say(f"Deleted. Campaigns made of it: {len(told['campaigns'])}."))


def form(
    name: str | None,
    columns: list[str] | None,
    encoding: str | None,
    delimiter: str | None,
    header: bool | None,
    sheet: str | None,
    default_country: str | None,
) -> dict[str, str]:
    """The form's fields beside the file. Raises `BadParameter`."""
    fields = {
        "name": name,
        "mapping": json.dumps(dict(_pair(each) for each in columns), ensure_ascii=False) if columns else None,
        "encoding": encoding,
        "delimiter": delimiter,
        "header": None if header is None else str(header).lower(),
        "sheet": sheet,
        "default_country": default_country,
    }
    return {field: value for field, value in fields.items() if value is not None}


def sent(at: Session, file: Path, fields: dict[str, str], path: str = "/audiences", **query: Any) -> Answer:
    """Send a file, with a bar on a terminal."""
    shown = at.screen.err.is_terminal
    with (
        Progress(console=at.screen.err, transient=True, disable=not shown) as progress,
        progress.open(file, "rb", description="Sending; then it is cleaned") as content,
    ):
        return at.api.upload(path, file.name, content, fields, **query)


def show_numbers(told: Json, screen: Screen, console: Console | None = None) -> None:
    """What was taken, and how much was not."""
    importing, error = told.get("state") == "importing", told.get("error")
    reasons = ", ".join(f"{reason} {n}" for reason, n in told["reasons"].items())
    facts = {
        "audience": told.get("id"),
        "name": told["name"],
        "state": told.get("state"),
        "progress": _progress(told["progress"]) if importing else None,
        "read": told["rows_read"],
        "people": told["stored"],
        "dropped": f"{told['dropped']} ({reasons})" if told["dropped"] else "0",
        "error": error and screen.words(error["text"]),
    }
    screen.facts(facts, console)


def _progress(progress: Json) -> str:
    return f"{progress['read']} of {progress['total']}" if progress["total"] else f"{progress['read']} so far"


def _pair(text: str) -> tuple[str, str]:
    field, _, column = text.partition("=")
    if not column:
        raise typer.BadParameter(f"{text!r} is not like username=Nick.", param_hint="--column")
    return field, column


def _show_uploaded(told: Json, screen: Screen) -> None:
    show_numbers(told, screen)
    _show_dropped(told["dropped_lines"][:_DROPPED_SHOWN], screen)
    _tell_of_more(told, screen)
    screen.note(f"Next: invite campaign create NAME --audience {screen.id(told['id'])} --destination @group")


def _tell_of_more(told: Json, screen: Screen) -> None:
    if told["dropped"] > _DROPPED_SHOWN:
        screen.note(f"{told['dropped']} lines in all: invite audience dropped {screen.id(told['id'])} -o dropped.csv")


def _show_preview(told: Json, screen: Screen) -> None:
    found = told["detected"]
    show_numbers(told, screen)
    header = {"header": "yes" if found["header"] else "no"}
    screen.facts({name: found[name] for name in ("format", "encoding", "delimiter")} | header | _sheets(found))
    screen.table(("Column", "Taken for"), [(name, kind or "kept") for name, kind in found["columns"].items()])
    people = told["rows"]
    columns = ("line", "username", "phone", "user_id", "first_name", "last_name")
    others = list(dict.fromkeys(field for each in people for field in each["fields"]))
    rows = [[*(each[name] for name in columns), *(each["fields"].get(name) for name in others)] for each in people]
    screen.table([*(name.replace("_", " ").capitalize() for name in columns), *others], rows)
    _show_dropped(told["dropped_lines"][:_DROPPED_SHOWN], screen)
    screen.note("Nothing is stored. `invite audience upload` takes the list.")


def _sheets(found: Json) -> Json:
    others = [name for name in found["sheets"] if name != found["sheet"]]
    return {"sheet": found["sheet"], "other sheets": ", ".join(others)}


def _show_dropped(lines: list[Json], screen: Screen) -> None:
    if lines:
        rows = [(each["line"], each["content"], screen.words(each["text"])) for each in lines]
        screen.table(("Line", "Not taken", "Why"), rows)


def _show_list(told: Json, screen: Screen) -> None:
    if not told["items"]:
        screen.note("There is no audience yet. `invite audience upload people.csv` makes one.")
        return
    rows = [
        (
            screen.id(each["id"]),
            each["name"],
            each["state"],
            each["stored"],
            each["dropped"],
            moment(each["created_at"]),
        )
        for each in told["items"]
    ]
    screen.table(("Id", "Name", "State", "People", "Dropped", "Made"), rows)
    if told["next"]:
        screen.note(f"More: --before {told['next']}")
