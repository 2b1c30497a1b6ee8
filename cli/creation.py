"""`invite campaign create`: from flags, or a file and flags; planned, asked, made once."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.prompt import Confirm

from cli import audiences, flags, plans
from cli.api import Json
from cli.errors import Refused, Unreachable
from cli.flags import given
from cli.once import made_once
from cli.screen import clean
from cli.session import AsJson, Session, session

_PEOPLE = "Who"
EXAMPLES = (
    "Examples:\n\n"
    "invite campaign create Spring --file people.csv -d @the_club -t 'Come and see us!' --message-when-refused\n\n"
    "invite campaign create Spring --audience 0b5c4c1e -d @the_club --daily invite=20 --hours 'mon-fri 09:00-18:00'\n\n"
    "invite campaign create --from spring.toml --draft --yes"
)


def create(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="What you call it.")] = None,
    audience: Annotated[
        str | None, typer.Option("--audience", "-a", help="An audience's id.", rich_help_panel=_PEOPLE)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            exists=True,
            dir_okay=False,
            help="Upload this list; `audience upload` has more flags.",
            rich_help_panel=_PEOPLE,
        ),
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", "-r", help="@name or phone; repeat it.", rich_help_panel=_PEOPLE),
    ] = None,
    exclude_reached_by: Annotated[
        list[str] | None,
        typer.Option(help="Without those whom that campaign reached; repeat it.", rich_help_panel=_PEOPLE),
    ] = None,
    skip_refused: Annotated[
        bool | None,
        typer.Option(
            "--skip-refused",
            help="Without those who have refused for good before.",
            rich_help_panel=_PEOPLE,
        ),
    ] = None,
    platform: flags.Platform = None,
    action: flags.Action = None,
    destination: flags.Destination = None,
    message_when_refused: flags.WhenRefused = None,
    add_contact_first: flags.ContactFirst = None,
    join_destination: Annotated[
        bool | None,
        typer.Option(
            "--join-destination",
            help="Accounts may join a private group to invite there.",
            rich_help_panel=flags.WHAT,
        ),
    ] = None,
    account: flags.Accounts = None,
    dry_run: flags.DryRun = None,
    text: flags.Texts = None,
    text_file: flags.TextFiles = None,
    forward: flags.Forward = None,
    priority: flags.Priority = None,
    pace: flags.Pace = None,
    daily: flags.Daily = None,
    gap: flags.Gap = None,
    start_at: flags.StartAt = None,
    hours: flags.Hours = None,
    time_zone: flags.TimeZone = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            exists=True,
            dir_okay=False,
            help="The fields of POST /invite as JSON or TOML; flags win over it.",
            rich_help_panel=flags.MAKING,
        ),
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Make it; do not start it.", rich_help_panel=flags.MAKING)
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not plan and ask before.", rich_help_panel=flags.MAKING)
    ] = False,
    key: flags.Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a campaign: upload the list if need be, see the plan, agree, and it starts."""
    asked = _from_file(source) | given(
        name=name,
        platform=platform,
        action=action,
        destination=destination,
        recipients=recipient,
        skip_refused=skip_refused,
        message_when_refused=message_when_refused,
        add_contact_first=add_contact_first,
        join_destination=join_destination,
        account_ids=account,
        dry_run=dry_run,
        message=flags.message(text, text_file, forward),
        priority=priority,
        pace=pace,
        limits=flags.limits(daily, gap),
        schedule=flags.schedule(start_at, hours, time_zone),
        start=False if draft else None,
    )
    people = [each for each in (audience, file, asked.get("recipients"), asked.get("audience_id")) if each]
    if "name" not in asked or len(people) != 1:
        raise typer.BadParameter("Give a name, and people: --file, --audience or --recipient, one of the three.")
    with session(context, as_json=as_json) as at:
        excluded = [at.id_of("campaign", each) for each in exclude_reached_by or ()]
        named = at.id_of("audience", audience) if audience else _uploaded(at, file)
        body = flags.DEFAULTS | asked | given(audience_id=named, exclude_reached_by=excluded)
        if not yes:
            _agreed(at, body)
        people_again = f" and `--audience {named}`" if named else ""
        answer = made_once(at, "/invite", body, key or str(uuid4()), people_again)
        at.screen.show(answer, lambda told: _show_made(at, told))


def _from_file(source: Path | None) -> Json:
    if source is None:
        return {}
    try:
        text = source.read_text(encoding="utf-8")
        fields = _toml(text) if source.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        kind = "TOML" if source.suffix == ".toml" else "JSON"
        raise typer.BadParameter(f"{source} is not valid {kind}: {error}", param_hint="--from") from None
    if not isinstance(fields, dict):
        raise typer.BadParameter(f"{source} holds no object of fields.", param_hint="--from")
    return fields


def _toml(text: str) -> Any:
    """As JSON would have it: TOML's moments are strings."""
    return json.loads(json.dumps(tomllib.loads(text), default=lambda moment: moment.isoformat()))


def _uploaded(at: Session, file: Path | None) -> str | None:
    if file is None:
        return None
    told = audiences.sent(at, file, {}).data
    audiences.show_numbers(told, at.screen, at.screen.err)
    return str(told["id"])


def _agreed(at: Session, body: Json) -> None:
    asked = {name: value for name, value in body.items() if name in plans.PLANNED}
    if "recipients" in body:
        asked["recipients"] = len(body["recipients"])
    try:
        plans.show(at.api.post("/plan", asked).data, at.screen, at.screen.err)
    except Unreachable as error:
        at.screen.note(f"No plan can be made: {error}")
    try:
        agreed = Confirm.ask(clean(f"Make the campaign {body['name']!r}?"), console=at.screen.err)
    except EOFError:
        agreed = False
    if not agreed:
        kept = f" The list is kept: `--audience {body['audience_id']}` takes it again." if "audience_id" in body else ""
        raise Refused(f"Nothing was made (--yes agrees beforehand).{kept}")


def _show_made(at: Session, told: Json) -> None:
    screen = at.screen
    facts = {
        "campaign": told["id"],
        "name": told["name"],
        "state": told["state"],
        "why": screen.words(told["why"]["text"]),
        "people": told["recipients"],
        "mind": " ".join(screen.words(each["text"]) for each in told["hints"]),
    }
    screen.facts(facts)
    verb = "start" if told["state"] == "draft" else "watch"
    screen.note(f"Next: invite campaign {verb} {screen.id(told['id'])}")
