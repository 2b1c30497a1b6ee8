"""The pure parts of `./run demo --two-campaigns`: two worlds in one, the verdict that can fail, the picture."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.demo.client import Report
from devstack.demo.command import main
from devstack.demo.picture import console
from devstack.demo.two_campaigns import summary, verdict
from devstack.demo.two_campaigns.picture import drawn
from devstack.demo.two_campaigns.verdict import Both, Side, part
from devstack.demo.two_campaigns.world import HIGH, HIGH_CHAT, LOW, LOW_CHAT, made
from devstack.demo.verdict import Claims, Truth
from devstack.telegram_dc import scenario
from devstack.telegram_dc.journal import Effect, Joined, Journal, Message, Request
from domain.why import Why, ended_by, ending, sentence

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LOW_ID, HIGH_ID = "0-low", "0-high"
PAUSE = (15.0, 20.0)
"""In seconds since the low campaign was made, as all times here. The high one is made at 6 and ends at 30."""
Done = Sequence[tuple[float, str]]

# Anna and Boris work for the low one, change over, go on with it in the pause, change over again, and end with it.
LOW_DID: Done = ((1, "anna"), (2, "boris"), (6, "anna"), (17, "anna"), (18, "boris"), (32, "anna"), (33, "boris"))
HIGH_DID: Done = ((8, "anna"), (9, "boris"), (14, "anna"), (14.5, "boris"), (22, "anna"), (23, "boris"), (29, "anna"))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def joins(done: Done, chat: int, first: int) -> list[Joined]:
    return [Joined(at(seconds), chat, first + number, by) for number, (seconds, by) in enumerate(done)]


def why(code: Why, to: str | None = None, until: datetime | None = None) -> dict[str, Any]:
    by = ended_by(code)
    end = until.isoformat() if until else None
    return {
        "code": code.value, "text": sentence(code), "until": end, "to": to,
        "ended_by": {"code": by.value, "text": ending(by)},
    }  # fmt: skip


def status(campaign_id: str, name: str, state: str, done: Mapping[str, int], **lines: dict[str, Any]) -> dict[str, Any]:
    number = sum(done.values())
    accounts = [
        {
            "id": account, "label": account.title(), "state": "working", "errors": {},
            "why": lines.get(account, why(Why.WORKING)), "done": {"invited": done.get(account, 0)},
        }
        for account in ("anna", "boris")
    ]  # fmt: skip
    return {
        "id": campaign_id, "name": name, "state": state, "accounts": accounts, "speed_per_minute": 9.0,
        "why": why(Why.WORKING if state == "running" else Why.ENDED),
        "counts": {
            "total": number, "processed": number, "percent": 100.0, "left": 0, "invited": number, "already_member": 0,
            "messaged": 0, "messaged_instead": 0, "link_sent": 0, "refused": {}, "unreachable": {}, "failed": {},
            "uncertain": 0, "cancelled": 0,
        },
    }  # fmt: skip


def side(name: str, effects: Sequence[Effect], people: int, first: int, made_at: float, ended_at: float) -> Side:
    """A campaign that tells the truth about what it did."""
    mine = [each for each in effects if isinstance(each, Joined) and first <= each.user < first + people]
    campaign_id = LOW_ID if name == LOW else HIGH_ID
    said = status(campaign_id, name, "done", Counter(each.by for each in mine))
    users: dict[str, int | None] = {f"person_{user}": user for user in range(first, first + people)}
    truth = Truth(Journal(list(effects)), users, expected=people)
    return Side(name, campaign_id, Claims(people, said, said, Report(said, [], [])), truth, at(made_at), at(ended_at))


def both(low: Done = LOW_DID, high: Done = HIGH_DID, **changes: Any) -> Both:
    high_ends = changes.pop("high_ends", 30)
    found = Both(
        low=side(LOW, joins(low, LOW_CHAT, 100), len(low), 100, 0, 35),
        high=side(HIGH, joins(high, HIGH_CHAT, 200), len(high), 200, 6, high_ends),
        pause=(at(PAUSE[0]), at(PAUSE[1])),
        gave_way={"anna": frozenset({HIGH_ID}), "boris": frozenset({HIGH_ID})},
        held_up=[],
        priority=3,
        wanted_priority=3,
    )
    return replace(found, **changes)


def lies(found: Both) -> list[str]:
    return [str(check) for check in verdict.checks(found) if not check.agrees]


class TestWorlds:
    @pytest.mark.parametrize("seed", [1, 2, 99])
    def test_the_lists_have_nobody_in_common_and_are_all_there(self, seed: int) -> None:
        worlds = made(180, 6, seed)
        assert len(worlds.high.people) == worlds.high.expected == 60
        assert len(worlds.low.people) == worlds.low.expected == 120
        assert not set(worlds.low.people) & set(worlds.high.people)
        ids = [user for world in (worlds.low, worlds.high) for user in world.people.values() if user is not None]
        assert len(ids) == len(set(ids))

    def test_it_is_a_scenario_with_two_groups_and_all_accounts_administrators_of_both(self) -> None:
        worlds = made(180, 6, 1)
        scenario.check(worlds.low.scenario)
        assert worlds.low.scenario == worlds.high.scenario
        assert [set(chat.admins) for chat in worlds.low.scenario.chats] == [set(worlds.low.fates)] * 2
        assert worlds.low.group != worlds.high.group
        assert {worlds.low.chat_id, worlds.high.chat_id} == {chat.id for chat in worlds.low.scenario.chats}

    def test_nobody_of_the_high_one_is_looked_for_twice(self) -> None:
        rows = made(180, 6, 1).high.content.decode("cp1251").splitlines()[1:]
        assert not [row for row in rows if re.search(r"^[^;]*[a-z]{3}.*;.*;.*\d{10}", row.replace(" ", ""))]


class TestParts:
    def test_each_campaign_has_its_own_and_what_is_nobodys_is_in_both(self) -> None:
        worlds = made(180, 6, 1)
        lows, highs = (
            next(user for user in world.people.values() if user is not None) for world in (worlds.low, worlds.high)
        )
        own: list[Effect] = [Joined(NOW, LOW_CHAT, lows, "anna"), Message(NOW, lows, "anna", 1, "hello", "hash")]
        others: list[Effect] = [Joined(NOW, HIGH_CHAT, highs, "anna"), Message(NOW, highs, "anna", 2, "hello", "hash")]
        strange: list[Effect] = [Joined(NOW, 7, 77, "anna"), Message(NOW, 77, "anna", 3, "hello", "hash")]
        request = Request(NOW, "anna", "users.GetUsers", "ok", 1)
        seen = Journal([*own, *others, *strange, request])
        assert part(seen, worlds.low, worlds.high).entries == [*own, *strange, request]
        assert part(seen, worlds.high, worlds.low).entries == [*others, *strange, request]


class TestVerdict:
    def test_the_truth_agrees(self) -> None:
        assert lies(both()) == []

    @pytest.mark.parametrize("seconds", [8.5, 13.9, 22.5, 28.0])
    def test_what_the_low_one_did_with_an_account_of_the_high_one_is_found(self, seconds: float) -> None:
        assert lies(both((*LOW_DID, (seconds, "anna")))) == [f"{LOW} with anna while {HIGH} had it: said 0, seen 1"]

    @pytest.mark.parametrize("seconds", [7.9, 14.7, 19.0, 21.9, 29.5])
    def test_what_was_in_flight_or_in_the_pause_or_afterwards_is_none(self, seconds: float) -> None:
        assert lies(both((*LOW_DID, (seconds, "anna")))) == []

    def test_an_account_that_the_high_one_does_not_use_any_more_is_free(self) -> None:
        assert lies(both((*LOW_DID, (28.0, "boris")))) == []

    @pytest.mark.parametrize(
        ("found", "sentence"),
        [
            (both(gave_way={"anna": frozenset({HIGH_ID})}), "gave way, and those that Last places used: said ['anna']"),
            (both(gave_way=dict.fromkeys(("anna", "boris"), frozenset({LOW_ID}))), "they said they gave way to"),
            (both(gave_way=dict.fromkeys(("anna", "boris"), frozenset({HIGH_ID, None}))), "they said they gave way to"),
            (both(high_ends=36), "the campaign that ended first: said Newsletter, seen Last places"),
            (both(LOW_DID[:5]), "the campaign that acted last: said Last places, seen Newsletter"),
            (both(LOW_DID[:5]), "goes on after the end of Last places within 10 s: said yes, seen never"),
            (both((*LOW_DID[:5], (41.5, "anna"))), "the end of Last places within 10 s: said yes, seen after 11.5 s"),
            (both([*LOW_DID[:3], *LOW_DID[5:]]), "goes on after the pause of Last places within 10 s"),
            (both(high=[(17.5, "anna"), (29, "anna")]), "has the accounts after it was made within 10 s: said yes"),
            (both(high=HIGH_DID[:4]), "has the accounts again after its pause within 10 s: said yes, seen never"),
            (both(held_up=["boris"]), "still gave way at the end of the pause of Last places: said [], seen ['boris']"),
            (both(priority=5), "priority of Newsletter after its change: said 5, seen 3"),
        ],
    )  # fmt: skip
    def test_what_went_otherwise_is_found(self, found: Both, sentence: str) -> None:
        assert sentence in "\n".join(lies(found))

    def test_a_lie_of_either_campaign_is_found_under_its_name(self) -> None:
        found = both()
        twice = Joined(at(34), LOW_CHAT, 100, "boris")
        journal = Journal([*found.low.truth.journal.entries, twice])
        spoiled = replace(found, low=replace(found.low, truth=replace(found.low.truth, journal=journal)))
        assert f"{LOW}: joined twice: said nobody, seen person_100" in lies(spoiled)

    def test_somebody_contacted_by_both_is_found(self) -> None:
        stranger = Joined(at(34), LOW_CHAT, 200, "boris")
        found = both()
        journal = Journal([*found.low.truth.journal.entries, stranger])
        spoiled = replace(found, low=replace(found.low, truth=replace(found.low.truth, journal=journal)))
        assert "people contacted by both campaigns: said 0, seen 1" in lies(spoiled)


def printed(what: object) -> str:
    out = console()
    with out.capture() as captured:
        out.print(what)
    return captured.get()


class TestPicture:
    def test_it_says_who_has_each_account_and_who_gives_way_to_whom_and_why(self) -> None:
        yields = why(Why.GIVES_WAY, HIGH_ID, at(9))
        low = status(LOW_ID, LOW, "running", {"anna": 4}, anna=yields)
        high = status(HIGH_ID, HIGH, "running", {"anna": 2})
        text = printed(drawn([low, high], NOW))
        assert re.search(r"^Anna +Last places +gives_way to Last places \(9 s\) \(4\) +working", text, re.MULTILINE)
        assert re.search(r"^Boris +changes hands ", text, re.MULTILINE)
        assert re.search(r"^Newsletter   █+ 4 of 4 · running · 9 a minute · At work.$", text, re.MULTILINE)
        assert "gives_way: A campaign of yours with a higher priority has this account. It ends when" in text

    def test_one_campaign_alone_has_all_accounts(self) -> None:
        text = printed(drawn([status(LOW_ID, LOW, "running", {"anna": 4})], NOW))
        assert re.search(r"^Anna +Newsletter +working \(4\)", text, re.MULTILINE)

    def test_a_paused_campaign_has_none(self) -> None:
        text = printed(drawn([status(HIGH_ID, HIGH, "paused", {"anna": 4})], NOW))
        assert re.search(r"^Anna +nobody ", text, re.MULTILINE)

    def test_before_accounts_are_known_it_has_no_lines_for_them(self) -> None:
        assert "0 of 0" in printed(drawn([status(LOW_ID, LOW, "running", {}) | {"accounts": []}], NOW))


def test_the_summary_says_how_fast_accounts_change_hands() -> None:
    out = console()
    with out.capture() as captured:
        summary.show(out, both())
    assert "Newsletter acted 2.0 s after Last places was paused\n" in captured.get()
    assert "Newsletter: made at 0 s, ended at 35 s, 7 actions" in captured.get()


@pytest.mark.parametrize("arguments", [["--file", "a.csv"], ["--recipients", "59"]])
def test_options_that_cannot_go_with_two_campaigns_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--two-campaigns", *arguments])
    assert raised.value.code == 2
