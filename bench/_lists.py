"""Files of people for benchmarks: spelled as people spell, with doubles and rubbish, always the same."""

import csv
from dataclasses import dataclass
from pathlib import Path
from random import Random

from openpyxl import Workbook

HEADER = ("Ник", "Телефон", "Имя")
DUPLICATES, RUBBISH = 0.05, 0.02
"""Shares of the rows."""
_NAMES = ("Анна", "Иван", "Мария", "Пётр", "Ольга", "Sergey", "Anna-Maria", "Татьяна Ивановна")
_RUBBISH = ("не знаю", "-", "ivan@example.org", "@ab", "12345", "уточнить", "")
_ABROAD = (("+38050", 0, 7), ("+37529", 1_000_000, 7), ("+49151", 0, 8), ("+1202", 2_000_000, 7), ("+336", 0, 8))
"""Beginning, first number, digits: room for a million in each."""

Row = tuple[str, str, str]


@dataclass(frozen=True)
class People:
    """A file, and what must become of it."""

    path: Path
    rows: int
    duplicates: int
    rubbish: int

    @property
    def people(self) -> int:
        """Different ones."""
        return self.rows - self.duplicates - self.rubbish


def write_csv(path: Path, rows: int) -> People:
    """UTF-8, with a header."""
    table = _rows(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([HEADER, *table])
    return _people(path, rows)


def write_xlsx(path: Path, rows: int) -> People:
    """One sheet; the phones without punctuation are numbers, as in a table that was typed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Клиенты")
    for name, phone, first in [HEADER, *_rows(rows)]:
        sheet.append([name, int(phone) if phone.isdecimal() and len(phone) == 11 else phone, first])
    book.save(path)
    return _people(path, rows)


def _people(path: Path, rows: int) -> People:
    return People(path, rows, int(rows * DUPLICATES), int(rows * RUBBISH))


def _rows(rows: int) -> list[Row]:
    random = Random(20260301)
    duplicates, rubbish = int(rows * DUPLICATES), int(rows * RUBBISH)
    numbers = list(enumerate(random.sample(range(10**8), rows - duplicates - rubbish)))
    table = [_row(place, number, random) for place, number in numbers]
    doubles = [_row(place, number, random) for place, number in random.sample(numbers, duplicates)]
    nobody = [(random.choice(_RUBBISH), "", random.choice(_NAMES)) for _ in range(rubbish)]
    mixed = [*table, *doubles, *nobody]
    random.shuffle(mixed)
    return mixed


def _row(place: int, number: int, random: Random) -> Row:
    name = f"user_{number:08}"
    spelled = random.choices((name, f"@{name}", f"https://t.me/{name}"), (30, 60, 10))[0]
    return spelled, _phone(place, number, random), random.choice(_NAMES)


def _phone(place: int, number: int, random: Random) -> str:
    if place % 20 == 0:
        begins, first, width = _ABROAD[place // 20 % len(_ABROAD)]
        return f"{begins}{first + place:0{width}}"
    digits = f"91{number:08}"
    pretty = f"8 ({digits[:3]}) {digits[3:6]}-{digits[6:8]}-{digits[8:]}"
    return random.choices((f"+7{digits}", f"7{digits}", pretty), (60, 20, 20))[0]
