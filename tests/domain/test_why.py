"""Every reason to stand somewhere can be said in both languages."""

from datetime import UTC, datetime

import pytest

from domain.why import _ENDED_BY, EndedBy, Why, ended_by, ending, in_short, sentence, told


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
def test_every_why_has_exactly_one_end(why: Why) -> None:
    assert [by for by, (ended, _, _) in _ENDED_BY.items() if why in ended] == [ended_by(why)]


@pytest.mark.parametrize("by", list(EndedBy))
def test_every_end_has_a_sentence_in_both_languages(by: EndedBy) -> None:
    words = ending(by)
    assert tuple(words) == ("en", "ru")
    assert all(text.endswith(".") for text in words.values())
    assert words["en"].isascii()
    assert not words["ru"].isascii()


@pytest.mark.parametrize("why", list(Why))
def test_a_line_for_operators_says_reason_time_and_end(why: Why) -> None:
    until = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    line = in_short(why, until, "c1" if why is Why.GIVES_WAY else None)
    assert line.startswith(sentence(why)["en"])
    assert "2026-03-01 09:30:00 UTC" in line
    assert ("To campaign c1." in line) == (why is Why.GIVES_WAY)
    ends = ended_by(why) not in (EndedBy.WORK, EndedBy.NOTHING)
    assert (ending(ended_by(why))["en"] in line) == ends


def test_a_query_s_answer_is_flat_text() -> None:
    since = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert told(Why.GIVES_WAY, since, None, "c1") == {
        "code": "gives_way",
        **sentence(Why.GIVES_WAY),
        "since": "2026-03-01T09:30:00+00:00",
        "until": None,
        "ended_by": "other_campaign",
        "to": "c1",
    }
