"""People, and the one spelling of their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.platform import Identifier
from domain.recipient import Person, linked_id, linked_phone, username


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
        "https://telegram.me/anna_77?start=bot",
        "https://anna_77.t.me",
        "anna_77.t.me/?x",
        "tg://resolve?domain=Anna_77",
        "tg:resolve?start=1&domain=@anna_77&x=2",
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
        "https://t.me/+79001234567",
        "tg://resolve?domain=",
        "tg://join?invite=AbCdEf",
        "a.b.t.me",
        "www.t.me",
        "me@anna_77.t.me",
    ],
)
def test_what_is_no_name(text: str) -> None:
    assert username(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://t.me/+79001234567",
        "t.me/+79001234567?x",
        "https://wa.me/79001234567?text=hello",
        "tg://resolve?phone=79001234567",
        "tg://resolve?phone=%2B79001234567&x=1",
    ],
)
def test_a_link_may_name_a_phone(text: str) -> None:
    assert linked_phone(text) == "+79001234567"


@pytest.mark.parametrize("text", ["+79001234567", "https://t.me/79001234567", "t.me/+AbCdEf123456", "wa.me/anna"])
def test_what_is_no_link_to_a_phone(text: str) -> None:
    assert linked_phone(text) is None


def test_a_link_may_name_an_id() -> None:
    assert linked_id("tg://user?id=12345") == "12345"
    assert linked_id("tg://user?id=anna") is None


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
