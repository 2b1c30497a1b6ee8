"""What an owner's server is told of: which addresses may be called, what is sent, by which secret, and when again."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain.addresses import is_inside
from domain.campaign import State
from domain.errors import Invalid

MAX_URL = 2_000
PATIENCE = timedelta(days=3)
"""So long after an event its delivery is tried; then it is given up."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)


class EventKind(StrEnum):
    """What an event is about."""

    CAMPAIGN = "campaign.state"
    PING = "ping"


class Fault(StrEnum):
    """Why a delivery did not succeed."""

    REFUSED = "refused"
    """It answered with another status than 2xx."""
    NO_ANSWER = "no_answer"
    """Nobody answered in time, or not in HTTP, or not with a certificate that can be trusted."""
    NOT_ALLOWED = "not_allowed"
    """The address is not a public one."""


@dataclass(frozen=True)
class Event:
    """Something that happened. `numbers`: the campaign's at that moment. `no` grows with each event of a campaign."""

    no: int
    id: UUID
    kind: EventKind
    at: datetime
    campaign_id: UUID | None = None
    state: State | None = None
    why: str | None = None
    until: datetime | None = None
    numbers: Mapping[str, Any] | None = None


def body(event: Event) -> bytes:
    """What is sent: the same bytes at each try."""
    told: dict[str, object] = {"id": str(event.id), "event": event.kind.value, "at": event.at.isoformat()}
    if event.kind is EventKind.CAMPAIGN:
        told |= {
            "campaign_id": str(event.campaign_id),
            "state": event.state,
            "why": event.why,
            "until": None if event.until is None else event.until.isoformat(),
            "counts": event.numbers,
        }
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def secret(key: bytes, owner: str, seed: bytes) -> str:
    """The owner's secret: made of ours and of what is stored, and itself stored nowhere."""
    made = hmac.digest(key, b"webhook\n" + owner.encode() + b"\n" + seed, "sha256")
    return "whsec_" + base64.urlsafe_b64encode(made).decode().rstrip("=")


def next_try(event: Event, tries: int, now: datetime) -> datetime | None:
    """When to try again after so many tries, the waits doubling; None: it is given up, a ping at once."""
    if event.kind is EventKind.PING:
        return None
    wait = min(FIRST_WAIT * 2 ** min(tries - 1, 20), LONGEST_WAIT)
    return now + wait if now + wait <= event.at + PATIENCE else None


def check_url(url: str, inside: bool) -> None:
    """Whether an owner's server may be there. `inside`: in our own network as well, and without TLS.

    A name is only known by the addresses it stands for at the moment of each call. Raises `Invalid`.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Invalid("url", "This is not a URL.") from None
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("url", f"A URL has at most {MAX_URL} characters, all of them ASCII, and no blanks.")
    if parts.scheme != "https" and not (inside and parts.scheme == "http"):
        raise Invalid("url", "The URL must begin with https://.")
    if not host:
        raise Invalid("url", "The URL names no host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid("url", "The URL must hold no user, no password and no #fragment.")
    if not inside and (host == "localhost" or is_inside(host)):
        raise Invalid("url", "The host must be a public one.")
