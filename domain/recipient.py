"""Recipients: the people a campaign works through, and the one spelling of a name under which duplicates meet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.platform import Identifier

USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/(?:s/)?@?([^/?#\s]+)/?(?:[?#].*)?", re.IGNORECASE
)


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
    """The bare name in lower case from `name`, `@name` or a `t.me/name` link; None when it is none of these."""
    text = text.strip()
    link = _LINK.fullmatch(text)
    name = link.group(1) if link else text.removeprefix("@")
    return name.lower() if USERNAME.fullmatch(name) else None
