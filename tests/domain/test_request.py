"""HTML is refused: no rendering of a text that is allowed has a tag in it."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.message import Message
from domain.rendering import render
from domain.request import check_message

RENDERINGS = 64


class Tags(HTMLParser):
    """What a browser takes for tags: `found` by a plain name, and `armed` where any has an attribute with a value."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.armed = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_endtag(tag)
        self.armed = self.armed or any(value is not None for _, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.found += re.findall("^[a-z0-9-]+$", tag)


PIECES = st.sampled_from(["<", ">", "/", "{", "|", "}", " ", "b", "x=1", "\n", "!", "3", "{{name}}", "i"])


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example("{<|x}b>")
@example("{a<b|c} onclick=1")
@example("<b/x=1>")
@example("<b@c x=1 {|}>")
def test_no_rendering_has_a_tag(text: str) -> None:
    message = Message((text,))
    try:
        check_message(message)
    except Invalid:
        return
    for number in range(RENDERINGS):
        rendering = render(message.node, {"name": "name"}, number)
        assert not Tags(rendering).found, rendering
        assert not Tags(rendering + " >").armed, "what is not closed is closed by the page that it stands in"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Hi <b>you</b>", 4),
        ("<script src=x", 1),
        ("x <input/onfocus=alert(1)/autofocus>", 3),
        ("x <body onload=alert(1) ", 3),
        ("{<|x}script>", 2),
        ("<{b|i}>", 1),
        ("<{{name}}>", 1),
        ("a <!-- b", 3),
        ("<!DOCTYPE html>", 1),
    ],
)
def test_a_tag_is_told_with_its_place(text: str, at: int) -> None:
    with pytest.raises(Invalid, match=f"HTML is not allowed: there is a tag at character {at}\\.") as caught:
        check_message(Message((text,)))
    assert caught.value.field == "message.texts.0"


@pytest.mark.parametrize(
    "text",
    [
        "I <3 you",
        "{I <3|love} you",
        "a < b > c",
        "2<3 and 5>4",
        "<= here",
        "-> x <-",
        r"<\{x",
        "mail <anna@mail.ru>",
        "<Имя>",
    ],
)
def test_signs_that_are_no_tags(text: str) -> None:
    check_message(Message((text,)))
