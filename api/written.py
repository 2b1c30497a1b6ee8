"""A message as it is asked for, checked against the platform and the people who will get it."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.registry import Platform
from api.dependencies import Services
from api.schemas.messages import MessageIn
from domain.audience import Contact
from domain.errors import Invalid
from domain.hints import Hint
from domain.message import Message, budget, columns_of
from domain.platform import Budget
from domain.recipient import Person
from domain.rendering import Column, longest, placeholders
from domain.request import check_columns, check_message, check_variation, hints, too_long
from domain.template import parse
from storage.messages import Crowd


@dataclass(frozen=True)
class Checked:
    """A message that may be sent. `longest`: no rendering has more UTF-16 units."""

    message: Message
    budget: Budget
    hints: list[Hint]
    longest: int
    columns: Mapping[str, Column]


def asked_for(body: MessageIn, chosen: Platform) -> Message:
    """What the owner has written, in the one spelling. Raises `Invalid`."""
    if body.forward is None:
        return Message(tuple(body.texts))
    if chosen.post is None:
        raise Invalid("message.forward", "Nothing can be forwarded on this platform.")
    try:
        return Message(tuple(body.texts), chosen.post(body.forward))
    except Invalid as error:
        raise Invalid("message.forward", str(error)) from None


async def checked(found: Services, owner: str, crowd: Crowd, message: Message, chosen: Platform) -> Checked:
    """The message, every rendering of which may be sent to these people. Raises `Invalid`."""
    check_message(message)
    used = {each.column for text in message.texts for each in placeholders(parse(text))}
    names = await found.messages.names(owner, crowd) if used else []
    columns = await found.messages.columns(owner, crowd, used, names)
    check_columns(message, columns, names)
    check_variation(message, columns, chosen.capabilities)
    allowed = chosen.capabilities.message_length
    for index, text in enumerate(message.texts):
        found_longer = await found.messages.too_long(owner, crowd, parse(text), columns, names, allowed)
        if found_longer is not None:
            listed = found_longer.listed if used else None
            whom = f"{who(listed.person)} (line {listed.line})" if listed else ""
            raise too_long(index, found_longer.length, allowed, whom)
    return _checked(message, columns, allowed)


def checked_for_one(message: Message, contact: Contact, chosen: Platform) -> Checked:
    """The message for one person, whose fields are all the columns there are. Raises `Invalid`."""
    person = Person(
        0, contact.username, contact.phone, contact.user_id, contact.first_name, contact.last_name, contact.fields
    )
    columns = {each.column: Column(0, True) for text in message.texts for each in placeholders(parse(text))}
    columns |= columns_of(person)
    check_columns(message, columns, ())
    allowed = chosen.capabilities.message_length
    for index, text in enumerate(message.texts):
        if longest(parse(text), columns) > allowed:
            raise too_long(index, longest(parse(text), columns), allowed, "")
    return _checked(message, columns, allowed)


def _checked(message: Message, columns: Mapping[str, Column], allowed: int) -> Checked:
    lengths = [min(allowed, longest(parse(text), columns)) for text in message.texts]
    return Checked(message, budget(message, columns), hints(message, columns), max(lengths, default=0), columns)


def who(person: Person) -> str:
    """Somebody as their owner knows them."""
    return f"@{person.username}" if person.username else person.phone or f"id {person.user_id}"
