"""The list of people as a file: written as Russian Excel does, or read from the user's own."""

import csv
import io
import re
from collections.abc import Sequence
from random import Random

from devstack.demo.people import Invitee
from domain.recipient import username

ENCODING = "cp1251"
HEADER = ("Ник", "Имя", "Телефон")
RUBBISH = ("не знаю", "нет в телеграме", "-", "ivan@example.org", "@ab", "???", "см. ниже", "уточнить", "12345")
DUPLICATES, RUBBISH_ROWS, EMPTY_ROWS = 0.05, 0.03, 0.02
"""Rows of each kind, as shares of the people."""

Row = tuple[str, str, str]
# Usernames are ASCII in every encoding: whatever else there is (NULs of UTF-16 aside) ends a cell.
_BETWEEN_CELLS = re.compile(rb'[^\x21-\x7e]+|[,;|"]')


def written(people: Sequence[Invitee], random: Random) -> bytes:
    """The people as a CSV file, with doubles in other spellings, rubbish and empty rows among them."""
    rows = [_row(each, random) for each in people]
    for row in _unwanted(people, random):
        rows.insert(random.randrange(len(rows) + 1), row)
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([HEADER, *rows])
    return text.getvalue().encode(ENCODING)


def usernames(content: bytes) -> list[str]:
    """Every username that a file of any shape may hold; some may be none, which does no harm."""
    cells = _BETWEEN_CELLS.split(content.replace(b"\x00", b"").replace(b"\\/", b"/"))
    found = (username(cell.decode("ascii")) for cell in cells)
    return sorted({name for name in found if name is not None})


def _unwanted(people: Sequence[Invitee], random: Random) -> list[Row]:
    with_name = [each for each in people if each.username is not None]
    doubles = [_row(random.choice(with_name), random) for _ in range(round(DUPLICATES * len(people)))]
    rubbish = [(random.choice(RUBBISH), "Кто-то", "") for _ in range(round(RUBBISH_ROWS * len(people)))]
    empty = [("", "", "") for _ in range(round(EMPTY_ROWS * len(people)))]
    return [*doubles, *rubbish, *empty]


def _row(invitee: Invitee, random: Random) -> Row:
    name = "" if invitee.username is None else _spelled(invitee.username, random)
    return name, _called(invitee.first_name, random), _written_phone(invitee.phone, random)


def _spelled(name: str, random: Random) -> str:
    spellings = (name, f"@{name}", f"https://t.me/{name}", f"t.me/{name}", f"@{name.upper()}", f" {name} ")
    return random.choice(spellings)


def _called(first_name: str, random: Random) -> str:
    """Some names hold what Excel writes in quotation marks."""
    return random.choice((first_name, first_name, f'{first_name} "клиент"', f"{first_name}; Москва"))


def _written_phone(phone: str | None, random: Random) -> str:
    if phone is None:
        return ""
    digits = phone[2:]
    pretty = f"+7 {digits[:3]} {digits[3:6]}-{digits[6:8]}-{digits[8:]}"
    return random.choice((phone, phone[1:], pretty))
