"""Who must not be contacted: matched by digests, so that an erased person is recognised and not named."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.platform import Identifier


class Source(StrEnum):
    """How somebody came onto the list."""

    API = "api"
    UPLOAD = "upload"
    OPT_OUT = "opt_out"
    ERASED = "erased"


FOR_GOOD = frozenset({Source.OPT_OUT, Source.ERASED})
"""It was not the owner who put them onto it, or it was to be for ever: nobody takes them off."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One identifier on the list; None: its person was erased."""

    digest: bytes
    identifier: str | None
    source: Source
    reason: str
    added_at: datetime


def digest(owner: str, name: str) -> bytes:
    """By what an identifier such as `username:anna` is matched, for this owner alone. SQL's `digest_of` is the same."""
    return hashlib.sha256(f"{owner}\n{name}".encode()).digest()


def short(owner: str, name: str) -> str:
    """By what an identifier is named where it must not be read: in logs and in the audit trail."""
    return digest(owner, name).hex()[:16]


def written(name: str) -> str:
    """An identifier as owners write it: `@anna`, `+79001234567`, `123`."""
    kind, _, value = name.partition(":")
    return f"@{value}" if kind == Identifier.USERNAME else value
