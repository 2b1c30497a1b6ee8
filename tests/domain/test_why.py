"""Every reason to stand somewhere can be said in both languages."""

import pytest

from domain.why import Why, sentence


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
