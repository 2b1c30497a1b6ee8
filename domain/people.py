"""Who is who in a list: a person given twice, under one identifier or under several, is one recipient (IMP-4).

A list of a million lines has two million identifiers, so they are kept as numbers in flat arrays: 24 bytes each.
"""

from array import array
from collections.abc import Sequence

from domain.audience import Contact

_FEWEST_SLOTS = 1 << 12
_GROWTH = 4
"""Each growth goes over all slots once: by leaps it happens seldom."""
_FULL = 0.6
"""More of the slots in use, and finding a free one takes long."""


class Places:
    """For each key the line that it was first seen in. Open addressing; a slot whose line is 0 is free."""

    def __init__(self) -> None:
        self._make(_FEWEST_SLOTS)

    def setdefault(self, key: int, line: int) -> int:
        """The key's line, which is this one if it had none."""
        lines, at = self._lines, key & self._mask
        while found := lines[at]:
            if self._keys[at] == key:
                return found
            at = (at + 1) & self._mask
        self._keys[at], lines[at] = key, line
        self._free -= 1
        if not self._free:
            self._grow()
        return line

    def replace(self, key: int, line: int) -> None:
        """Give another line to a key that has one."""
        at = key & self._mask
        while self._keys[at] != key or not self._lines[at]:
            at = (at + 1) & self._mask
        self._lines[at] = line

    def _make(self, slots: int) -> None:
        self._keys, self._lines = array("q", bytes(8 * slots)), array("i", bytes(4 * slots))
        self._mask, self._free = slots - 1, int(slots * _FULL)

    def _grow(self) -> None:
        keys, lines = self._keys, self._lines
        self._make(len(keys) * _GROWTH)
        for key, line in zip(keys, lines, strict=True):
            if line:
                self.setdefault(key, line)


class People:
    """The people of one list, line by line.

    `joined`: lines that named a person of their own until a later line showed that it is that of an earlier line;
    each with an earlier one, which may have been joined itself.
    """

    def __init__(self) -> None:
        self._places = Places()
        self.joined: dict[int, int] = {}

    def place(self, line: int, contact: Contact) -> int:
        """The line that names this person first: an earlier one, or `line` itself. Lines come in order, from 1."""
        keys = _keys(contact)
        first = 0
        for key in keys:
            found = self._places.setdefault(key, line)
            if found != line:
                first = self._join(first, found) if first else self.first(found)
        if not first:
            return line
        for key in keys:  # those that only this line has: they are the other line's person
            self._places.replace(key, first)
        return first

    def first(self, line: int) -> int:
        """The line that names the same person first, as far as is known by now."""
        joined = self.joined
        root = line
        while root in joined:
            root = joined[root]
        while line != root:  # shortened, or a list made for it would have every line walk a way of its own length
            joined[line], line = root, joined[line]
        return root

    def _join(self, one: int, other: int) -> int:
        other = self.first(other)
        if one != other:
            one, other = min(one, other), max(one, other)
            self.joined[other] = one
        return one


def _keys(contact: Contact) -> Sequence[int]:
    """The identifiers as 64-bit numbers.

    `hash` of a text is random in each process, so nobody can prepare a list whose people collide; by chance two of
    two million do once in ten million lists. A name begins with a letter, a phone with a plus, an id with a digit.
    """
    username, phone, user_id = contact[:3]
    if user_id is None and username is not None and phone is not None:
        return hash(username), hash(phone)
    given = (username, phone, None if user_id is None else str(user_id))
    return [hash(each) for each in given if each is not None]
