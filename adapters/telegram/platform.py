"""Telegram as the core sees it: what it can do, how its groups and channels are named. No Telethon here."""

import re
from datetime import timedelta

from domain.errors import Invalid
from domain.platform import Action, Capabilities, Identifier
from domain.recipient import username

CAPABILITIES = Capabilities(
    actions=frozenset({Action.INVITE, Action.MESSAGE}),
    reaches=frozenset({Identifier.USERNAME}),
    message_length=4096,
    repeatable={
        # A second invite of a member does nothing.
        Action.INVITE: timedelta(days=365),
        # How long Telegram remembers a message's random_id is not known.
        Action.MESSAGE: timedelta(minutes=10),
    },
)

_PRIVATE = re.compile(
    r"""(?ix)
    (?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/(?:\+|joinchat\b|c/).*
    | tg://join\b.*
    """
)


def destination(text: str) -> str:
    """The bare name in lower case of what the owner typed. Raises `Invalid` if it names no public group."""
    text = text.strip()
    if _PRIVATE.fullmatch(text):
        raise Invalid("destination", "Private groups and channels come later: give a public @name.")
    name = username(text)
    if name is None:
        raise Invalid("destination", "Not a Telegram group or channel: give its @name or its t.me link.")
    return name
