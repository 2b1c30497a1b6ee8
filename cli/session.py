"""What a command works with; and where its errors become a sentence and an exit code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from cli import login
from cli.api import Api, segment
from cli.errors import CliError, ExitCode, NotFound, Refused
from cli.screen import Screen

AsJson = Annotated[bool, typer.Option("--json", help="The API's own JSON on standard output, and nothing else.")]
CampaignId = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Its id, or the beginning of it.")]
AudienceId = Annotated[str, typer.Argument(metavar="AUDIENCE", help="Its id, or the beginning of it.")]

_WHOLE_ID = 36
_SHORTEST = 4
_LOOKED_THROUGH = 500


@dataclass(frozen=True)
class Session:
    """The API, and where its answers go."""

    api: Api
    screen: Screen

    def campaign(self, given: str) -> str:
        """The path of a campaign."""
        return f"/invite/{segment(self.id_of('campaign', given))}"

    def audience(self, given: str) -> str:
        """The path of an audience."""
        return f"/audiences/{segment(self.id_of('audience', given))}"

    def id_of(self, noun: str, given: str) -> str:
        """A whole id; its beginning is looked for among the newest. Raises `NotFound`, `Refused`."""
        if len(given) >= _WHOLE_ID:
            return given
        if len(given) < _SHORTEST:
            raise Refused(f"{given!r} is too short for an id: give at least {_SHORTEST} characters of it.")
        items = self.api.get(_LISTS[noun], limit=_LOOKED_THROUGH).data["items"]
        fitting = [each["id"] for each in items if each["id"].startswith(given.lower())]
        if not fitting:
            raise NotFound(f"No {noun} has an id that begins with {given!r}: `invite {noun} list` shows them.")
        if len(fitting) > 1:
            raise Refused(f"{len(fitting)} {noun}s have ids that begin with {given!r}: give more of it.")
        return str(fitting[0])


_LISTS = {"campaign": "/invite", "audience": "/audiences"}


@contextmanager
def session(context: typer.Context, *, as_json: bool = False) -> Iterator[Session]:
    """Work as whoever is signed in."""
    with telling_errors(), Api(login.current(os.environ)) as api:
        yield Session(api, screen(context, as_json=as_json))


def screen(context: typer.Context, *, as_json: bool = False) -> Screen:
    """A screen in the language that was chosen for all commands."""
    return Screen(context.obj, as_json=as_json)


@contextmanager
def telling_errors() -> Iterator[None]:
    """Say what went wrong in one line, and end with its code."""
    try:
        yield
    except CliError as error:
        Screen("en", as_json=False).note(str(error))
        raise typer.Exit(error.code) from None
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except OSError as error:
        Screen("en", as_json=False).note(f"{error.filename or 'A file'}: {error.strerror}.")
        raise typer.Exit(ExitCode.REFUSED) from None
