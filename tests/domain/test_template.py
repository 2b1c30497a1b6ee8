"""Templates: what they mean, and where they cannot be meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.rendering import render
from domain.template import Choice, Node, Placeholder, Series, Text, escape, parse
from tests.domain.templates import sources

A, B, C = Text("a"), Text("b"), Text("c")


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("", Text("")),
        ("a|b", Text("a|b")),
        ("{a|b}", Choice((A, B))),
        ("{a||b}", Choice((A, Text(""), B))),
        ("{{a|b}|c}", Choice((Choice((A, B)), C))),
        ("{a|{b|c}}", Choice((A, Choice((B, C))))),
        ("{{a|b}|{b|c}}", Choice((Choice((A, B)), Choice((B, C))))),
        ("{a|b}c", Series((Choice((A, B)), C))),
        ("{{Имя}}", Placeholder("имя", None, 1)),
        ("a{{ First_Name |b}}", Series((A, Placeholder("first_name", B, 2)))),
        ("{{Мой  город|}}", Placeholder("мой город", Text(""), 1)),
        ("{{a|{b|c}}}", Placeholder("a", Choice((B, C)), 1)),
        ("{{a|{{b|c}}}}", Placeholder("a", Placeholder("b", C, 5), 1)),
        ("{{{a}}|b}", Choice((Placeholder("a", None, 2), B))),
        (r"\{a\|b\}\\", Text(r"{a|b}" + "\\")),
        (r"c:\dir", Text(r"c:\dir")),
        ("a\\", Text("a\\")),
        (r"{a\|b|c}", Choice((Text("a|b"), C))),
        (r"{{a\|b}}", Placeholder("a|b", None, 1)),
    ],
)
def test_it_means(source: str, meant: Node) -> None:
    assert parse(source) == meant


@pytest.mark.parametrize(
    ("source", "place", "word"),
    [
        ("Hi {first_name}", 4, "one option"),
        ("{a|b", 1, "never closed"),
        ("a {b|{c|d}", 3, "never closed"),
        ("a}", 2, "closes nothing"),
        ("{a|b}}", 6, "closes nothing"),
        ("{{}}", 3, "no column's name"),
        ("{{ |a}}", 3, "no column's name"),
        ("{{a {b|c}|d}}", 3, "no column's name"),
        ("{{a|b|c}}", 6, "second fallback"),
        ("{" * 5_000, 21, "too deep"),
    ],
)
def test_it_cannot_be_meant(source: str, place: int, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(source, "message.texts.3")
    assert refused.value.field == "message.texts.3"
    assert str(refused.value).startswith(f"At character {place} is ")
    assert word in str(refused.value)


@given(st.text())
def test_what_is_escaped_means_itself(text: str) -> None:
    assert parse(escape(text)) == Text(text)
    assert render(parse(escape(text)), {}, 0) == text


@given(sources)
def test_whatever_is_put_together_can_be_read(source: str) -> None:
    assert parse(source) == parse(source)


@given(st.text(alphabet="{}|\\ab"))
def test_anything_is_read_or_refused_with_its_place(source: str) -> None:
    refused: Invalid | None = None
    try:
        parse(source, "field")
    except Invalid as error:
        refused = error
    assert refused is None or (refused.field == "field" and str(refused).startswith("At character "))
