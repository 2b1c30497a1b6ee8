"""What an owner may ask of a campaign: rules over the request's own values, before anything is stored."""

import re
from collections.abc import Collection, Sequence

from domain.errors import Invalid
from domain.message import length
from domain.platform import Action, Capabilities

_TAG = re.compile(
    r"</?[a-z][a-z0-9-]*(?:\s[^<>]*)?/?>|<!--|<!doctype\b|</?(?:script|style|iframe|object|embed|svg|img)\b",
    re.IGNORECASE,
)


def check(
    action: Action,
    destination: str,
    texts: Sequence[str],
    message_when_refused: bool,
    add_contact_first: bool,
    capabilities: Capabilities,
) -> None:
    """Raises `Invalid` for the first value that does not go with the others or with the platform."""
    if action not in capabilities.actions:
        raise Invalid("action", "The platform does not offer this action.")
    if add_contact_first and Action.ADD_CONTACT not in capabilities.actions:
        raise Invalid("add_contact_first", "The platform has no contacts to add people to.")
    if action is Action.INVITE and not destination:
        raise Invalid("destination", "An invite needs the group or channel to invite to.")
    if not texts and (action is Action.MESSAGE or message_when_refused):
        raise Invalid("message.texts", "Give the text that is to be sent.")
    for index, text in enumerate(texts):
        check_text(f"message.texts.{index}", text, capabilities.message_length)


def check_text(field: str, text: str, longest: int) -> None:
    """Raises `Invalid` for a text that the platform would refuse, or that is not plain."""
    if not text.strip():
        raise Invalid(field, "The text is empty.")
    if length(text) > longest:
        raise Invalid(field, f"It is {length(text)} characters long; the platform takes {longest}.")
    tag = _TAG.search(text)
    if tag is not None:
        raise Invalid(field, f"HTML is not allowed: there is a tag at character {tag.start() + 1}.")


def check_accounts(known: Collection[str], chosen: Collection[str] | None) -> None:
    """Raises `Invalid` unless one of the chosen accounts (any, if none is chosen) is known to be the owner's."""
    if chosen is None and not known:
        raise Invalid("account_ids", "You have no account on this platform. Add one first.")
    if chosen is not None and not set(chosen) & set(known):
        raise Invalid("account_ids", "None of these accounts is yours on this platform.")


def check_audience(people: int) -> None:
    """Raises `Invalid` for an audience in which nobody is left."""
    if people == 0:
        raise Invalid("audience_id", "Nobody is in this audience: look at its dropped lines.")
