"""What a platform can do. The core knows platforms by their name in the registry and by these values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

DRY_RUN = "dry_run"
"""Name of the adapter and of the limits' section that a campaign with `dry_run` uses instead of its platform's."""


class Action(StrEnum):
    """What a turn does to a recipient."""

    INVITE = "invite"
    MESSAGE = "message"
    ADD_CONTACT = "add_contact"


class Budget(StrEnum):
    """What a daily limit counts, per account and rolling 24 h."""

    INVITE = "invite"
    MESSAGE = "message"
    MESSAGE_WITH_LINK = "message_with_link"
    FORWARD = "forward"
    ADD_CONTACT = "add_contact"
    """Contacts added by hand, and by looking phones up: the platform counts both."""
    RESOLVE = "resolve"
    """Usernames looked up."""


class Identifier(StrEnum):
    """By what a recipient may be known."""

    USERNAME = "username"
    PHONE = "phone"
    USER_ID = "user_id"


@dataclass(frozen=True)
class Capabilities:
    """What an adapter offers.

    `reaches`: the identifiers by which an account can find a person; a recipient with none of them has no path.
    `repeatable`: for how long after the first call an action in doubt may be repeated by the same account without
    a second effect; an action that is missing must never be repeated.
    `message_length`: longest text in UTF-16 code units, as messengers count. `needs_variation`: the same text for
    everybody is refused, not only warned of (ACT-8).
    `connects`: an account's session is a connection of its own, of which a process can hold so many only.
    """

    actions: frozenset[Action]
    reaches: frozenset[Identifier]
    message_length: int
    repeatable: Mapping[Action, timedelta] = field(default_factory=dict)
    connects: bool = True
    needs_variation: bool = False
