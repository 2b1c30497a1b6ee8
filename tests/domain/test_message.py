"""Texts: links, lengths, and who gets which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.message import budget, choose, has_link, length
from domain.platform import Budget


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "HTTP://EXAMPLE.COM/x",
        "Смотри:https://example.com!",
        "tg://resolve?domain=x",
        "Заходи на example.com сегодня",
        "example.com",
        "(shop.example.co.uk)",
        "sub-domain.example.io/path?x=1",
        "www.example",
        "t.me/channel",
        "T.ME/channel",
        "telegram.me/channel",
        "telegram.dog/channel",
        "t.me/+AbCd",
        "пример.рф",
        "магазин.онлайн",
        "xn--e1afmkfd.xn--p1ai",
        "Пишите: магазин.xn--p1ai/путь",
        "first line\nexample.com\nthird",
        "name@mail.ru, example.com",
    ],
)
def test_links(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Привет!",
        "Привет.Как дела?",
        "anna@example.com",
        "Пишите на anna.petrova@mail.example.com",
        "Скидка 1.5 %",
        "Цена 1.500.000 руб.",
        "в 18.30, по ул. Мира 5",
        "и т.д., т.е. так",
        "@anna",
        "@anna.",
        "Wait...",
        "a. b. c.",
        "10:30",
        "км/ч",
        "v.1",
    ],
)
def test_no_links(text: str) -> None:
    assert not has_link(text)


def test_one_text_with_a_link_makes_all_count_as_such() -> None:
    assert budget(["a", "b"]) is Budget.MESSAGE
    assert budget(["a", "see example.com"]) is Budget.MESSAGE_WITH_LINK
    assert budget([]) is Budget.MESSAGE


@pytest.mark.parametrize(("text", "units"), [("", 0), ("ab", 2), ("Привет", 6), ("👍", 2), ("👩‍👧", 5), ("a\n", 2)])
def test_length_counts_as_messengers_do(text: str, units: int) -> None:
    assert length(text) == units


@given(st.text())
def test_length_counts_letters_beyond_the_first_plane_twice(text: str) -> None:
    assert length(text) == len(text) + sum(ord(letter) > 0xFFFF for letter in text)


@given(st.lists(st.text(), min_size=1, max_size=5, unique=True), st.integers(0, 10**6))
def test_a_recipient_gets_the_same_text_each_time_and_all_texts_are_used(texts: list[str], position: int) -> None:
    assert choose(texts, position) == choose(list(texts), position)
    assert {choose(texts, position + step) for step in range(len(texts))} == set(texts)
