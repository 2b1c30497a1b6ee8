"""Telegram as the core sees it: what it can do, how its groups, channels and posts are named. No Telethon here."""

import re
from datetime import timedelta

from domain.errors import Invalid
from domain.platform import Action, Capabilities, Identifier
from domain.recipient import username

CAPABILITIES = Capabilities(
    actions=frozenset({Action.INVITE, Action.MESSAGE, Action.ADD_CONTACT}),
    reaches=frozenset({Identifier.USERNAME, Identifier.PHONE, Identifier.USER_ID}),
    message_length=4096,
    repeatable={
        # A second invite of a member, and a second adding of a contact, do nothing.
        Action.INVITE: timedelta(days=365),
        Action.ADD_CONTACT: timedelta(days=365),
        # How long Telegram remembers a message's random_id is not known.
        Action.MESSAGE: timedelta(minutes=10),
    },
)

_SITE = r"(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/"
# Only the hash keeps its letters' case.
_INVITE = re.compile(rf"(?:(?i:{_SITE}(?:\+|joinchat/))|(?i:tg://join\?invite=)|\+)([A-Za-z0-9_-]+)/?(?:[?#&].*)?")
_INVITE_HASH = re.compile(r"(?=.*[A-Za-z_-])[A-Za-z0-9_-]{10,64}")
_INNER = re.compile(rf"(?i:(?:{_SITE})?c/)\d.*|(?i:tg://privatepost\b).*")
_POST = re.compile(rf"(?i:{_SITE})?(?:s/)?@?([A-Za-z]\w{{3,31}})(?:/\d+)?/(\d{{1,10}})/?(?:[?#].*)?", re.ASCII)
_BROKEN_INVITE = re.compile(rf"(?i:{_SITE}(?:\+|joinchat\b(?!_))|tg://join\b).*")


def destination(text: str) -> str:
    """The one spelling of what the owner typed: a bare name in lower case, or `+` and an invite link's hash.

    Raises `Invalid` if it names no group or channel.
    """
    text = text.strip()
    if _INNER.fullmatch(text):
        raise Invalid("destination", "A t.me/c/ link opens for members only: give the @name or an invite link.")
    invite = _INVITE.fullmatch(text)
    if invite and _INVITE_HASH.fullmatch(invite[1]):
        return f"+{invite[1]}"
    if _BROKEN_INVITE.fullmatch(text):
        raise Invalid("destination", "The invite link is not whole: it looks like https://t.me/+AbCdEf123456.")
    name = username(text)
    if name is None:
        raise Invalid("destination", "Not a Telegram group or channel: give its @name or its t.me link.")
    return name


def invite_hash(destination: str) -> str | None:
    """The hash of a destination that is spelled as an invite link; None for a name."""
    return destination[1:] if destination.startswith("+") else None


def post(text: str) -> str:
    """The one spelling of a post's link, `https://t.me/name/123`. Raises `Invalid` if it is none."""
    text = text.strip()
    if _INNER.fullmatch(text):
        raise Invalid("post", "Posts of private groups and channels cannot be forwarded: give one of a public @name.")
    found = _POST.fullmatch(text)
    if not found or not 0 < int(found[2]) < 2**31:
        raise Invalid("post", "Not a Telegram post: its link looks like https://t.me/name/123.")
    return f"https://t.me/{found[1].lower()}/{int(found[2])}"


def post_parts(link: str) -> tuple[str, int]:
    """The channel's name and the post's number. Raises `Invalid` if it is no post's link."""
    name, _, number = post(link).removeprefix("https://t.me/").partition("/")
    return name, int(number)
