"""Every event is something done to something, and has its words."""

import pytest

from domain.audit import _KINDS as KINDS
from domain.audit import Event, sentence


@pytest.mark.parametrize("event", Event)
def test_every_event_has_words_and_a_kind(event: Event) -> None:
    assert all(sentence(event).values())
    assert list(sentence(event)) == ["en", "ru"]
    assert event in KINDS
