r"""Links: what a messenger makes clickable. In doubt it is one: that limit is lower (ACT-9).

`has_link` looks at a text, `may_link` at all that a template can become, without enumerating it: what stands at the
end so far is carried along (the part behind the last space is enough), and whatever follows is looked at together
with it. A column's values are looked at by themselves (`RISKY`, in SQL); between their neighbours they count as
letters, of which links are made.
"""

import re
from collections.abc import Mapping

from domain.rendering import BLANK, NOTHING, Column
from domain.template import Choice, Node, Placeholder, Series, Text

_CYRILLIC = (
    "рф", "рус", "укр", "бел", "срб", "мкд", "мон", "бг", "ею", "қаз",
    "онлайн", "сайт", "орг", "ком", "дети", "москва", "католик",
)  # fmt: skip
_OTHER = r"[^\W\da-zA-Z_\u0400-\u04ff]"
"""A letter that is neither Latin nor Cyrillic."""
_TOP = rf"(?:[a-z]{{2,24}}|xn--[a-z0-9-]+|{'|'.join(_CYRILLIC)}|{_OTHER}{{2,24}})"
_DOMAIN = rf"[\w-]+(?:\.[\w-]+)*\.{_TOP}(?!\w)"
_LINK = re.compile(
    rf"""(?ix)
    [a-z0-9+.-]://\S                    # a scheme
    | (?:t|telegram)\.(?:me|dog)/       # a messenger's own short link
    | www\.\S
    | (?<![@\w.]){_DOMAIN}(?!@)
    | @{_DOMAIN}[/?\#:]\S               # no address for mail any more
    | (?<![\w.])[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?![\w.]*\w)
    """
)

_START = rf"(?:[a-z]{{2}}|{'|'.join(_CYRILLIC)}|{_OTHER}{{2}})"
_ACROSS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[a-z0-9+.-]://\S",
        r"w+\.\S",
        rf"[\w-]\.{_START}",
        r"\.[\w-]{2,63}[/?#:]\S",
        r"[0-9w]\.[0-9w]{1,6}\.[0-9w]",
        r"w[0-9]{1,3}\.[0-9]",
        r"\.[\w-]{1,63}w",
        r"(?:t|telegram)\.(?:me|dog)/",
    )
)
"""In every link one of these begins; a link across two parts of a template has one across them."""
_MARKS = re.compile(r"[.:]")
"""No link is without one of these."""

_BOTH = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in name) for name in _CYRILLIC)
RISKY = (
    rf"://|^[{BLANK}]*[.:/@?#]|[.:/@?#][{BLANK}]*$|\.[^\s0-9][{BLANK}]*$"
    rf"|\.([a-zA-Z]{{2}}|{_BOTH}|[^\u0001-\u007f\u0400-\u04ff]{{2}})"
    r"|[wW]\.[^\s]|(^|[^0-9])[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}([^0-9]|$)|@"
)
"""A value that has a link in it, or could have a part of one at its ends. Means the same in PostgreSQL."""
_RISKY = re.compile(RISKY)
PERHAPS_RISKY = rf"[:/@?#]|\.[^0-9]|\.$|^[{BLANK}]*\.|[wW]\.|[0-9]\.[0-9]{{1,3}}\.[0-9]{{1,3}}([^0-9]|$)"
"""What every risky value has, and hardly any other: looked for first, as PostgreSQL does so ten times as fast."""

_TAIL = 80
"""Characters in front of a part that can belong to a link with it."""
_JOINTS = 5_000
"""So many ends are looked at together with what follows; then it is in doubt."""
_VALUE = "www"
"""Stands for a value: letters, and whatever the patterns take for one."""


def has_link(text: str) -> bool:
    """Whether a messenger would make some part of the text clickable."""
    return _LINK.search(text) is not None


def is_risky(value: str) -> bool:
    """Whether a value has a link in it, or could have a part of one at its ends."""
    return _RISKY.search(value) is not None


def may_link(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether some rendering for somebody with such columns may have a link."""
    try:
        _Reading(columns).follow(node, frozenset({""}))
    except _Linked:
        return True
    return False


class _Linked(Exception):
    pass


class _Reading:
    """One walk through a template, in bounded time."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self._joints = _JOINTS

    def follow(self, node: Node, ends: frozenset[str]) -> frozenset[str]:
        """How the text may end behind `node` when it ended in one of `ends` before."""
        match node:
            case Text(text):
                if has_link(text) or (ends != {""} and has_link("x" + text)):
                    raise _Linked
                return self._joined(ends, text)
            case Series(nodes):
                for each in nodes:
                    ends = self.follow(each, ends)
                return ends
            case Choice(options):
                return frozenset().union(*(self.follow(each, ends) for each in options))
            case Placeholder(column, fallback):
                found = self._columns.get(column, NOTHING)
                return self._value(found, ends) | self._fallback(found, fallback, ends)

    def _value(self, column: Column, ends: frozenset[str]) -> frozenset[str]:
        if column.risky:
            raise _Linked
        return self._joined(ends, _VALUE) if column.longest else frozenset()

    def _fallback(self, column: Column, fallback: Node | None, ends: frozenset[str]) -> frozenset[str]:
        if not column.some_empty:
            return frozenset()
        return ends if fallback is None else self.follow(fallback, ends)

    def _joined(self, ends: frozenset[str], text: str) -> frozenset[str]:
        for end in ends:
            whole = end + text[:_TAIL]
            if not end or not _MARKS.search(whole):
                continue
            self._joints -= 1
            if self._joints < 0 or _is_across(whole, len(end)):
                raise _Linked
        return frozenset(_tail(end + text[-_TAIL:]) for end in ends)


def _is_across(text: str, joint: int) -> bool:
    """Whether a link, or what begins like one, lies across the place."""
    founds = (pattern.match(text, start) for pattern in _ACROSS for start in range(joint))
    return any(found.end() > joint for found in founds if found)


def _tail(text: str) -> str:
    last = text[-_TAIL:].split()
    return last[-1] if last and not text[-1:].isspace() else ""
