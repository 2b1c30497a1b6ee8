"""One row of a source made into a person, or into the reason why it is none (IMP-4)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import phonenumbers

from domain.audience import Contact, DropReason
from domain.errors import Invalid
from domain.recipient import username
from storage.files.columns import Meaning

LONGEST = 256
"""A longer identifier, or name of a person, is none."""

_PHONE = re.compile(r"(?:tel:)?\s*\+?[\d\s().\-/\u2010-\u2015]+")
_RUSSIAN_MOBILE = re.compile(r"\+79[0-24-9][0-9]{8}")
"""All of these are valid numbers: most of what comes is, and the library is thirty times slower."""
_BARE = re.compile(r"\d{11,15}")
_WHOLE = re.compile(r"(\d+)\.0+")
_MAX_ID = 2**63 - 1

Cell = tuple[Meaning | None, str, str]
"""What the column means, its name, and what stands there."""


class Contacts:
    """Reads rows. `default_country`: whose numbers phones without a country code are (ISO, such as `RU`)."""

    def __init__(self, default_country: str | None) -> None:
        if default_country is not None and default_country.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise Invalid("default_country", "Unknown country: give its two-letter ISO code, such as RU.")
        self._country = default_country.upper() if default_country is not None else None

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
            else:
                found.setdefault(*value)
        if not found.keys() & _IDENTIFIED:
            return faults[0] if faults else DropReason.EMPTY if empty else DropReason.NO_IDENTIFIER
        if DropReason.TOO_LONG in faults:
            return DropReason.TOO_LONG
        return Contact(fields=fields, **found)

    def _value(self, meaning: Meaning, text: str) -> tuple[str, str | int] | DropReason:
        if len(text) > LONGEST:
            return DropReason.TOO_LONG
        if meaning in (Meaning.FIRST_NAME, Meaning.LAST_NAME):
            return meaning.value, text
        if meaning is Meaning.CONTACT:
            meaning = _written_like(text, self._country)
        readers: Mapping[Meaning, Callable[[str], str | int | DropReason]] = {
            Meaning.USERNAME: _username,
            Meaning.PHONE: self._phone,
            Meaning.USER_ID: _user_id,
        }
        value = readers[meaning](text)
        return value if isinstance(value, DropReason) else (meaning.value, value)

    def _phone(self, text: str) -> str | DropReason:
        return phone(text, self._country)


_IDENTIFIED = {Meaning.USERNAME.value, Meaning.PHONE.value, Meaning.USER_ID.value}


def phone(text: str, country: str | None) -> str | DropReason:
    """The number in E.164.

    A national number needs the country. Excel strips the plus: eleven digits or more are read as if it were there,
    unless they begin with a trunk prefix (8 495 … is Moscow for Russians, and could be Vietnam's).
    """
    if _RUSSIAN_MOBILE.fullmatch(text):
        return text
    whole = _WHOLE.fullmatch(text)
    text = whole.group(1) if whole else text
    if not _PHONE.fullmatch(text):
        return DropReason.BAD_PHONE
    text = text.removeprefix("tel:").strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    if text.startswith("+"):
        return _e164(text, None) or DropReason.BAD_PHONE
    if country is not None:
        national = _e164(text, country)
        if national is not None:
            return national
    digits = re.sub(r"\D", "", text)
    if _BARE.fullmatch(digits) and digits[0] not in "08":
        international = _e164("+" + digits, None)
        if international is not None:
            return international
    return DropReason.BAD_PHONE if country is not None or len(digits) < 5 else DropReason.PHONE_WITHOUT_COUNTRY


def _e164(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _username(text: str) -> str | DropReason:
    return username(text) or DropReason.NOT_A_NAME


def _user_id(text: str) -> int | DropReason:
    whole = _WHOLE.fullmatch(text)
    digits = whole.group(1) if whole else text
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 19:
        return DropReason.BAD_ID
    return int(digits) if 0 < int(digits) <= _MAX_ID else DropReason.BAD_ID


def _written_like(text: str, country: str | None) -> Meaning:
    """By how it is written: letters make a name; a plus, punctuation or eleven digits a phone; else digits an id."""
    if not _PHONE.fullmatch(text):
        return Meaning.USERNAME
    if not text.isdecimal() or len(text) >= 11:
        return Meaning.PHONE
    if country is not None and not isinstance(phone(text, country), DropReason):
        return Meaning.PHONE
    return Meaning.USER_ID
