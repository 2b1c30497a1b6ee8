"""People, and the one spelling of their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.platform import Identifier
from domain.recipient import Person, username


@pytest.mark.parametrize(
    "text",
    [
        "Anna_77",
        "@Anna_77",
        "  @anna_77\t",
        "t.me/Anna_77",
        "http://t.me/anna_77",
        "https://t.me/anna_77/",
        "HTTPS://T.ME/anna_77",
        "https://www.telegram.me/anna_77",
        "telegram.dog/@anna_77",
        "https://t.me/s/anna_77",
        "https://t.me/anna_77?start=x",
        "https://t.me/anna_77/?x#y",
    ],
)
def test_all_spellings_of_a_name_meet(text: str) -> None:
    assert username(text) == "anna_77"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "abc",  # too short
        "a" * 33,
        "1anna",
        "_anna",
        "анна",
        "anna-77",
        "anna 77",
        "anna\n@boris",
        "@@anna",
        "anna@mail.ru",
        "+79001234567",
        "79001234567",
        "https://t.me/+AbCdEf123456",
        "https://t.me/joinchat/AbCdEf",
        "https://t.me/anna_77/123",
        "https://example.com/anna_77",
        "https://t.me.example.com/anna_77",
        "https://t.me/",
    ],
)
def test_what_is_no_name(text: str) -> None:
    assert username(text) is None


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{3,31}", fullmatch=True)


@given(NAMES, st.sampled_from(["", "@", "t.me/", "https://t.me/", "https://telegram.me/@", " "]))
def test_a_name_is_read_alike_in_every_form(name: str, prefix: str) -> None:
    assert username(prefix + name) == name.lower()


@given(st.text(max_size=60))
def test_what_is_read_stays_as_it_is_when_read_again(text: str) -> None:
    name = username(text)
    assert name is None or username(name) == name


def test_identifiers_are_those_that_are_known() -> None:
    assert Person(0, "anna", "+7900", 5).identifiers == frozenset(Identifier)
    assert Person(0, username="anna").identifiers == {Identifier.USERNAME}
    assert Person(0, phone="+7900").identifiers == {Identifier.PHONE}
    assert Person(0, user_id=0).identifiers == {Identifier.USER_ID}
    assert Person(0).identifiers == frozenset()
