"""`invite plan`: how fast it goes and when it ends."""

from typing import Annotated

import typer
from rich.console import Console

from cli import flags
from cli.api import Json
from cli.flags import given
from cli.screen import Screen, moment
from cli.session import AsJson, session

EXAMPLES = (
    "Examples:\n\n"
    "invite plan 5b1f0c52\n\n"
    "invite plan --recipients 300 --daily invite=20 --message-when-refused\n\n"
    "invite plan --audience 0b5c4c1e --hours 'mon-fri 09:00-18:00' --time-zone Europe/Berlin"
)
PLANNED = frozenset(
    (
        "platform",
        "action",
        "audience_id",
        "destination",
        "message",
        "message_when_refused",
        "add_contact_first",
        "account_ids",
        "dry_run",
        "priority",
        "pace",
        "limits",
        "schedule",
    )
)
"""The fields of a campaign that its plan depends on."""


def plan(
    context: typer.Context,
    campaign: Annotated[
        str | None, typer.Argument(metavar="[CAMPAIGN]", help="One that is made: its id, or the beginning of it.")
    ] = None,
    audience: Annotated[str | None, typer.Option(help="For these people.")] = None,
    recipients: Annotated[int | None, typer.Option(min=1, help="For so many people, known by username.")] = None,
    platform: flags.Platform = None,
    action: flags.Action = None,
    message_when_refused: flags.WhenRefused = None,
    add_contact_first: flags.ContactFirst = None,
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
    as_json: AsJson = False,
) -> None:
    """How fast a campaign goes and when it ends: one that is made, or one that is only thought of."""
    asked = given(
        recipients=recipients,
        platform=platform,
        action=action,
        message_when_refused=message_when_refused,
        add_contact_first=add_contact_first,
        account_ids=account,
        dry_run=dry_run,
        message=flags.message(text, text_file, forward),
        priority=priority,
        pace=pace,
        limits=flags.limits(daily, gap),
        schedule=flags.schedule(start_at, hours, time_zone),
    )
    if campaign is not None and (asked or audience):
        raise typer.BadParameter("A campaign that is made is planned as it is: give no other flags with it.")
    with session(context, as_json=as_json) as at:
        if campaign is not None:
            answer = at.api.get(f"{at.campaign(campaign)}/plan")
        else:
            people = given(audience_id=audience and at.id_of("audience", audience))
            answer = at.api.post("/plan", flags.DEFAULTS | asked | people)
        at.screen.show(answer, lambda told: show(told, at.screen, at.screen.out))


def show(told: Json, screen: Screen, console: Console) -> None:
    """A plan for people."""
    ends = told["end"]
    facts = {
        "people": told["recipients"],
        "actions": told["actions"],
        "speed": f"{told['per_minute']} a minute, {told['per_day']} a day",
        "end": "never, as it stands" if ends is None else moment(ends["planned"]),
        "between": ends and f"{moment(ends['earliest'])} and {moment(ends['latest'])}",
        "bound by": screen.words(told["bound_by"]["text"]),
        "with more accounts": "; ".join(
            f"{each['accounts']} more: {moment(each['end']) or 'no end'}" for each in told["with_more_accounts"]
        ),
        "mind": " ".join(screen.words(each["text"]) for each in told["notes"]),
    }
    screen.facts(facts, console)
    rows = [
        (
            each["label"] or each["id"],
            each["per_minute"],
            each["per_day"],
            each["why"] and screen.words(each["why"]["text"]),
        )
        for each in told["accounts"]
    ]
    screen.table(("Account", "A minute", "A day", "Waits because"), rows, console)
