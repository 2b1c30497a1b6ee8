"""Phones: what the short way says is what the library says, in every country and spelling."""

import time

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from domain.audience import DropReason
from domain.errors import Invalid
from storage.files.phones import Phones, phone

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
MAIN = [c for c in COUNTRIES if phonenumbers.region_code_for_country_code(phonenumbers.country_code_for_region(c)) == c]


EXAMPLES = {
    country: [
        phonenumbers.national_significant_number(found)
        for kind in range(11)
        if (found := phonenumbers.example_number_for_type(country, kind)) is not None
    ]
    for country in COUNTRIES
}


@st.composite
def national(draw: st.DrawFn, country: str) -> str:
    """A number of the country, or one that is nearly so."""
    digits: str = draw(st.sampled_from(EXAMPLES[country]))
    for at in draw(st.sets(st.integers(0, len(digits) - 1), max_size=4)):
        digits = digits[:at] + draw(st.sampled_from("0123456789")) + digits[at + 1 :]
    return draw(st.sampled_from([digits, digits, digits, digits[:-1], digits + "1", digits[1:], "0" + digits]))


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str | None]:
    """A phone as people write it, and the default country."""
    country = draw(st.sampled_from([*COUNTRIES, *["RU", "US", "DE", "KZ", "UA", "IT", "BY"] * 20]))
    digits = draw(national(country))
    code = str(phonenumbers.country_code_for_region(country))
    trunk = getattr(PhoneMetadata.metadata_for_region(country), "national_prefix", None) or "0"
    prefix = draw(st.sampled_from(["+" + code, "+" + code, code, "", trunk, "00" + code, "+" + code + trunk]))
    for at in sorted(draw(st.sets(st.integers(1, max(1, len(digits) - 1)), max_size=3)), reverse=True):
        digits = digits[:at] + draw(st.sampled_from([" ", "-", ") ", " (", "\u2011", ""])) + digits[at:]
    default = draw(st.sampled_from([None, country, country, draw(st.sampled_from(COUNTRIES))]))
    return prefix + draw(st.sampled_from(["", " ", " (", "-"])) + digits, default


@settings(max_examples=500, deadline=None)
@given(written())
@example(("4980000000000000", None))  # longer than any number, and yet of the German pattern
@example(("33101234401", "VA"))  # shares its code with Italy
@example(("+027122119688", None))  # no code begins with a zero
@example(("01599123446", "IL"))  # 015 is a prefix for calls abroad
def test_the_short_way_says_what_the_library_says(given_: tuple[str, str | None]) -> None:
    text, country = given_
    short = Phones(country).quickly(text)
    assert short is None or short == phone(text, country)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="+0123456789 ()-", min_size=5, max_size=18), st.sampled_from([None, *MAIN]))
def test_nor_does_it_differ_on_any_digits(text: str, country: str | None) -> None:
    short = Phones(country).quickly(text)
    assert short is None or short == phone(text, country)


@pytest.mark.parametrize("country", MAIN)
def test_every_countrys_mobiles_are_read(country: str) -> None:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert Phones(None).read(e164) == e164


@pytest.mark.parametrize(
    "text",
    [
        "+79001234567",
        "+7 900 123-45-67",
        "+7 (900) 123 45 67",
        "79001234567",
        "8 (900) 123-45-67",
        "89001234567",
        "9001234567",
        "+12025550123",
        "+4915123456789",
        "+380501234567",
        "+375291234567",
    ],
)
def test_usual_spellings_take_the_short_way(text: str) -> None:
    assert Phones("RU").quickly(text) == phone(text, "RU")
    assert Phones("RU").quickly(text) is not None


@pytest.mark.parametrize("text", ["7.9E+10", "7,9e10", "7.90012E+10"])
def test_a_rounded_number_is_refused_and_not_guessed(text: str) -> None:
    assert Phones("RU").read(text) is DropReason.ROUNDED


def test_the_country_must_be_one() -> None:
    with pytest.raises(Invalid, match="ISO"):
        Phones("Russia")


def test_the_short_way_is_worth_it() -> None:
    phones = Phones("RU")
    texts = [f"+7900{n:07}" for n in range(2_000)]
    begun = time.perf_counter()
    assert all(phones.read(text) == text for text in texts)
    short = time.perf_counter() - begun
    begun = time.perf_counter()
    assert all(phone(text, "RU") == text for text in texts[:200])
    assert short / len(texts) < (time.perf_counter() - begun) / 200 / 4
