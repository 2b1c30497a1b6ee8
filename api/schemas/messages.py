"""Shapes of messages: what is written, how it looks, and a test of it."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.common import ONE_LINE, PLAIN, Body, Words
from domain.hints import Hint, sentence
from domain.message import Message

MOST_PREVIEWS = 50

AccountId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
PlatformName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), ONE_LINE]
ColumnName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
Value = Annotated[str, StringConstraints(max_length=1_000), PLAIN]

_TEXT = "{Hello|Hi}, {{first_name|friend}}! We meet on Friday."
_PREVIEW: dict[str, Any] = {
    "platform": "telegram",
    "audience_id": "0b5c4c1e-6f0a-4f2e-9d39-0d6a3b0f6d11",
    "message": {"texts": [_TEXT]},
    "count": 2,
}
_PREVIEWED: dict[str, Any] = {
    "budget": "message",
    "longest": 41,
    "allowed": 4096,
    "hints": [],
    "items": [
        {
            "position": 0,
            "line": 2,
            "recipient": "@anna",
            "text": "Hi, Anna! We meet on Friday.",
            "length": 28,
            "has_link": False,
        },
    ],
    "next": 0,
}
_TEST: dict[str, Any] = {
    "platform": "telegram",
    "account_id": "a1",
    "to": "@my_own_name",
    "message": {"texts": [_TEXT]},
    "fields": {"first_name": "Anna"},
}


class MessageIn(Body):
    """What people get: one of the texts, drawn for each of them, or a post that is forwarded."""

    texts: list[Annotated[str, StringConstraints(max_length=20_000), PLAIN]] = Field(
        [],
        max_length=50,
        description="templates: `{one|another}` alternatives, `{{column|fallback}}` from the audience's columns, in "
        "each other at will; a backslash makes `{`, `}`, `|` plain",
        examples=[[_TEXT]],
    )
    forward: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), ONE_LINE] | None = (
        Field(None, description="in place of texts: the link of a post to forward", examples=["https://t.me/news/123"])
    )


class MessageOut(BaseModel):
    """What people get: one of the texts, drawn for each of them, or a post that is forwarded."""

    texts: list[str]
    forward: str | None

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        """From the domain's."""
        return cls(texts=list(message.texts), forward=message.post or None)


class HintOut(BaseModel):
    """Something that the owner should know of the message. It stops nothing."""

    code: str = Field(examples=["no_variation"])
    text: Words

    @classmethod
    def of(cls, hint: Hint) -> "HintOut":
        """From the domain's."""
        return cls(code=hint.value, text=Words.of(sentence(hint)))


class PreviewIn(Body):
    """A message to be looked at as the people of an audience would get it."""

    model_config = ConfigDict(json_schema_extra={"example": _PREVIEW})

    platform: PlatformName
    audience_id: UUID
    message: MessageIn
    count: int = Field(10, ge=1, le=MOST_PREVIEWS, description="for so many people")
    after: int = Field(-1, ge=-1, description="`next` of the page before")


class RenderedOut(BaseModel):
    """What one person would get. `length` is in UTF-16 units, as messengers count. A post has no text."""

    position: int
    line: int
    recipient: str = Field(examples=["@anna"])
    text: str | None
    length: int
    has_link: bool


class PreviewOut(BaseModel):
    """How a message looks. Which alternatives each gets is drawn anew for a campaign; the rest is as it will be."""

    model_config = ConfigDict(json_schema_extra={"example": _PREVIEWED})

    budget: str = Field(description="from which daily limit every message is paid")
    longest: int = Field(description="no rendering, for anybody, is longer")
    allowed: int = Field(description="what the platform takes")
    hints: list[HintOut]
    items: list[RenderedOut]
    next: int | None


class TestIn(Body):
    """A message to be sent to an identifier of your own."""

    model_config = ConfigDict(json_schema_extra={"example": _TEST})

    platform: PlatformName
    account_id: AccountId = Field(description="which account sends it")
    to: ColumnName = Field(description="your own @name, phone or id")
    message: MessageIn
    fields: dict[ColumnName, Value] = Field({}, max_length=50, description="what the placeholders stand for")
    dry_run: bool = Field(False, description="every step, and nothing is sent")
