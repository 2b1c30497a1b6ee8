"""One row of a source made into a person, or into the reason why it is none (IMP-4)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from domain.audience import Contact, DropReason
from domain.recipient import linked_id, linked_phone, username
from storage.files.columns import Columns, Meaning
from storage.files.phones import Phones, is_phone, is_rounded, whole

LONGEST = 256
"""A longer identifier, or name of a person, is none."""

_MAX_ID = 2**63 - 1
_PLAIN_NAME = re.compile(r"(?:@|https://t\.me/)?([A-Za-z][A-Za-z0-9_]{3,31})")
_PLAIN_ID = re.compile(r"[1-9][0-9]{0,17}")

Cell = tuple[Meaning | None, str, str]
"""What the column means, its name, and what stands there."""


class Contacts:
    """Reads rows. `default_country`: whose numbers phones without a country code are (ISO, such as `RU`)."""

    def __init__(self, default_country: str | None) -> None:
        """Raises `Invalid`."""
        self.phones = Phones(default_country)

    def read(self, cells: Iterable[Cell]) -> Contact | DropReason:
        """The row's person: whatever identifiers are good; if none is, the first one's fault."""
        found: dict[str, Any] = {}
        faults: list[DropReason] = []
        fields: dict[str, str] = {}
        empty = True
        for meaning, name, raw in cells:
            text = raw.strip()
            if not text:
                continue
            empty = False
            if meaning is None:
                fields[name] = text
            elif isinstance(value := self._value(meaning, text), DropReason):
                faults.append(value)
            elif found.setdefault(*value) != value[1]:
                fields[name] = text  # a second phone, say: kept as it is written
        if not found.keys() & _IDENTIFIED:
            return faults[0] if faults else DropReason.EMPTY if empty else DropReason.NO_IDENTIFIER
        if DropReason.TOO_LONG in faults:
            return DropReason.TOO_LONG
        return Contact(fields=fields, **found)

    def _value(self, meaning: Meaning, text: str) -> tuple[str, str | int] | DropReason:
        if len(text) > LONGEST:
            return DropReason.TOO_LONG
        if meaning in _NAMES:
            return _NAMES[meaning], text
        meaning, text = _unlinked(meaning, text)
        if meaning is Meaning.CONTACT:
            meaning = self._written_like(text)
        readers: Mapping[Meaning, Callable[[str], str | int | DropReason]] = {
            Meaning.USERNAME: _username,
            Meaning.PHONE: self.phones.read,
            Meaning.USER_ID: _user_id,
        }
        value = readers[meaning](text)
        return value if isinstance(value, DropReason) else (meaning.value, value)

    def _written_like(self, text: str) -> Meaning:
        """Letters make a name; a plus, punctuation or eleven digits a phone; other digits an id."""
        if is_rounded(text):
            return Meaning.PHONE
        if not is_phone(text):
            return Meaning.USERNAME
        if not text.isdecimal() or len(text) >= 11:
            return Meaning.PHONE
        if self.phones.has_country and not isinstance(self.phones.read(text), DropReason):
            return Meaning.PHONE
        return Meaning.USER_ID


class RowReader:
    """Reads the rows of a table.

    Most are plain: a bare name, a phone plainly spelled, in the columns that there are. These are read in a short
    way, which says the same as `Contacts.read` (a test compares them) in a fifth of the time.
    """

    def __init__(self, contacts: Contacts, columns: Columns) -> None:
        self._contacts = contacts
        self._columns = columns
        self.quickly = _short_way(contacts.phones, columns)

    def read(self, cells: Sequence[str]) -> Contact | DropReason:
        """The row's person, or why it is none."""
        return self.quickly(cells) or self._closely(cells)

    def _closely(self, cells: Sequence[str]) -> Contact | DropReason:
        columns = self._columns
        if len(cells) > len(columns.names):
            columns = columns.widened(len(cells))
        return self._contacts.read(zip(columns.meanings, columns.names, cells, strict=False))


def _short_way(phones: Phones, columns: Columns) -> Callable[[Sequence[str]], Contact | None]:
    """Reads a plain row; None says nothing about it. One function, of local names only: it runs a million times."""
    at = {each: index for index, each in enumerate(columns.meanings) if each is not None}
    width, absent = len(columns.names), len(columns.names)
    name_at, phone_at, id_at, first_at, last_at = (
        at.get(each, absent)
        for each in (Meaning.USERNAME, Meaning.PHONE, Meaning.USER_ID, Meaning.FIRST_NAME, Meaning.LAST_NAME)
    )
    kept = [(name, index) for index, name in enumerate(columns.names) if columns.meanings[index] is None]
    one_each = len(at) + len(kept) == width
    if {Meaning.CONTACT, Meaning.SEEN_BY} & at.keys() or not one_each:
        return lambda _: None
    is_name, is_id, read_phone = _PLAIN_NAME.fullmatch, _PLAIN_ID.fullmatch, phones.quickly
    make = tuple.__new__  # past the named tuple's own, which is Python

    def read(cells: Sequence[str]) -> Contact | None:
        if len(cells) != width:
            return None
        cells = [*cells, ""]  # what stands in absent columns
        phone = user_id = None
        name: str | None = cells[name_at]
        if name:
            found = is_name(name)
            if found is None:
                return None
            name = found[1].lower()
        if (text := cells[phone_at]) and (phone := read_phone(text)) is None:
            return None
        if text := cells[id_at]:
            if is_id(text) is None:
                return None
            user_id = int(text)
        first, last = cells[first_at].strip(), cells[last_at].strip()
        if not (name or phone or user_id) or len(first) > LONGEST or len(last) > LONGEST:
            return None
        fields = {key: text for key, index in kept if (text := cells[index].strip())} if kept else _NO_FIELDS
        return make(Contact, (name or None, phone, user_id, first, last, fields, None))

    return read


_NO_FIELDS: Mapping[str, str] = Contact().fields
_NAMES = {Meaning.FIRST_NAME: "first_name", Meaning.LAST_NAME: "last_name", Meaning.SEEN_BY: "seen_by"}
_IDENTIFIED = {Meaning.USERNAME.value, Meaning.PHONE.value, Meaning.USER_ID.value}


def _unlinked(meaning: Meaning, text: str) -> tuple[Meaning, str]:
    """A link to a phone or an id says by itself what it holds, whatever the column is called."""
    if ":" in text or "/" in text:
        if (phone := linked_phone(text)) is not None:
            return Meaning.PHONE, phone
        if (number := linked_id(text)) is not None:
            return Meaning.USER_ID, number
    return meaning, text


def _username(text: str) -> str | DropReason:
    return username(text) or DropReason.NOT_A_NAME


def _user_id(text: str) -> int | DropReason:
    if is_rounded(text):
        return DropReason.ROUNDED
    digits = whole(text)
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 19:
        return DropReason.BAD_ID
    return int(digits) if 0 < int(digits) <= _MAX_ID else DropReason.BAD_ID
