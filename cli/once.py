"""What must not be done twice: asked again until there is an answer, under one key."""

import time
from datetime import timedelta

from cli.api import Answer, Json
from cli.errors import Unreachable
from cli.session import Session

_TRIES = 3
_PAUSE = timedelta(seconds=1)
_LONGEST = timedelta(minutes=1)
"""Who is told to wait longer is told so, and decides."""


def made_once(at: Session, path: str, body: Json, key: str, again: str = "") -> Answer:
    """Make a campaign. `again`: what else a repetition must be told, beside the key.

    Raises `Unreachable` where it stays unknown whether it was made.
    """
    for _ in range(_TRIES):
        try:
            return at.api.post(path, body, key)
        except Unreachable as error:
            if error.again_in > _LONGEST:
                raise
            at.screen.note(str(error))
            time.sleep(max(_PAUSE, error.again_in).total_seconds())
    raise Unreachable(
        "Whether the campaign was made is not known. "
        f"Repeated with the same flags, but `--key {key}`{again}, it is made once."
    )
