"""What is nobody's answer: errors that Temporal retries, or that a caller must be told.

Error
├── Unavailable        the world: surely not done; Temporal retries, operators are told when it lasts
│   └── DatabaseAway   our own database: no account's fault, and nothing is sent before it is back
├── InDoubt            nobody knows whether it was done; looked up at the retry, never blindly repeated
├── LeaseLost          this process no longer holds the account; the run opens it again, anywhere
├── NotFound           the caller: no such thing for this owner (HTTP 404)
├── Forbidden          the caller: the state does not allow the command (HTTP 409)
├── TooMany            the caller: too often for now (HTTP 429)
├── Invalid            the caller: a value is not acceptable; names the field (HTTP 422)
└── LimitsError        operators: the limits file is wrong; names the field
"""

from datetime import timedelta


class Error(Exception):
    """Base of the service's own errors."""


class Unavailable(Error):
    """`what` did not answer, and what was asked of it surely was not done."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"{what} is not available{': ' + detail if detail else ''}")
        self.what = what


class DatabaseAway(Unavailable):
    """Our own database did not answer: nothing may be done, and nothing of it is anybody's fault."""

    def __init__(self, detail: str) -> None:
        super().__init__("the database", detail)


class InDoubt(Error):
    """A call may or may not have been carried out by the platform."""


class LeaseLost(Error):
    """The account's client does not (or no longer) live in this process."""


class NotFound(Error):
    """No such thing, or not this owner's: the two are not told apart."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no such {what}")
        self.what = what


class Forbidden(Error):
    """The present state does not allow the command."""


class TooMany(Error):
    """Asked too often. `again_in`: when it may be asked again."""

    def __init__(self, message: str, again_in: timedelta) -> None:
        super().__init__(message)
        self.again_in = again_in


class Invalid(Error):
    """A value that cannot be accepted. `field`: where it stands in the request."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class LimitsError(Error):
    """The limits file has a value that cannot be meant. `field`: where, as `section.key`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
