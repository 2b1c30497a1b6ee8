"""Templates and people as Hypothesis makes them."""

from hypothesis import strategies as st

from domain.message import columns_of
from domain.recipient import Person
from domain.rendering import Column
from domain.template import escape

COLUMNS = ("first_name", "Город", "note")

WORDS = [
    "", "a", "b", "x", "Привет", " ", ". ", ".", "..", "com", "c", "om", "t", "t.me", "me/", "/", ":", "://", "http",
    "www", "w", "рф", "р", "ф", "пример", "@", "1", "2.3", "192", "-", "_", "example.com", "И.О.", "anna@mail.ru",
    "中国", "例", "👍", "xn--p1ai", "telegram", "dog", "?", "#", "{", "}", "|", "\\", "\n", "\u200b", "tg", "т.д.",
]  # fmt: skip

words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("".join)
values = st.one_of(st.just(""), words, st.text(max_size=8))


def _placed(column: str, fallback: str | None) -> str:
    return f"{{{{{column}}}}}" if fallback is None else f"{{{{ {column} |{fallback}}}}}"


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda options: "{" + "|".join(options) + "}"),
        st.builds(_placed, st.sampled_from(COLUMNS), st.none() | inner),
        st.lists(inner, min_size=2, max_size=3).map("".join),
    )


sources = st.recursive(words.map(escape), _larger, max_leaves=8)


@st.composite
def people(draw: st.DrawFn) -> Person:
    return Person(
        draw(st.integers(0, 10**6)),
        username="anna",
        first_name=draw(values),
        fields={name: draw(values) for name in draw(st.sets(st.sampled_from(COLUMNS[1:])))},
    )


def columns(audience: list[Person]) -> dict[str, Column]:
    """What the database says of an audience, worked out from its people."""
    known = [columns_of(person) for person in audience]
    names = {"first_name", "город", "note"}
    return {
        name: Column(
            longest=max(each[name].longest if name in each else 0 for each in known),
            some_empty=any(name not in each for each in known),
            risky=any(name in each and each[name].risky for each in known),
        )
        for name in names
    }
