"""What an owner may ask of a campaign: rules over the request's own values, before anything is stored."""

import re
from collections.abc import Collection, Mapping

from domain.audience import AudienceState
from domain.errors import Invalid
from domain.hints import Hint
from domain.message import Message, budget
from domain.outcome import RETRYABLE, Reason
from domain.platform import Action, Budget, Capabilities
from domain.rendering import NOTHING, STANDARD, Column, may_be_blank, placeholders, varies
from domain.template import parse

_TAG = re.compile(
    r"</?[a-z][a-z0-9-]*(?:[\s/][^>]*)?>|<!--|<!doctype\b|</?(?:script|style|iframe|object|embed|svg|img)\b"
    r"|<[a-z][^\s/>]*[\s/][^>]*="  # perhaps never closed: the page that it would stand in closes it
    r"|<[!/]?(?:[a-z][^\s/<>{|}]*)?[{|}]",  # alternatives could put a tag together
    re.IGNORECASE,
)
_SHOWN = 20
"""So many of an audience's columns are named."""


def check(
    action: Action,
    destination: str,
    message: Message,
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
    if message.is_empty and (action is Action.MESSAGE or message_when_refused):
        raise Invalid("message.texts", "Give the text that is to be sent, or the post to forward.")
    check_message(message)


def check_message(message: Message) -> None:
    """Raises `Invalid` for a message that is not plain text, or whose templates cannot be read."""
    if message.texts and message.post:
        raise Invalid("message", "Give either texts or a post to forward, not both.")
    for index, text in enumerate(message.texts):
        field = f"message.texts.{index}"
        if not text.strip():
            raise Invalid(field, "The text is empty.")
        tag = _TAG.search(text)
        if tag is not None:
            raise Invalid(field, f"HTML is not allowed: there is a tag at character {tag.start() + 1}.")
        parse(text, field)


def check_columns(message: Message, columns: Mapping[str, Column], known: Collection[str]) -> None:
    """Raises `Invalid` for a placeholder of a column that the audience does not have, or a text that may be empty."""
    for index, text in enumerate(message.texts):
        field = f"message.texts.{index}"
        for each in placeholders(parse(text)):
            if each.column not in columns:
                names = ", ".join([*STANDARD, *(name[:50] for name in known)][:_SHOWN])
                place = f"The column at character {each.at} is not in this audience"
                raise Invalid(field, f"{place}: {each.column[:50]!r}. It has: {names}.")
        if may_be_blank(parse(text), columns):
            raise Invalid(field, "For some people nothing would be left of the text: give its columns a fallback.")


def check_variation(message: Message, columns: Mapping[str, Column], capabilities: Capabilities) -> None:
    """Raises `Invalid` where the platform wants no two people to get the same text (ACT-8)."""
    if capabilities.needs_variation and Hint.NO_VARIATION in hints(message, columns):
        raise Invalid("message.texts", "This platform refuses one text for everybody: write alternatives or several.")


def too_long(index: int, longest: int, allowed: int, who: str) -> Invalid:
    """A text that does not fit for somebody; `who` is '' where it does not for anybody."""
    where = f" For {who} it can become that long." if who else ""
    return Invalid(
        f"message.texts.{index}", f"It is up to {longest} characters long; the platform takes {allowed}.{where}"
    )


def hints(message: Message, columns: Mapping[str, Column]) -> list[Hint]:
    """What the owner should know of the message."""
    if message.is_empty:
        return []
    if message.post:
        return [Hint.FORWARD]
    found = []
    if not varies(message.node, columns):
        found.append(Hint.NO_VARIATION)
    bare = (each for each in placeholders(message.node) if each.fallback is None)
    if any(columns.get(each.column, NOTHING).some_empty for each in bare):
        found.append(Hint.NO_FALLBACK)
    if budget(message, columns) is Budget.MESSAGE_WITH_LINK:
        found.append(Hint.LINKS)
    return found


def check_accounts(known: Collection[str], chosen: Collection[str] | None) -> None:
    """Raises `Invalid` unless one of the chosen accounts (any, if none is chosen) is known to be the owner's."""
    if chosen is None and not known:
        raise Invalid("account_ids", "You have no account on this platform. Add one first.")
    if chosen is not None and not set(chosen) & set(known):
        raise Invalid("account_ids", "None of these accounts is yours on this platform.")


def retryable(reasons: Collection[str]) -> frozenset[Reason]:
    """The reasons for which people are to be tried again. Raises `Invalid` for one that cannot pass."""
    possible = {each.value for each in RETRYABLE}
    for index, reason in enumerate(reasons):
        if reason not in possible:
            raise Invalid(
                f"reasons.{index}", f"Nobody is tried again for that. Possible: {', '.join(sorted(possible))}."
            )
    return frozenset(Reason(each) for each in reasons)


def check_audience(people: int, state: AudienceState = AudienceState.READY) -> None:
    """Raises `Invalid` for an audience in which nobody is left, or that is not there yet."""
    if state is AudienceState.IMPORTING:
        raise Invalid(
            "audience_id", "This audience is still being imported: wait until its `state` is `ready` (GET /audiences)."
        )
    if state is AudienceState.FAILED:
        raise Invalid("audience_id", "The import of this audience has failed: its `error` says why. Import it again.")
    if people == 0:
        raise Invalid("audience_id", "Nobody is in this audience: look at its dropped lines.")
