"""Every reason to stand somewhere can be said in both languages."""

import pytest

from domain.why import EndedBy, Why, ended_by, ending, in_short, sentence, told


@pytest.mark.parametrize("why", list(Why))
def test_every_why_has_a_sentence_in_both_languages(why: Why) -> None:
    words = sentence(why)
    assert tuple(words) == ("en", "ru")
    assert all(text.endswith(".") for text in words.values())
    assert words["en"].isascii()
    assert not words["ru"].isascii()


def test_no_two_reasons_say_the_same() -> None:
    said = [sentence(why)["en"] for why in Why]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("why", list(Why))
def test_everything_says_what_would_end_it(why: Why) -> None:
    assert ended_by(why) in EndedBy
    assert told(why, None, None)["ended_by"] == ended_by(why).value
    assert in_short(why, None).startswith(sentence(why)["en"])


@pytest.mark.parametrize("by", list(EndedBy))
def test_every_ending_is_said_in_both_languages(by: EndedBy) -> None:
    assert all(ending(by).values())
    assert any(ended_by(why) is by for why in Why)
