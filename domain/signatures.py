"""Requests that carry a signature: ours to owners' servers, and those of services beside ours to us.

HMAC-SHA256 over the time stamp, a full stop and the body, byte for byte, under a secret that both know. So a recorded
request can be told by its age, and nobody gives it another age.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from domain.errors import Error

TIMESTAMP, SIGNATURE = "Invite-Timestamp", "Invite-Signature"
_DIGITS = 12
"""Of a time stamp, at most: whole seconds since 1970."""


class NotGenuine(Error):
    """A request that does not come from whom it should, or came before (HTTP 401)."""


def sign(secret: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a request with this body that is sent at that moment."""
    timestamp = str(int(at.timestamp()))
    return {TIMESTAMP: timestamp, SIGNATURE: _signature(secret, timestamp, body)}


def check(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime, window: timedelta) -> None:
    """Whether a request was signed with one of the secrets, not longer than `window` ago or ahead.

    Raises `NotGenuine`. Only those who know a secret are told what else is wrong.
    """
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "").encode()
    # All of them, however the first compares: the time that it takes tells nothing.
    right = [hmac.compare_digest(_signature(each, timestamp, body).encode(), given) for each in secrets]
    if not any(right):
        raise NotGenuine(f"The signature in {SIGNATURE} is not that of this body and {TIMESTAMP}.")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _DIGITS):
        raise NotGenuine(f"{TIMESTAMP} must be whole seconds since 1970.")
    if abs(now.timestamp() - int(timestamp)) > window.total_seconds():
        seconds = int(window.total_seconds())
        raise NotGenuine(f"{TIMESTAMP} is more than {seconds} s away from now: sign it anew, or set your clock.")


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
