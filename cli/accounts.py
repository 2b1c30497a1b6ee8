"""`invite accounts`: who does the work, and what they may."""

import time
from datetime import timedelta
from typing import Annotated

import typer

from cli.api import Answer, Json, segment
from cli.errors import Unreachable
from cli.flags import given
from cli.screen import Screen, moment
from cli.session import AsJson, Session, session

app = typer.Typer(no_args_is_help=True, help="Your accounts: how they stand, and their rights.")

_CHECK_PATIENCE = timedelta(minutes=3)
_CHECK_EVERY = timedelta(seconds=1)

Platform = Annotated[str, typer.Option(help="Where they are.")]


@app.command("list")
def list_(context: typer.Context, platform: Platform = "telegram", as_json: AsJson = False) -> None:
    """Your accounts: how each stands, why it rests and until when."""
    with session(context, as_json=as_json) as at:
        at.screen.show(at.api.get("/accounts", platform=platform), lambda told: _show_list(told["items"], at.screen))


@app.command(epilog="Example:  invite accounts check @the_club")
def check(
    context: typer.Context,
    destination: Annotated[str, typer.Argument(help="Group or channel: @name or a link.")],
    account: Annotated[list[str] | None, typer.Option(help="Only this one; repeat it. Default: all.")] = None,
    platform: Platform = "telegram",
    as_json: AsJson = False,
) -> None:
    """Which accounts may add people to a group or channel."""
    body = {"platform": platform, "destination": destination} | given(account_ids=account)
    with session(context, as_json=as_json) as at:
        at.screen.show(_finished(at, body), lambda told: _show_rights(told["accounts"], at.screen))


@app.command()
def enable(context: typer.Context, account: str, as_json: AsJson = False) -> None:
    """End an account's block or rest early; a wait that the platform named goes on."""
    with session(context, as_json=as_json) as at:
        answer = at.api.post(f"/accounts/{segment(account)}/enable")
        at.screen.show(answer, lambda told: _show_list([told], at.screen))


def _finished(at: Session, body: Json) -> Answer:
    answer = at.api.post("/admin-check", body)
    ends = time.monotonic() + _CHECK_PATIENCE.total_seconds()
    while not answer.data["finished"]:
        if time.monotonic() > ends:
            raise Unreachable("The check does not finish. Try again a little later.")
        time.sleep(_CHECK_EVERY.total_seconds())
        answer = at.api.get(f"/admin-check/{answer.data['id']}")
    return answer


def _show_list(accounts: list[Json], screen: Screen) -> None:
    if not accounts:
        screen.note("There is no account yet: connect one in integration-service.")
        return
    rows = [
        (
            each["id"],
            each["label"],
            each["status"],
            each["state"],
            screen.words(each["why"]["text"]),
            moment(each["why"]["until"]),
        )
        for each in accounts
    ]
    screen.table(("Account", "Label", "Status", "State", "Why", "Until"), rows)


def _show_rights(accounts: list[Json], screen: Screen) -> None:
    if not accounts:
        screen.note("There is no account to look with. `invite accounts list` shows those you have.")
        return
    rows = [
        (
            each["account_id"],
            "yes" if each["can_invite"] else "no",
            screen.words(each["text"]),
            " ".join(screen.words(warning["text"]) for warning in each["warnings"]),
        )
        for each in accounts
    ]
    screen.table(("Account", "May invite", "Why not", "Mind"), rows)
