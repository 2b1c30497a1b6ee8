"""What a source's columns mean: by their names in English or Russian, by the owner's mapping, or by their content."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.audience import FileError
from domain.errors import Invalid

MAX_COLUMNS = 200
MAX_CELL = 10_000


class Meaning(StrEnum):
    """What a column holds. The names are what an owner's mapping uses."""

    USERNAME = "username"
    PHONE = "phone"
    USER_ID = "user_id"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    CONTACT = "contact"
    """A name, a phone or an id: told apart by how it is written."""


IDENTIFIERS = (Meaning.USERNAME, Meaning.PHONE, Meaning.USER_ID, Meaning.CONTACT)

_HEADERS: dict[Meaning, str] = {
    Meaning.USERNAME: "username user login nick nickname handle юзернейм ник никнейм логин пользователь "
    "имя_пользователя telegram_username",
    Meaning.PHONE: "phone tel telephone mobile phone_number mobile_phone number телефон номер тел мобильный "
    "номер_телефона мобильный_телефон сотовый моб",
    Meaning.USER_ID: "user_id userid id telegram_id tg_id chat_id ид айди ид_пользователя id_пользователя",
    Meaning.FIRST_NAME: "first_name firstname name given_name имя",
    Meaning.LAST_NAME: "last_name lastname surname family_name фамилия",
    Meaning.CONTACT: "contact contacts recipient telegram tg link контакт контакты получатель телеграм телеграмм тг "
    "ссылка",
}
_BY_HEADER = {name: meaning for meaning, names in _HEADERS.items() for name in names.split()}
_CLEARLY_A_PERSON = re.compile(r"@\w+|(?:https?://)?(?:t|telegram)\.(?:me|dog)/\S+|\+?[\d\s().-]{5,}", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """The columns of a table: their names, and what each means (None: kept under its name)."""

    names: tuple[str, ...]
    meanings: tuple[Meaning | None, ...]


def meaning(header: str) -> Meaning | None:
    """What a column of this name holds, if its name says so."""
    return _BY_HEADER.get(re.sub(r"[\s_.-]+", "_", header.strip().lower()).strip("_"))


def is_header(row: Sequence[str], mapping: Mapping[Meaning, str]) -> bool:
    """Whether a table's first row names its columns."""
    titles = {cell.strip().lower() for cell in row}
    if any(column.strip().lower() in titles for column in mapping.values()):
        return True
    if any(_CLEARLY_A_PERSON.fullmatch(cell.strip()) for cell in row):
        return False
    return any(meaning(cell) is not None for cell in row)


def named(header: Sequence[str], mapping: Mapping[Meaning, str]) -> Columns:
    """The columns of a table with a header. Raises `FileError` when none identifies people."""
    names = _unique(header)
    meanings = _mapped(names, mapping) if mapping else tuple(meaning(name) for name in header)
    if not any(each in IDENTIFIERS for each in meanings):
        known = ", ".join(name[:50] for name in names[:20])
        message = f"No column holds usernames, phones or ids (columns: {known}). Name one by `mapping`."
        raise FileError(message, 1)
    return Columns(names, meanings)


def nameless(width: int, mapping: Mapping[Meaning, str]) -> Columns:
    """The columns of a table without header: the first one holds the people, unless the mapping says otherwise."""
    names = tuple(f"column_{number}" for number in range(1, width + 1))
    if mapping:
        return Columns(names, _mapped(names, mapping))
    return Columns(names, (Meaning.CONTACT, *(None for _ in names[1:])))


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


def _mapped(names: Sequence[str], mapping: Mapping[Meaning, str]) -> tuple[Meaning | None, ...]:
    places = {name.strip().lower(): index for index, name in reversed(list(enumerate(names)))}
    meanings: list[Meaning | None] = [None] * len(names)
    for each, column in mapping.items():
        index = places.get(column.strip().lower())
        if index is None and column.strip().isdecimal():
            index = int(column) - 1 if 0 < int(column) <= len(names) else None
        if index is None:
            raise unknown_column(column)
        meanings[index] = each
    return tuple(meanings)


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for number, cell in enumerate(header, start=1):
        name = cell.strip() or f"column_{number}"
        names[name if name not in names else f"{name}_{number}"] = None
    return tuple(names)
