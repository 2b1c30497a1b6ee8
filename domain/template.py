r"""Message templates: text, alternatives `{a|b}`, and placeholders `{{column|fallback}}`, in each other at will.

A backslash takes the meaning from `{`, `}`, `|` and itself; outside braces `|` is text. Two braces that close together
are a placeholder, else they are alternatives within alternatives: `{{a|b}|c}`. A fallback is a template again, so one
column can stand in for another: `{{first_name|{{username|friend}}}}`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from domain.errors import Invalid

DEEPEST = 10
"""Braces within braces."""
_SPECIAL = r"\{}|"
_ALIASES = {
    "имя": "first_name",
    "фамилия": "last_name",
    "телефон": "phone",
    "ник": "username",
    "имя пользователя": "username",
    "id": "user_id",
}
"""Other names of the columns that every audience has. A file's own column of such a name comes first."""


@dataclass(frozen=True, slots=True)
class Text:
    """Itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The person's value in a column, or the fallback where that is empty. `at`: where it stands, from 1 on."""

    column: str
    fallback: "Node | None"
    at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    options: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Series:
    """One after another."""

    parts: "tuple[Node, ...]"


Node = Text | Placeholder | Choice | Series


def column_name(written: str) -> str:
    """The one spelling under which a placeholder and a file's header meet."""
    return " ".join(written.split()).casefold()


def standing_for(column: str) -> str | None:
    """Which of the columns that every audience has this one is another name for."""
    return _ALIASES.get(column)


def aliases() -> Mapping[str, str]:
    """The other names, with the columns that they stand for."""
    return _ALIASES


def escape(text: str) -> str:
    """A template that renders as `text`."""
    return re.sub(r"[\\{}|]", r"\\\g<0>", text)


@lru_cache(maxsize=1_000)
def parse(text: str, field: str = "") -> Node:
    """Read a template. Raises `Invalid` about `field` that names the first character that cannot be meant."""
    return _Parser(text, field).series(0, len(text))


class _Parser:
    def __init__(self, text: str, field: str) -> None:
        self._text = text
        self._field = field
        self._closes = self._pairs()

    def series(self, start: int, end: int) -> Node:
        parts: list[Node] = []
        literal: list[str] = []
        at = start
        while at < end:
            if self._text[at] == "{":
                parts += [Text("".join(literal))] if literal else []
                literal = []
                close = self._closes[at]
                parts.append(self._braces(at, close))
                at = close + 1
                continue
            escaped = self._is_escape(at)
            literal.append(self._text[at + escaped])
            at += 1 + escaped
        if literal or not parts:
            parts.append(Text("".join(literal)))
        return parts[0] if len(parts) == 1 else Series(tuple(parts))

    def _braces(self, at: int, close: int) -> Node:
        if self._text[at + 1] == "{" and self._closes[at + 1] == close - 1:
            return self._placeholder(at + 2, close - 1)
        options = tuple(self.series(*segment) for segment in self._segments(at + 1, close))
        if len(options) == 1:
            raise self._error(at, r"one option alone. Alternatives are {a|b}, a column is {{name}}, a brace is \{")
        return Choice(options)

    def _placeholder(self, start: int, end: int) -> Placeholder:
        (first, bar), *rest = self._segments(start, end)
        if len(rest) > 1:
            raise self._error(rest[0][1], r"a second fallback. Put one into the other: {{a|{{b|c}}}}")
        name = self.series(first, bar)
        if not isinstance(name, Text) or not name.text.strip():
            raise self._error(start, "no column's name. A placeholder is {{name}} or {{name|fallback}}")
        fallback = self.series(*rest[0]) if rest else None
        return Placeholder(column_name(name.text), fallback, start - 1)

    def _segments(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What stands between the bars of one level."""
        at = first = start
        while at < end:
            if self._text[at] == "|":
                yield first, at
                first = at + 1
            at = self._closes[at] + 1 if self._text[at] == "{" else at + 1 + self._is_escape(at)
        yield first, end

    def _pairs(self) -> dict[int, int]:
        opened: list[int] = []
        pairs: dict[int, int] = {}
        at = 0
        while at < len(self._text):
            if self._text[at] == "{":
                opened.append(at)
                if len(opened) > 2 * DEEPEST:
                    raise self._error(at, f"too deep. Braces may stand within braces {DEEPEST} times")
            elif self._text[at] == "}":
                if not opened:
                    raise self._error(at, r"a brace that closes nothing. A brace as text is \}")
                pairs[opened.pop()] = at
            at += 1 + self._is_escape(at)
        if opened:
            raise self._error(opened[-1], r"a brace that is never closed. A brace as text is \{")
        return pairs

    def _is_escape(self, at: int) -> bool:
        return self._text[at] == "\\" and self._text[at + 1 : at + 2] in tuple(_SPECIAL)

    def _error(self, at: int, what: str) -> Invalid:
        return Invalid(self._field, f"At character {at + 1} is {what}.")
