"""Renderings: what a person gets, and bounds that hold for everybody without looking at everything."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.message import columns_of
from domain.recipient import Person
from domain.rendering import (
    Column,
    clean,
    has_choice,
    length,
    longest,
    may_be_blank,
    placeholders,
    render,
    values,
    varies,
    weights,
)
from domain.template import parse
from tests.domain.templates import columns, people, sources

ANNA = Person(
    0, "anna", "+79990000000", 7, " Анна\n", "", {"Город ": "{a|b} {{first_name}}", "empty": "", "ГОРОД": "x"}
)
NUMBERS = st.integers(0, 2**64)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{first_name}}", "Анна"),
        ("{{имя}} {{Ник}} {{телефон}} {{id}}", "Анна anna +79990000000 7"),
        ("{{last_name|{{username|nobody}}}}", "anna"),
        ("{{фамилия}}!", "!"),
        ("{{город}}", "{a|b} {{first_name}}"),
        ("{{empty|none}} {{unknown|none}}", "none none"),
    ],
)
def test_a_persons_values(source: str, text: str) -> None:
    assert render(parse(source), values(ANNA), 0) == text


def test_a_files_own_column_comes_before_another_name_of_a_common_one() -> None:
    person = Person(0, "anna", first_name="Anna", fields={"Имя": "Анечка"})
    assert values(person)["имя"] == "Анечка"
    assert values(person)["first_name"] == "Anna"


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        (" a\t\r\n b ", "a b"),
        ("\u202eabc\u202c", "abc"),
        ("t.\u200bme", "t. me"),
        ("\ufeff", ""),
        ("👩\u200d👧", "👩\u200d👧"),
    ],
)
def test_values_are_cleaned(value: str, cleaned: str) -> None:
    assert clean(value) == cleaned


@given(st.text())
def test_what_is_cleaned_is_in_one_line_and_no_longer(value: str) -> None:
    assert length(clean(value)) <= length(value)
    assert clean(clean(value)) == clean(value)
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u202e]", clean(value).replace("\0", ""))


@given(sources, people(), NUMBERS)
def test_a_value_is_never_read_as_a_template(source: str, person: Person, number: int) -> None:
    marked = Person(person.position, first_name="{a|b}{{x}}", fields={"Город": "{a|b}{{x}}", "note": "{a|b}{{x}}"})
    plain = Person(person.position, first_name="value", fields={"Город": "value", "note": "value"})
    node = parse(source)
    assert render(node, values(marked), number) == render(node, dict.fromkeys(values(plain), "{a|b}{{x}}"), number)


@given(sources, st.lists(people(), min_size=1, max_size=4), NUMBERS)
def test_no_rendering_is_longer_than_the_bound(source: str, audience: list[Person], number: int) -> None:
    node, bound = parse(source), longest(parse(source), columns(audience))
    for person in audience:
        own = longest(node, columns_of(person))
        assert length(render(node, values(person), number)) <= own <= bound
        constant, times = weights(node)
        assert own <= constant + sum(n * length(values(person).get(name, "")) for name, n in times.items())


@given(sources, people())
def test_the_bound_for_one_person_is_reached(source: str, person: Person) -> None:
    node = parse(source)
    # Eight leaves make at most a few hundred renderings; each is met among the first numbers.
    renderings = {render(node, values(person), number) for number in range(1_000)}
    assert max(map(length, renderings)) == longest(node, columns_of(person))
    assert any(not clean(each) for each in renderings) == may_be_blank(node, columns_of(person))
    if len(renderings) > 1:
        assert has_choice(node)


@given(sources, people(), NUMBERS)
def test_numbers_in_a_row_differ_in_the_first_alternatives(source: str, person: Person, number: int) -> None:
    node = parse("{1|2|3}" + source)
    assert render(node, values(person), number)[0] != render(node, values(person), number + 1)[0]


@given(sources, st.lists(people(), min_size=1, max_size=3), NUMBERS)
def test_what_may_not_be_blank_never_is(source: str, audience: list[Person], number: int) -> None:
    node = parse(source)
    if not may_be_blank(node, columns(audience)):
        assert all(clean(render(node, values(person), number)) for person in audience)


@pytest.mark.parametrize(
    ("source", "same"),
    [("a", True), ("{a|b}", False), ("{a|a}", True), ("{{x}}", True), ("{{y}}", False), ("{{x|{a|b}}}", False)],
)
def test_variation(source: str, same: bool) -> None:
    found = {"x": Column(3, True, varied=False), "y": Column(3, False, varied=True)}
    assert varies(parse(source), found) is not same


def test_all_placeholders_are_found() -> None:
    node = parse("{{a|{{b}}}} {c|{{d}}}")
    assert [(each.column, each.at) for each in placeholders(node)] == [("a", 1), ("b", 5), ("d", 17 - 1)]


def test_the_bound_costs_nothing_however_many_renderings_there_are() -> None:
    node = parse("{a|bb} " * 2_800)
    assert longest(node, {}) == 3 * 2_800
    assert len(render(node, {}, 12345678901234567890)) >= 2 * 2_800
