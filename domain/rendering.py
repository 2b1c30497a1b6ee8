"""What a template becomes: for one person, at its longest, at its emptiest. No rendering is ever enumerated."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.recipient import Person
from domain.template import Choice, Node, Placeholder, Series, Text, aliases, column_name

JUNK = (
    r"\u0001-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f"
    r"\ufeff\ufff9-\ufffb"
)
"""Characters, as a class of a regular expression, that control a line or a direction, or are not seen."""
BLANK = JUNK + r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""A value of these alone is empty."""
_BLANKS = re.compile(f"[{BLANK}]+")

STANDARD = ("username", "phone", "user_id", "first_name", "last_name")
"""The columns that every audience has."""


@dataclass(frozen=True)
class Column:
    """What an audience has in one column.

    `longest`: no value has more UTF-16 units. `some_empty`: some people have nothing there. `varied`: not everybody
    has the same. `risky`: a value looks like a link, or could become a part of one.
    """

    longest: int
    some_empty: bool
    varied: bool = True
    risky: bool = False


NOTHING = Column(0, True, varied=False)


def length(text: str) -> int:
    """Length in UTF-16 code units, as messengers count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(value: str) -> str:
    """A file's value as it goes into a message: in one line, without what steers the line. Never longer than before.

    Nothing is taken out without a space in its place: two halves must not become a link.
    """
    return _BLANKS.sub(" ", value).strip(" ")


def values(person: Person) -> Mapping[str, str]:
    """What the placeholders of a message to this person stand for."""
    standard = {
        "username": person.username or "",
        "phone": person.phone or "",
        "user_id": "" if person.user_id is None else str(person.user_id),
        "first_name": person.first_name,
        "last_name": person.last_name,
    }
    found = {name: clean(value) for name, value in standard.items()}
    for name, value in person.fields.items():  # of two that differ in their case only, the first that is filled
        found[column_name(name)] = found.get(column_name(name)) or clean(value)
    aliased = {alias: found[column] for alias, column in aliases().items()}
    return aliased | {name: value for name, value in found.items() if value}


def render(node: Node, known: Mapping[str, str], number: int) -> str:
    """The rendering of this number: each alternative that is come to takes a digit of it, in a base of its own.

    Numbers that follow each other differ in the first alternatives that are come to.
    """
    parts: list[str] = []
    _render(node, known, number, parts)
    return "".join(parts)


def _render(node: Node, known: Mapping[str, str], number: int, parts: list[str]) -> int:
    match node:
        case Text(text):
            parts.append(text)
        case Series(nodes):
            for each in nodes:
                number = _render(each, known, number, parts)
        case Choice(options):
            number, digit = divmod(number, len(options))
            return _render(options[digit], known, number, parts)
        case Placeholder(column, fallback):
            if known.get(column):
                parts.append(known[column])
            elif fallback is not None:
                return _render(fallback, known, number, parts)
    return number


def longest(node: Node, columns: Mapping[str, Column]) -> int:
    """No rendering for people with such columns is longer, in UTF-16 units; for one person's values, it is one's."""
    match node:
        case Text(text):
            return length(text)
        case Series(nodes):
            return sum(longest(each, columns) for each in nodes)
        case Choice(options):
            return max(longest(each, columns) for each in options)
        case Placeholder(column, fallback):
            found = columns.get(column, NOTHING)
            fallen = longest(fallback, columns) if fallback is not None and found.some_empty else 0
            return max(found.longest, fallen)


def weights(node: Node) -> tuple[int, Counter[str]]:
    """What any person's longest rendering stays within: a constant, and so many times the length of each value."""
    match node:
        case Text(text):
            return length(text), Counter()
        case Series(nodes):
            found = [weights(each) for each in nodes]
            return sum(constant for constant, _ in found), sum((times for _, times in found), Counter())
        case Choice(options):
            found = [weights(each) for each in options]
            times: Counter[str] = Counter()
            for _, each in found:
                times |= each
            return max(constant for constant, _ in found), times
        case Placeholder(column, fallback):
            constant, times = weights(fallback) if fallback is not None else (0, Counter())
            return constant, times + Counter({column: 1})


def may_be_blank(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether nothing but blanks may be left for somebody."""
    match node:
        case Text(text):
            return not _BLANKS.sub("", text)
        case Series(nodes):
            return all(may_be_blank(each, columns) for each in nodes)
        case Choice(options):
            return any(may_be_blank(each, columns) for each in options)
        case Placeholder(column, fallback):
            empty = columns.get(column, NOTHING).some_empty
            return empty and (fallback is None or may_be_blank(fallback, columns))


def placeholders(node: Node) -> Iterator[Placeholder]:
    """All of them, in order."""
    match node:
        case Series(nodes) | Choice(nodes):
            for each in nodes:
                yield from placeholders(each)
        case Placeholder(_, fallback):
            yield node
            if fallback is not None:
                yield from placeholders(fallback)


def has_choice(node: Node) -> bool:
    """Whether anything is left to be drawn."""
    match node:
        case Choice(options):
            return len(set(options)) > 1 or any(has_choice(each) for each in options)
        case Series(nodes):
            return any(has_choice(each) for each in nodes)
        case Placeholder(_, fallback):
            return fallback is not None and has_choice(fallback)
    return False


def varies(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether people of this audience get different texts."""
    if has_choice(node):
        return True
    return any(columns.get(each.column, NOTHING).varied for each in placeholders(node))
