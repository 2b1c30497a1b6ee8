"""What a source's columns mean: by the owner's mapping, by their names in English or Russian, or by their content."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.audience import FileError
from domain.errors import Invalid
from domain.recipient import linked_phone, username


class Meaning(StrEnum):
    """What a column holds. The names are what an owner's mapping uses."""

    USERNAME = "username"
    PHONE = "phone"
    USER_ID = "user_id"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    SEEN_BY = "seen_by_account_id"
    """The account that has seen the person: an id alone may mean something to that one only."""
    CONTACT = "contact"
    """A name, a phone or an id: told apart by how it is written."""


IDENTIFIERS = (Meaning.USERNAME, Meaning.PHONE, Meaning.USER_ID, Meaning.CONTACT)

_HEADERS: dict[Meaning, str] = {
    Meaning.USERNAME: "username user_name user login nick nickname handle telegram_username tg_username telegram_login "
    "screen_name юзернейм ник никнейм логин пользователь имя_пользователя ник_в_телеграм юзер",
    Meaning.PHONE: "phone tel telephone mobile cell phone_number mobile_phone cell_phone telephone_number number "
    "contact_phone телефон номер тел мобильный номер_телефона мобильный_телефон сотовый сотовый_телефон моб "
    "контактный_телефон тел_номер телефоны",
    Meaning.USER_ID: "user_id userid id telegram_id telegram_user_id tg_id tg_user_id chat_id ид айди ид_пользователя "
    "id_пользователя телеграм_id",
    Meaning.FIRST_NAME: "first_name firstname name given_name имя",
    Meaning.LAST_NAME: "last_name lastname surname family_name second_name фамилия",
    Meaning.SEEN_BY: "seen_by_account_id",
    Meaning.CONTACT: "contact contacts recipient telegram tg link profile telegram_link контакт контакты получатель "
    "телеграм телеграмм тг ссылка профиль ссылка_на_профиль",
}
_BY_HEADER = {name: meaning for meaning, names in _HEADERS.items() for name in names.split()}
_CLEARLY_A_PERSON = re.compile(r"@\w+|(?:https?://)?(?:t|telegram)\.(?:me|dog)/\S+|\+?[\d\s().-]{5,}", re.IGNORECASE)
_PHONE_LIKE = re.compile(r"\+?[ (]*\d[\d ()\-\u00a0\u2010-\u2015.]*")
_FEWEST_DIGITS, _MOST_DIGITS = 10, 15
_ID_LIKE = re.compile(r"[1-9]\d{6,9}(?:\.0)?")
_SHARE = 0.8
"""So many of a column's cells must look alike; the others may be rubbish."""
_ROWS_BELOW_A_HEADER = 2
"""What stands above fewer rows is not taken for a header by their content."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table: their names, and what each means (None: kept under its name)."""

    names: tuple[str, ...]
    meanings: tuple[Meaning | None, ...]

    def widened(self, width: int) -> "Columns":
        """With more columns, for a row that is longer than the others."""
        more = range(len(self.names) + 1, width + 1)
        return Columns((*self.names, *(f"column_{n}" for n in more)), (*self.meanings, *(None for _ in more)))


def recognise(
    rows: Sequence[Sequence[str]], mapping: Mapping[Meaning, str], header: bool | None
) -> tuple[bool, Columns]:
    """Whether the first of these rows names the columns (`header`, if the owner says so), and what they mean.

    Raises `FileError` when there is a header and no column identifies people.
    """
    first, below = rows[0], rows[1:]
    has_header = is_header(first, mapping, below) if header is None else header
    return has_header, named(first, mapping, below) if has_header else nameless(rows, mapping)


def meaning(header: str) -> Meaning | None:
    """What a column of this name holds, if its name says so."""
    return _BY_HEADER.get(re.sub(r"[\s_.\-/]+", "_", header.strip().lower()).strip("_"))


def is_header(row: Sequence[str], mapping: Mapping[Meaning, str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a table's first row names its columns: by its words, or because it is unlike what stands below."""
    titles = {cell.strip().lower() for cell in row}
    if any(column.strip().lower() in titles for column in mapping.values()):
        return True
    if any(_CLEARLY_A_PERSON.fullmatch(cell.strip()) for cell in row):
        return False
    if any(meaning(cell) is not None for cell in row):
        return True
    if len(below) < _ROWS_BELOW_A_HEADER:
        return False
    told = zip(row, by_content(below), strict=False)
    return any(each is not None and cell.strip() and _looks_like(cell) is None for cell, each in told)


def named(header: Sequence[str], mapping: Mapping[Meaning, str], below: Sequence[Sequence[str]]) -> Columns:
    """The columns of a table with a header. Raises `FileError` when none identifies people."""
    names = _unique(header)
    meanings = _mapped(names, mapping) if mapping else tuple(meaning(name) for name in header)
    if not any(each in IDENTIFIERS for each in meanings):
        guesses = [*by_content(below), *(None for _ in names)]
        meanings = tuple(each or guess for each, guess in zip(meanings, guesses, strict=False))
    if not any(each in IDENTIFIERS for each in meanings):
        known = ", ".join(name[:50] for name in names[:20])
        message = f"No column holds usernames, phones or ids (columns: {known}). Name one by `mapping`."
        raise FileError(message, 1)
    return Columns(names, meanings)


def nameless(rows: Sequence[Sequence[str]], mapping: Mapping[Meaning, str]) -> Columns:
    """The columns of a table without header: by their content; where that says nothing, the first one holds people."""
    width = max(map(len, rows))
    names = tuple(f"column_{number}" for number in range(1, width + 1))
    if mapping:
        return Columns(names, _mapped(names, mapping))
    guesses = by_content(rows)
    if width == 1 or not any(guesses):
        guesses = [Meaning.CONTACT, *(None for _ in names[1:])]
    return Columns(names, tuple(guesses))


def by_content(rows: Sequence[Sequence[str]]) -> list[Meaning | None]:
    """What each column holds, as far as its cells show it; each meaning once.

    First and last names are not guessed: a city taken for a name would greet people by it.
    """
    guesses: list[Meaning | None] = []
    for column in range(max(map(len, rows), default=0)):
        cells = [row[column].strip() for row in rows if len(row) > column]
        guess = _guess([cell for cell in cells if cell])
        guesses.append(guess if guess not in guesses else None)
    return guesses


def parse_mapping(mapping: Mapping[str, str]) -> dict[Meaning, str]:
    """An owner's mapping, such as `{"username": "Ник клиента"}`. Raises `Invalid`."""
    unknown = sorted(set(mapping) - {each.value for each in Meaning})
    if unknown:
        known = ", ".join(each.value for each in Meaning)
        raise Invalid("mapping", f"A mapping may name {known}, each with its column.")
    parsed = {Meaning(name): column for name, column in mapping.items()}
    if parsed and not any(each in IDENTIFIERS for each in parsed):
        raise Invalid("mapping", "The mapping names no column for username, phone, user_id or contact.")
    return parsed


def unknown_column(column: str) -> FileError:
    """The mapping names a column that the file does not have."""
    return FileError("The mapping names this column, and the file does not have it.", column=repr(column[:50]))


def named_twice(column: str) -> Invalid:
    """The mapping takes a column for two things."""
    return Invalid("mapping", f"The column {column[:50]!r} is named twice: it can hold one thing.")


def _guess(cells: Sequence[str]) -> Meaning | None:
    looks = [look for cell in cells if (look := _looks_like(cell)) is not None]
    for each in (Meaning.USERNAME, Meaning.PHONE):
        if looks.count(each) >= _SHARE * len(cells) and each in looks:
            return each
    ids = looks.count(Meaning.USER_ID)
    # Numbers that come twice are prices, codes, years: taken for ids they would make one person of many.
    if ids >= _SHARE * len(cells) and ids and len(set(cells)) == len(cells):
        return Meaning.USER_ID
    people = len(looks) - ids
    return Meaning.CONTACT if people and len(looks) >= _SHARE * len(cells) else None


def _looks_like(cell: str) -> Meaning | None:
    if cell.startswith("@") or "/" in cell or ":" in cell:
        if username(cell) is not None:
            return Meaning.USERNAME
        return Meaning.PHONE if linked_phone(cell) is not None else None
    digits = sum(map(str.isdecimal, cell))
    if _PHONE_LIKE.fullmatch(cell) and _FEWEST_DIGITS <= digits <= _MOST_DIGITS and (digits > 10 or cell[0] in "+(9"):
        return Meaning.PHONE
    return Meaning.USER_ID if _ID_LIKE.fullmatch(cell) else None


def _mapped(names: Sequence[str], mapping: Mapping[Meaning, str]) -> tuple[Meaning | None, ...]:
    places = {name.strip().lower(): index for index, name in reversed(list(enumerate(names)))}
    meanings: list[Meaning | None] = [None] * len(names)
    for each, column in mapping.items():
        index = places.get(column.strip().lower())
        if index is None and re.fullmatch(r"[1-9][0-9]{0,4}", column.strip()):
            index = int(column) - 1 if int(column) <= len(names) else None
        if index is None:
            raise unknown_column(column)
        if meanings[index] is not None:
            raise named_twice(column)
        meanings[index] = each
    return tuple(meanings)


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for number, cell in enumerate(header, start=1):
        name = cell.strip() or f"column_{number}"
        while name in names:
            name = f"{name}_{number}"
        names[name] = None
    return tuple(names)
