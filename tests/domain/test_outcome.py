"""Outcomes: each has somebody who must act, and words for people."""

import pytest

from domain.audience import DropReason
from domain.languages import LANGUAGES
from domain.outcome import ERRORS, INVITE_FALLBACK, SUCCESSES, UNSPENT, Kind, Party, Reason
from domain.sentences import explanation, sentence


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_party(kind: Kind) -> None:
    assert kind.party in Party


def test_the_groups_do_not_contradict_each_other() -> None:
    assert not SUCCESSES & ERRORS
    assert all(kind.party is Party.NOBODY for kind in SUCCESSES)
    assert {Kind.UNAVAILABLE, Kind.ALREADY_MEMBER, Kind.POSTPONED, Kind.SKIPPED} == UNSPENT
    assert Reason.NONE not in INVITE_FALLBACK


@pytest.mark.parametrize("value", [*Kind, *DropReason, *(reason for reason in Reason if reason is not Reason.NONE)])
def test_everything_has_a_sentence_in_every_language(value: Kind | Reason | DropReason) -> None:
    words = sentence(value)
    assert tuple(words) == LANGUAGES
    assert all(text.endswith((".", "!")) and len(text) > 5 for text in words.values())
    assert words["en"].isascii()
    assert not words["ru"].isascii()


def test_an_explanation_is_the_most_exact_one() -> None:
    assert explanation(None, None)["en"] == "Not done yet."
    assert explanation("refused", "privacy") == sentence(Reason.PRIVACY)
    assert explanation("invited", "") == explanation("invited", None) == sentence(Kind.INVITED)
