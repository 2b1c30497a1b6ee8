"""The verdict: what it counts, and that no lie of the database or of the times gets past it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.chaos.verdict import Facts, Times, Verdict, judged, longest_standstill
from devstack.demo.client import Report
from devstack.demo.verdict import Claims, Truth
from devstack.telegram_dc.journal import Effect, Joined, Journal, Message, SessionDestroyed

BEGAN = datetime(2030, 1, 1, tzinfo=UTC)
IN_FLIGHT = timedelta(seconds=20)
FACTS = Facts({"invited": 1, "messaged": 1, "refused": 1}, queued=0, open_turns=0, open_attempts=0, twice=0)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def joined(user: int, seconds: float = 10) -> Joined:
    return Joined(at(seconds), 500, user, "anna")


def message(user: int, seconds: float = 20) -> Message:
    return Message(at(seconds), user, "anna", user, "text", "hash")


def status() -> dict[str, Any]:
    counts: dict[str, Any] = {"total": 3, "processed": 3, "left": 0, "invited": 1, "already_member": 0, "messaged": 0}
    counts |= {"messaged_instead": 1, "link_sent": 0, "refused": {"privacy": 1}, "unreachable": {}, "failed": {}}
    counts |= {"uncertain": 0, "cancelled": 0}
    account = {"id": "anna", "label": "Anna", "state": "working", "errors": {}}
    account["done"] = {"invited": 1, "messaged_instead": 1}
    return {"state": "done", "counts": counts, "accounts": [account]}


def row(name: str, outcome: str = "refused", reason: str = "privacy") -> dict[str, Any]:
    return {
        "username": name, "phone": None, "user_id": None, "first_name": "", "outcome": outcome, "reason": reason,
        "account_id": "anna", "settled_at": "2030-01-01",
    }  # fmt: skip


def claims() -> Claims:
    rows = [row("vera")]
    return Claims(
        3, status(), status(), Report(status(), rows, [{k: v or "" for k, v in each.items()} for each in rows])
    )


def verdict(
    effects: Sequence[Effect] = (joined(1), message(2)),
    facts: Facts = FACTS,
    times: Times | None = None,
    silences: Sequence[str] = (),
    said: Claims | None = None,
) -> Verdict:
    truth = Truth(Journal(list(effects)), {"anna": 1, "boris": 2, "vera": 3}, expected=3)
    return judged(said or claims(), truth, facts, times or Times(BEGAN, at(30)), IN_FLIGHT, silences)


def test_what_went_well_is_told_so() -> None:
    assert verdict() == Verdict(0, 0, 0, timedelta(seconds=10), [])


@pytest.mark.parametrize(
    "effects",
    [
        [joined(1), joined(1), message(2)],
        [joined(1), message(2), message(2)],
        [joined(1), message(1), message(2)],
    ],
)
def test_who_was_reached_twice(effects: Sequence[Effect]) -> None:
    found = verdict(effects)
    assert found.twice == 1
    assert found.wrong


def test_who_was_lost_by_the_platforms_word_and_by_ours() -> None:
    assert verdict([joined(1)]).lost == 1
    short = status()
    short["counts"] |= {"processed": 2, "left": 1}
    found = verdict(said=replace(claims(), status=short))
    assert found.lost == 1
    assert found.wrong


def test_a_doubt_that_could_have_been_ended_is_wrong() -> None:
    doubtful = status()
    doubtful["counts"] |= {"invited": 0, "uncertain": 1}
    found = verdict(said=replace(claims(), status=doubtful))
    assert found.uncertain == 1
    assert found.wrong


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, outcomes={"invited": 2, "messaged": 1}),
        replace(FACTS, outcomes={"invited": 1, "messaged": 1, None: 1}),
        replace(FACTS, queued=1),
        replace(FACTS, open_turns=1),
        replace(FACTS, open_attempts=1),
        replace(FACTS, twice=1),
        replace(FACTS, running=("campaign/1/account/anna",)),
    ],
)
def test_what_the_database_holds_must_agree(facts: Facts) -> None:
    assert len(verdict(facts=facts).wrong) == 1


def test_a_destroyed_session_and_a_silent_status_are_wrong() -> None:
    assert len(verdict([joined(1), message(2), SessionDestroyed(at(5), "anna")]).wrong) == 1
    assert len(verdict(silences=["no answer"]).wrong) == 1


def test_nothing_may_happen_in_a_pause_once_what_was_in_flight_has_ended() -> None:
    pause = (at(30), at(100))
    early = [joined(1), message(2, 45)]
    late = [joined(1), message(2, 55)]
    times = Times(BEGAN, at(120), [pause], [pause])
    assert not verdict(early, times=times).wrong
    assert len(verdict(late, times=times).wrong) == 1


class TestStandstill:
    def test_from_the_beginning_and_to_the_end_too(self) -> None:
        assert longest_standstill([at(9)], Times(BEGAN, at(10))) == timedelta(seconds=9)
        assert longest_standstill([at(1)], Times(BEGAN, at(10))) == timedelta(seconds=9)
        assert longest_standstill([], Times(BEGAN, at(10))) == timedelta(seconds=10)

    def test_a_pause_does_not_count_and_parts_what_is_around_it(self) -> None:
        times = Times(BEGAN, at(100), [(at(10), at(90))])
        assert longest_standstill([at(5)], times) == timedelta(seconds=10)
        assert longest_standstill([at(5), at(95)], times) == timedelta(seconds=5)

    def test_effects_in_a_pause_end_no_standstill(self) -> None:
        times = Times(BEGAN, at(100), [(at(50), at(60))])
        assert longest_standstill([at(55)], times) == timedelta(seconds=50)

    def test_pauses_may_touch(self) -> None:
        times = Times(BEGAN, at(30), [(at(20), at(30)), (at(10), at(20))])
        assert longest_standstill([], times) == timedelta(seconds=10)
