"""What can go wrong for whoever calls the command, each with its exit code (docs/cli.md).

    CliError
    ├── Refused       the API said no, or the file system did
    ├── NotSignedIn   no token, or one that is not accepted
    ├── Unreachable   nobody answers, or something that the API needs is away: worth another try
    │   └── TooOften  asked too often: worth another try a little later
    └── NotFound      there is no such campaign, audience, ...

Wrong usage is Typer's own, with exit code 2.
"""

from datetime import timedelta
from enum import IntEnum


class ExitCode(IntEnum):
    """How the command ended; programs read it."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    UNREACHABLE = 4
    NOT_FOUND = 5
    DONE_WITH_ERRORS = 6
    CANCELLED = 7
    FAILED = 8
    INTERRUPTED = 130


class CliError(Exception):
    """One sentence for people, and an exit code."""

    code = ExitCode.REFUSED


class Refused(CliError):
    """It was understood and not done."""


class NotSignedIn(CliError):
    """A token is needed."""

    code = ExitCode.NOT_SIGNED_IN


class Unreachable(CliError):
    """The answer did not come. It is not known whether the request did. `again_in`: so long the API wants to wait."""

    code = ExitCode.UNREACHABLE
    again_in = timedelta(0)


class TooOften(Unreachable):
    """The API answers so many requests a minute, and has not done this one."""

    def __init__(self, message: str, again_in: timedelta) -> None:
        super().__init__(message)
        self.again_in = again_in


class NotFound(CliError):
    """It is not there, or it is not yours."""

    code = ExitCode.NOT_FOUND
