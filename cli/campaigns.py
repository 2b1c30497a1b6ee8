"""`invite campaign`: made, read, commanded, changed."""

from typing import Annotated, Any
from uuid import uuid4

import typer

from cli import creation, flags, report, watch
from cli.api import Json
from cli.flags import given
from cli.once import made_once
from cli.screen import Screen, moment
from cli.session import AsJson, CampaignId, session

app = typer.Typer(no_args_is_help=True, help="Campaigns: make, watch, command, change, report.")

ALL = "all"
_EDIT_EXAMPLES = (
    "Examples:\n\n"
    "invite campaign edit 5b1f0c52 --priority 1 --pace fast\n\n"
    "invite campaign edit 5b1f0c52 --hours 'mon-fri 09:00-18:00' --time-zone Europe/Berlin"
)

app.command(epilog=creation.EXAMPLES)(creation.create)
app.command(epilog=watch.EXAMPLES)(watch.watch)
app.command(epilog=report.EXAMPLES)(report.report)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many.")] = 50,
    before: Annotated[str | None, typer.Option(help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Your campaigns, newest first."""
    with session(context, as_json=as_json) as at:
        at.screen.show(at.api.get("/invite", limit=limit, before=before), lambda told: _show_list(told, at.screen))


@app.command()
def show(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """What was asked for, and how it stands."""
    with session(context, as_json=as_json) as at:
        at.screen.show(at.api.get(at.campaign(campaign)), lambda told: _show(told, at.screen))


@app.command()
def start(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """Start a draft, or have a campaign that failed go on where it stood."""
    _command(context, campaign, "start", as_json=as_json)


@app.command()
def pause(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """Pause at once: the actions in flight end, no further one begins."""
    _command(context, campaign, "pause", as_json=as_json)


@app.command()
def resume(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """Go on after a pause, or after the campaign held itself."""
    _command(context, campaign, "resume", as_json=as_json)


@app.command()
def cancel(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """End for good: who was not handled is marked cancelled."""
    _command(context, campaign, "cancel", as_json=as_json)


@app.command()
def finish(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """End a campaign that waits, as it stands: who was not handled has failed."""
    _command(context, campaign, "finish", as_json=as_json)


@app.command(epilog=_EDIT_EXAMPLES)
def edit(
    context: typer.Context,
    campaign: CampaignId,
    account: Annotated[
        list[str] | None, typer.Option(help="Accounts that may work from now on; repeat it. `all`: all of them.")
    ] = None,
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
    as_json: AsJson = False,
) -> None:
    """Change a campaign, while it runs too; what is not given stays."""
    changes = given(
        account_ids=ALL if account == [ALL] else account,
        message=flags.message(text, text_file, forward),
        priority=priority,
        pace=pace,
        limits=flags.limits(daily, gap),
        schedule=flags.schedule(start_at, hours, time_zone),
    )
    if not changes:
        raise typer.BadParameter("Say what is to be changed: `invite campaign edit --help` lists it.")
    with session(context, as_json=as_json) as at:
        path = at.campaign(campaign)
        answer = at.api.patch(path, _whole(changes, at.api.get(path).data))
        at.screen.show(answer, lambda told: _show(told, at.screen))


@app.command(epilog="Example:  invite campaign retry 5b1f0c52 --reason no_answer --reason flood_wait --draft")
def retry(
    context: typer.Context,
    campaign: CampaignId,
    reason: Annotated[list[str], typer.Option(help="Whom to try again, by the report's reason; repeat it.")],
    name: Annotated[str | None, typer.Option(help="What you call the new campaign.")] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Make it; do not start it.", rich_help_panel=flags.MAKING)
    ] = False,
    key: flags.Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a new campaign of those whom an ended one did not reach, for some reasons."""
    body = {"reasons": reason} | given(name=name, start=False if draft else None)
    with session(context, as_json=as_json) as at:
        answer = made_once(at, f"{at.campaign(campaign)}/retry", body, key or str(uuid4()))
        at.screen.show(answer, lambda told: _show(told, at.screen))


def _whole(changes: Json, campaign: Json) -> Json:
    """The API replaces limits and schedule each as a whole: what was not said of them is as it was."""
    return changes | {name: campaign[name] | changes[name] for name in ("limits", "schedule") if name in changes}


def _command(context: typer.Context, campaign: str, verb: str, *, as_json: bool) -> None:
    with session(context, as_json=as_json) as at:
        answer = at.api.post(f"{at.campaign(campaign)}/{verb}")
        at.screen.show(answer, lambda told: at.screen.say(f"{told['name']}: {told['state']}."))


def _show_list(told: Json, screen: Screen) -> None:
    if not told["items"]:
        screen.note("There is no campaign yet. `invite campaign create NAME --file people.csv -d @group` makes one.")
        return
    rows = [
        (
            screen.id(each["id"]),
            each["name"],
            each["state"],
            each["recipients"],
            screen.words(each["why"]["text"]),
            moment(each["created_at"]),
        )
        for each in told["items"]
    ]
    screen.table(("Id", "Name", "State", "People", "Why", "Made"), rows)
    if told["next"]:
        screen.note(f"More: --before {told['next']}")


def _show(told: Json, screen: Screen) -> None:
    facts: dict[str, Any] = {
        "campaign": told["id"],
        "name": told["name"],
        "state": told["state"],
        "why": screen.words(told["why"]["text"]),
        "until": moment(told["why"]["until"]),
        "ended by": screen.words(told["why"]["ended_by"]["text"]),
        "action": told["action"] + (" (dry run)" if told["dry_run"] else ""),
        "destination": told["destination"],
        "people": told["recipients"],
        "audience": told["audience_id"],
        "accounts": ", ".join(told["account_ids"]) if told["account_ids"] else "all",
        "text": "\n".join(told["message"]["texts"]) or told["message"]["forward"],
        "mind": " ".join(screen.words(each["text"]) for each in told["hints"]),
        "priority": told["priority"],
        "pace": told["pace"],
        "own limits": ", ".join(f"{action} {n} a day" for action, n in told["limits"]["daily"].items()),
        "own gap": told["limits"]["gap"],
        "hours": flags.shown_schedule(told["schedule"]),
        "not before": moment(told["schedule"]["start_at"]),
        "revision": told["revision"],
        "made": moment(told["created_at"]),
        "started": moment(told["started_at"]),
        "ended": moment(told["ended_at"]),
    }
    screen.facts(facts)
