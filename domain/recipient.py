"""Recipients: the people a campaign works through, and the one spelling of a name under which duplicates meet."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.platform import Identifier

USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
_REST = r"/?(?:[?#].*)?"
_NAME_LINKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/(?:s/)?@?([^/?#\s]+){_REST}",
        r"tg:(?://)?resolve/?\?(?:[^#\s]*&)?domain=@?([^&#\s]+)(?:[&#].*)?",
        rf"(?:https?://)?([^./:@\s]+)\.t\.me{_REST}",
    )
)
_PHONE_LINKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/\+([0-9]{{7,15}}){_REST}",
        rf"(?:https?://)?(?:www\.)?wa\.me/\+?([0-9]{{7,15}}){_REST}",
        r"tg:(?://)?resolve/?\?(?:[^#\s]*&)?phone=(?:\+|%2B)?([0-9]{7,15})(?:[&#].*)?",
    )
)
_ID_LINK = re.compile(r"tg:(?://)?user/?\?id=([0-9]{1,19})(?:[&#].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """Who is contacted. At least one identifier is set; `fields` are the file's other columns."""

    position: int
    username: str | None = None
    phone: str | None = None
    user_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """Which identifiers are known."""
        known = {
            Identifier.USERNAME: self.username,
            Identifier.PHONE: self.phone,
            Identifier.USER_ID: self.user_id,
        }
        return frozenset(name for name, value in known.items() if value is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The identifiers as an address book has them: `username:…`, `phone:…`, `user_id:…`."""
        known = (
            (Identifier.USERNAME, self.username),
            (Identifier.PHONE, self.phone),
            (Identifier.USER_ID, self.user_id),
        )
        return tuple(f"{name.value}:{value}" for name, value in known if value is not None)


def username(text: str) -> str | None:
    """The bare name in lower case from `name`, `@name` or a link to a person; None when it is none of these.

    Links: `t.me/name`, `telegram.me/name?start=…`, `name.t.me`, `tg://resolve?domain=name`, with or without a scheme.
    """
    text = text.strip()
    name = _first(_NAME_LINKS, text) or text.removeprefix("@")
    return name.lower() if USERNAME.fullmatch(name) else None


def linked_phone(text: str) -> str | None:
    """The number, with its plus, that a link to a person names: `t.me/+79001234567`, `wa.me/79001234567`."""
    digits = _first(_PHONE_LINKS, text.strip())
    return None if digits is None else f"+{digits}"


def linked_id(text: str) -> str | None:
    """The id that a link to a person names: `tg://user?id=5`."""
    return _first((_ID_LINK,), text.strip())


def _first(patterns: Iterable[re.Pattern[str]], text: str) -> str | None:
    for pattern in patterns:
        if found := pattern.fullmatch(text):
            return found.group(1)
    return None
