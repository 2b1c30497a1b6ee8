"""Phones in every usual spelling, to E.164.

phonenumbers decides; it reads 30 000 a second. Most of a list are whole numbers, plainly spelled, of their country's
main numbering plan: for those the library's own patterns are asked directly (`_Plan`), thirty times as fast. What that
way accepts the library reads alike (a test compares the two over all countries); all else goes to the library.
"""

import re

import phonenumbers
from phonenumbers import PhoneMetadata

from domain.audience import DropReason
from domain.errors import Invalid

_PHONE = re.compile(r"(?:tel:)?\s*\+?[\d\s().\-/\u2010-\u2015]+", re.IGNORECASE)
_SPELLED = re.compile(r"\+?[ (]*[0-9][0-9 ()\-\u00a0\u2010-\u2015]+")
_PUNCTUATION = dict.fromkeys(map(ord, " ()-\u00a0\u2010\u2011\u2012\u2013\u2014\u2015"))
_BARE = re.compile(r"[1-79][0-9]{10,14}")
"""No trunk prefix before it."""
_WHOLE = re.compile(r"(\d+)\.0+")
_ROUNDED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+")
_LONGEST_CODE = 3
_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
"""A number of one of these kinds is valid to the library."""


class Phones:
    """Reads phones. `default_country`: whose numbers those without a country code are (ISO, such as `RU`)."""

    def __init__(self, default_country: str | None) -> None:
        """Raises `Invalid`."""
        if default_country is not None and default_country.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise Invalid("default_country", "Unknown country: give its two-letter ISO code, such as RU.")
        self._country = default_country.upper() if default_country is not None else None
        self._national = _national(self._country) if self._country is not None else None

    @property
    def has_country(self) -> bool:
        """Whether national numbers can be read."""
        return self._country is not None

    def read(self, text: str) -> str | DropReason:
        """The number in E.164."""
        return self.quickly(text) or phone(text, self._country)

    def quickly(self, text: str) -> str | None:
        """The number, if it is one of the plain ones; None says nothing about it. `text` is not empty."""
        if text[0] == "+":
            if _is_known(text, 1):
                return text
        elif self._country is None:
            # Eleven digits are read as if a spreadsheet had taken their plus: see `phone`.
            return f"+{text}" if _BARE.fullmatch(text) and _is_known(text, 0) else None
        elif self._national is not None and (number := self._national.complete(text)):
            return number
        if not _SPELLED.fullmatch(text):
            return None
        digits = text.translate(_PUNCTUATION)
        return self.quickly(digits) if len(digits) < len(text) else None


def is_phone(text: str) -> bool:
    """Whether it is written as phones are, be there such a number or not."""
    return _PHONE.fullmatch(text) is not None


def is_rounded(text: str) -> bool:
    """Whether it is a number as a spreadsheet shortens it: `7.9E+10`."""
    return _ROUNDED.fullmatch(text) is not None


def whole(text: str) -> str:
    """`79001234567.0`, as some programs write whole numbers, without its end."""
    found = _WHOLE.fullmatch(text)
    return found.group(1) if found else text


def phone(text: str, country: str | None) -> str | DropReason:
    """The number in E.164, as the library reads it.

    A national number needs the country. Excel strips the plus: eleven digits or more are read as if it were there,
    unless they begin with a trunk prefix (8 495 … is Moscow for Russians, and could be Vietnam's).
    """
    text = whole(text)
    if is_rounded(text):
        return DropReason.ROUNDED
    if not is_phone(text):
        return DropReason.BAD_PHONE
    text = text[4:].strip() if text[:4].lower() == "tel:" else text.strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    if text.startswith("+"):
        return _e164(text, None) or DropReason.BAD_PHONE
    if country is not None:
        national = _e164(text, country)
        if national is not None:
            return national
    digits = re.sub(r"\D", "", text)
    if _BARE.fullmatch(digits):
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


class _Plan:
    """The numbers of a calling code's main region, as the library's patterns have them."""

    def __init__(self, code: str, plan: PhoneMetadata) -> None:
        general = _pattern(plan.general_desc)
        kinds = "|".join(_pattern(getattr(plan, kind)) for kind in _KINDS if _exists(getattr(plan, kind))) or "(?!)"
        # Numbers that begin with what may be a trunk prefix, or with a zero, are the library's.
        begins = "|".join(filter(None, (plan.national_prefix_for_parsing, "0")))
        leading = f"(?={plan.leading_digits})" if plan.leading_digits else ""
        number = rf"(?!{_closed(begins)}){leading}(?={general}\Z)(?:{kinds})\Z"
        plain = plan.national_prefix_for_parsing in (None, plan.national_prefix)
        prefixes = "|".join(filter(None, (code, plan.national_prefix if plain else None)))
        abroad = _closed(plan.international_prefix or "(?!)")
        # Alone; or behind the code or the trunk prefix, where it could be nothing else.
        national = rf"(?P<alone>{number})|(?!{general}\Z)(?!{abroad})(?:{prefixes})(?P<behind>{number})"
        self._code = code
        self.match = re.compile(number, re.ASCII).match
        self._national = re.compile(national, re.ASCII).match

    def complete(self, digits: str) -> str | None:
        """A national number, or one with its code but without plus, in E.164; None where that is not plain."""
        found = self._national(digits)
        if found is None:
            return None
        return f"+{self._code}{digits[found.start(found.lastgroup or 0) :]}"


_plans: dict[str, _Plan | None] = {}
"""By calling code; None where there is no such code, or it belongs to no country."""


def _is_known(text: str, at: int) -> bool:
    """Whether a country's number stands from there on, its calling code first."""
    for end in range(at + 1, at + 1 + _LONGEST_CODE):
        code = text[at:end]
        if code not in _plans and not _add_plan(code):
            return False
        plan = _plans[code]
        if plan is not None:
            return plan.match(text, end) is not None
    return False


def _add_plan(code: str) -> bool:
    """Whether these are digits at all: nothing else is kept, whatever comes."""
    if not (code.isascii() and code.isdecimal()):
        return False
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code[0] != "0" else None
    plan = PhoneMetadata.metadata_for_region(regions[0]) if regions else None
    _plans[code] = _Plan(code, plan) if plan is not None else None
    return True


def _national(country: str) -> _Plan | None:
    """The country's plan, if it is the main region of its calling code."""
    code = phonenumbers.country_code_for_region(country)
    if phonenumbers.region_code_for_country_code(code) != country or not _add_plan(str(code)):
        return None
    return _plans[str(code)]


def _exists(kind: object) -> bool:
    return getattr(kind, "national_number_pattern", None) is not None


def _closed(pattern: str) -> str:
    return f"(?:{pattern})"


def _pattern(kind: object) -> str:
    lengths = [length for length in getattr(kind, "possible_length", ()) if length > 0]
    bound = "(?=" + "|".join(rf"\d{{{length}}}\Z" for length in lengths) + ")" if lengths else ""
    return f"{bound}(?:{getattr(kind, 'national_number_pattern', '')})"
