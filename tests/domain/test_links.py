"""Links: in a text, and in whatever a template can become."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.links import PERHAPS_RISKY, has_link, is_risky, may_link
from domain.message import columns_of
from domain.recipient import Person
from domain.rendering import Column, render, values
from domain.template import escape, parse
from tests.domain.templates import columns, people, sources, words


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
        "сервер 192.168.0.1",
        "192.168.0.1:8080/x",
        "例.中国",
        "παράδειγμα.ελ",
        "name@mail.ru/path",
        "EXAMPLE.COM.",
        "«example.com»",
        "http://пример.испытание",
    ],
)
def test_links(text: str) -> None:
    assert has_link(text)
    assert may_link(parse(escape(text)), {})


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
        "1.2.3.4.5",
        "И.О. Фамилия",
    ],
)
def test_no_links(text: str) -> None:
    assert not has_link(text)
    assert not may_link(parse(escape(text)), {})


PLAIN, RISKY, NOBODY = Column(10, True), Column(10, False, risky=True), Column(0, True)


@pytest.mark.parametrize(
    ("source", "column", "linked"),
    [
        ("{Привет|Здравствуйте}, {{name}}. Как дела?", PLAIN, False),
        ("{и|или} т.д. {{name}}", PLAIN, False),
        ("Цена {1|2}.5", PLAIN, False),
        ("Пишите на {anna|boris}@mail.ru", PLAIN, False),
        ("Пишите на anna@mail.ru, {{name}}", PLAIN, False),
        ("{a|b} {c|d} {e|f} " * 200, PLAIN, False),
        ("{one|two|three|four|five|six|seven|eight|nine|ten}" * 6, PLAIN, False),
        ("{" + "|".join(f"{n}." for n in range(80)) + "}" + "{x.1|y.1}" * 9, PLAIN, True),  # in doubt
        ("t.{me|x}/a", PLAIN, True),
        ("exam{ple.com|ple}", PLAIN, True),
        ("www{w.x|}", PLAIN, True),  # all of `w.x` stands in one part, and the link begins in the other
        ("site{.|,}{com|ru}", PLAIN, True),
        ("site{.|,} {com|ru}", PLAIN, False),
        ("t{.}".replace("{.}", "{.|}") + "me{/x|}", PLAIN, True),
        ("{http|x}:{//|}y", PLAIN, True),
        ("магазин.{р|}ф", PLAIN, True),
        ("1.2{.3.|x}4", PLAIN, True),
        ("{{name}}.com", PLAIN, True),
        ("site.{{name}}", PLAIN, True),
        ("t.me/{{name}}", PLAIN, True),
        ("anna@mail.ru{{name}}", PLAIN, True),  # it may be `m/path`
        ("anna@mail.ru {{name}}", PLAIN, False),
        ("{{name}}", PLAIN, False),
        ("{{name}}", RISKY, True),
        ("{{name|example.com}}", PLAIN, True),
        ("{{name|example.com}}", Column(10, False), False),
        ("{{name}}.com", NOBODY, False),
        ("site.{{name}}com", NOBODY, True),
    ],
)
def test_templates(source: str, column: Column, linked: bool) -> None:
    assert may_link(parse(source), {"name": column}) is linked


@pytest.mark.parametrize(
    "value",
    ["Анна", "И.О. Иванова", "И.Иванова", "ул. Мира, 5", "10:30", "01.02.2026", "1.5", "anna_k", "+79990000000"],
)
def test_common_values_are_not_risky(value: str) -> None:
    assert not is_risky(value)


@settings(max_examples=150)
@given(sources, st.lists(people(), min_size=1, max_size=3), st.integers(0, 2**64))
def test_no_link_comes_about_unforeseen(source: str, audience: list[Person], number: int) -> None:
    node = parse(source)
    if not may_link(node, columns(audience)):
        for person in audience:
            for each in range(20):
                assert not has_link(render(node, values(person), number + each))


@settings(max_examples=150)
@given(st.lists(words, min_size=2, max_size=6))
def test_nor_out_of_pieces(pieces: list[str]) -> None:
    source = "".join(f"{{{escape(piece)}|}}" for piece in pieces)
    if has_link("".join(pieces)):
        assert may_link(parse(source), {})


@settings(max_examples=200)
@given(words, words, words)
def test_nor_between_a_value_and_its_neighbours(before: str, value: str, behind: str) -> None:
    person = Person(0, "anna", first_name=value)
    node = parse(escape(before) + "{{first_name}}" + escape(behind))
    if has_link(render(node, values(person), 0)):
        assert may_link(node, columns_of(person))


@given(st.one_of(words, st.text(alphabet="w.РФрф:/@12 -aA中例\u200b", max_size=12)))
def test_a_value_with_a_link_is_risky(value: str) -> None:
    if has_link(value):
        assert is_risky(value)
    if is_risky(value):
        assert re.search(PERHAPS_RISKY, value)
