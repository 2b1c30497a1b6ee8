"""Messages: who gets which text, what they are paid from, what the owner is told."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.hints import Hint, sentence
from domain.message import Message, budget, choose, columns_of, write
from domain.platform import Action, Budget, Capabilities
from domain.recipient import Person
from domain.rendering import Column, length
from domain.request import check, check_columns, check_message, check_variation, hints
from domain.template import escape
from tests.domain.templates import columns, people, sources

POST = "https://t.me/news/1"
MESSAGE = Capabilities(frozenset({Action.MESSAGE}), frozenset(), 4096)


@pytest.mark.parametrize(("text", "units"), [("", 0), ("ab", 2), ("Привет", 6), ("👍", 2), ("👩‍👧", 5), ("a\n", 2)])
def test_length_counts_as_messengers_do(text: str, units: int) -> None:
    assert length(text) == units


@given(st.text())
def test_length_counts_letters_beyond_the_first_plane_twice(text: str) -> None:
    assert length(text) == len(text) + sum(ord(letter) > 0xFFFF for letter in text)


def test_one_text_with_a_link_makes_all_count_as_such() -> None:
    assert budget(Message(("a", "b")), {}) is Budget.MESSAGE
    assert budget(Message(("a", "{b|see} example.com")), {}) is Budget.MESSAGE_WITH_LINK
    assert budget(Message(("a", "{{site}}")), {"site": Column(9, False, risky=True)}) is Budget.MESSAGE_WITH_LINK
    assert budget(Message(), {}) is Budget.MESSAGE
    assert budget(Message(post=POST), {}) is Budget.FORWARD


@given(st.lists(sources, min_size=1, max_size=3), people(), st.text(max_size=5), st.integers(0, 500))
def test_the_draw_is_stable(texts: list[str], person: Person, seed: str, draw: int) -> None:
    message = Message(tuple(texts))
    again = dataclasses.replace(message)
    assert write(message, person, seed, draw) == write(again, dataclasses.replace(person), seed, draw)


def test_the_draw_is_the_same_for_ever() -> None:
    """What is in doubt when a new version comes must be repeated word for word."""
    message = Message(("{a|b|c} {{first_name|{d|e}}} {f|{g|h}}", "{i|j}"))
    written = [
        write(message, Person(position, "anna"), "campaign", draw).text for position in (0, 1) for draw in range(3)
    ]
    assert written == ["i", "c e h", "j", "i", "c e g", "j"]
    assert write(message, Person(0, "anna"), "campaign", 0).fingerprint == -2414743648322320846


def test_all_variants_are_drawn_evenly() -> None:
    message = Message(("{a|b}", "c"))
    texts = [write(message, Person(position, "anna"), "campaign", 0).text for position in range(4_000)]
    shares = {text: texts.count(text) / len(texts) for text in set(texts)}
    assert shares == pytest.approx({"a": 0.25, "b": 0.25, "c": 0.5}, abs=0.03)


@given(st.lists(sources, min_size=1, max_size=3), st.lists(people(), min_size=2, max_size=6))
def test_no_two_texts_running_are_the_same_where_there_is_another(texts: list[str], audience: list[Person]) -> None:
    message = Message(tuple(texts))
    last = None
    for person in audience:
        written = choose(message, person, "campaign", last)
        assert written == write(message, person, "campaign", written.draw)
        if written.fingerprint == last:
            assert {write(message, person, "campaign", draw).text for draw in range(600)} == {written.text}
        last = written.fingerprint


def test_with_one_text_everybody_gets_it() -> None:
    last = choose(Message(("same",)), Person(0, "anna"), "campaign", None)
    assert choose(Message(("same",)), Person(1, "boris"), "campaign", last.fingerprint) == last


@given(st.lists(sources, min_size=1, max_size=2), st.lists(people(), min_size=1, max_size=3))
def test_for_one_person_what_is_said_is_exact(texts: list[str], audience: list[Person]) -> None:
    message = Message(tuple(texts))
    for person in audience:
        if budget(message, columns(audience)) is Budget.MESSAGE:
            assert budget(message, columns_of(person)) is Budget.MESSAGE


@pytest.mark.parametrize(
    ("message", "field", "words"),
    [
        (Message((" \n",)), "message.texts.0", "empty"),
        (Message(("ok", "Hi <b>you</b>")), "message.texts.1", "at character 4"),
        (Message(("<script src=x",)), "message.texts.0", "at character 1"),
        (Message(("a <{b|i}>x",)), "message.texts.0", "at character 3"),
        (Message(("<scr{ipt|}>",)), "message.texts.0", "at character 1"),
        (Message(("{a|b",)), "message.texts.0", "At character 1"),
        (Message(("a",), POST), "message", "not both"),
    ],
)
def test_what_cannot_be_sent(message: Message, field: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_message(message)
    assert refused.value.field == field
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["1 < 2 and 3 > 2", "I <3 you", "mail <anna@mail.ru>", "<Имя>", escape("<{a|b}")[:1]])
def test_what_is_no_html(text: str) -> None:
    check_message(Message((text,)))


def test_columns_must_be_there_and_leave_something() -> None:
    known = {"city": Column(10, True)}
    check_columns(Message(("{{city|here}}",)), known, ["City"])
    with pytest.raises(Invalid, match=r"at character 4 is not in this audience: 'town'\. It has: .*first_name.*, City"):
        check_columns(Message(("In {{town|here}}",)), known, ["City"])
    with pytest.raises(Invalid, match="nothing would be left"):
        check_columns(Message((" {{city}} ",)), known, ["City"])


def test_a_message_needs_something_to_send() -> None:
    check(Action.MESSAGE, "", Message(post=POST), False, False, MESSAGE)
    with pytest.raises(Invalid) as refused:
        check(Action.MESSAGE, "", Message(), False, False, MESSAGE)
    assert refused.value.field == "message.texts"


def test_hints() -> None:
    assert hints(Message(), {}) == []
    assert hints(Message(("same",)), {}) == [Hint.NO_VARIATION]
    assert hints(Message(("same", "same")), {}) == [Hint.NO_VARIATION]
    assert hints(Message(("{a|b}",)), {}) == []
    assert hints(Message(("{{x}}!",)), {"x": Column(1, True)}) == [Hint.NO_FALLBACK]
    assert hints(Message(("a", "b.com")), {}) == [Hint.LINKS]
    assert hints(Message(post=POST), {}) == [Hint.FORWARD]
    for hint in Hint:
        assert set(sentence(hint)) == {"en", "ru"}


def test_some_platforms_refuse_one_text_for_everybody() -> None:
    strict = dataclasses.replace(MESSAGE, needs_variation=True)
    check_variation(Message(("same",)), {}, MESSAGE)
    check_variation(Message(("{a|b}",)), {}, strict)
    with pytest.raises(Invalid):
        check_variation(Message(("same",)), {}, strict)
