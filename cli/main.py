"""The command `invite`: all its commands, and what holds for all of them."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import accounts, audiences, campaigns, login, plans, suppressions
from cli.api import Api, is_loopback
from cli.errors import NotSignedIn, Refused
from cli.session import screen, telling_errors

_STDIN = Path("-")

app = typer.Typer(
    name="invite",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a token is among them
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not signed in, 4 the API cannot be reached, 5 not found\n\n"
    "First: invite login --api https://invite.example.org\n\n"
    "Then: invite campaign create --help",
)
app.add_typer(campaigns.app, name="campaign")
app.add_typer(audiences.app, name="audience")
app.add_typer(accounts.app, name="accounts")
app.add_typer(suppressions.app, name="suppress")
app.command(epilog=plans.EXAMPLES)(plans.plan)


@app.callback()
def common(
    context: typer.Context,
    language: Annotated[
        Literal["en", "ru"] | None,
        typer.Option(envvar="INVITE_LANGUAGE", help="Of reasons and advice. Default: that of your environment."),
    ] = None,
) -> None:
    """Invite people and write to them from your own accounts: a client of Invite Service's API."""
    context.obj = language or spoken(os.environ)


@app.command(
    "login",
    epilog="Examples:\n\n"
    "invite login --api https://invite.example.org\n\n"
    "invite login --api https://invite.example.org --token-file - < token",
)
def sign_in(
    context: typer.Context,
    api: Annotated[str, typer.Option(envvar=login.API, prompt="Address of the API", help="The API's address.")],
    token_file: Annotated[
        Path | None, typer.Option(help="The token from a file; `-`: from standard input. Default: you are asked.")
    ] = None,
) -> None:
    """Sign in: the token is checked, and kept in a file that only you can read."""
    with telling_errors():
        asked = login.Login(api.rstrip("/"), _token(token_file))
        with Api(asked) as client:
            client.get("/invite", limit=1)
        login.keep(asked)
        said = screen(context)
        said.note(f"Signed in at {asked.api}. The token is in {login.path()}.")
        if asked.api.startswith("http://") and not is_loopback(asked.api):
            said.note("Mind: over http:// the token travels readable by everybody on the way.")


@app.command("logout")
def sign_out(context: typer.Context) -> None:
    """Forget the token."""
    with telling_errors():
        screen(context).note("Signed out." if login.forget() else "You were not signed in.")


def spoken(environment: Mapping[str, str]) -> str:
    """The language of an environment, if it is one of ours."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    first = next((environment[name] for name in names if environment.get(name)), "")
    return "ru" if first.lower().startswith("ru") else "en"


def main() -> None:
    """Run it."""
    app(prog_name="invite")


def _token(file: Path | None) -> str:
    if file is None:
        token = os.environ.get(login.TOKEN) or typer.prompt("Token", hide_input=True, err=True)
    elif file == _STDIN:
        token = sys.stdin.read()
    else:
        token = file.read_text(encoding="ascii", errors="replace")
    token = token.strip()
    if not token:
        raise NotSignedIn("The token is empty.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Refused("This is no token: it is one word of ASCII characters.")
    return token
