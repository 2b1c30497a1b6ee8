"""The demonstration's pure parts: the file is what it should be, and no lie gets past the verdict."""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from devstack.demo import audience_file, verdict
from devstack.demo.client import Report
from devstack.demo.command import judge, main
from devstack.demo.picture import console, drawn
from devstack.demo.verdict import Claims, Truth
from devstack.demo.world import CHAT_ID, INVITE, Fate, around, made
from devstack.errors import DevstackError
from devstack.telegram_dc import scenario
from devstack.telegram_dc.journal import Effect, Joined, Journal, Message, Request, SessionDestroyed
from domain.audience import DropReason
from storage.files.sources import Overrides, Source

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def cleaned(content: bytes) -> tuple[set[str], Counter[str]]:
    """Whom our own import finds in the file, doubles left out, and why it drops the others."""
    people: set[str] = set()
    dropped: Counter[str] = Counter()
    for line in Source(io.BytesIO(content), Overrides()).lines():
        if isinstance(line.found, DropReason):
            dropped[line.found.value] += 1
        else:
            people.add(line.found.username or line.found.phone or "")
    return people, dropped


class TestFile:
    def test_it_is_what_russian_excel_writes(self) -> None:
        content = made(300, 6, 1).content
        lines = content.decode("cp1251").split("\r\n")
        assert lines[0] == "Ник;Имя;Телефон"
        assert lines[-1] == ""
        assert len(lines) - 2 == 330
        assert b"\n" not in content.replace(b"\r\n", b"")
        assert ";;" in lines
        assert any('""' in line for line in lines)
        assert any('; Москва"' in line for line in lines)
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8")

    @pytest.mark.parametrize("recipients", [1, 2, 7, 40, 300, 1234])
    @pytest.mark.parametrize("seed", [1, 2, 99])
    def test_it_is_cleaned_to_exactly_the_people_of_the_world(self, recipients: int, seed: int) -> None:
        world = made(recipients, 6, seed)
        people, _ = cleaned(world.content)
        assert people == set(world.people)
        assert len(people) == recipients

    def test_it_holds_rubbish_empty_rows_and_doubles(self) -> None:
        people, dropped = cleaned(made(300, 6, 1).content)
        assert dropped == {"not_a_name": 9, "empty": 6}
        rows = made(300, 6, 1).content.count(b"\r\n") - 1
        assert rows - sum(dropped.values()) - len(people) == 15

    def test_no_people_make_a_header(self) -> None:
        assert audience_file.written([], Random(1)).decode("cp1251") == "Ник;Имя;Телефон\r\n"

    def test_the_same_seed_makes_the_same_world(self) -> None:
        assert made(50, 6, 7) == made(50, 6, 7)
        assert made(50, 6, 7).content != made(50, 6, 8).content


class TestWorld:
    @pytest.mark.parametrize("accounts", [1, 2, 6, 9])
    def test_it_is_a_scenario_that_the_data_centre_takes(self, accounts: int) -> None:
        world = made(300, accounts, 1)
        scenario.check(world.scenario)
        assert len(world.scenario.accounts) == accounts
        assert set(world.fates) == {account.name for account in world.scenario.accounts}

    def test_each_fate_is_met_by_one_of_six(self) -> None:
        world = made(300, 6, 1)
        assert Counter(world.fates.values()) == dict.fromkeys(Fate, 1) | {Fate.PLAIN: 2}
        assert sorted(fault.kind for fault in world.scenario.faults) == ["ban", "flood_wait", "peer_flood"]
        assert {fault.method for fault in world.scenario.faults} == {INVITE}

    def test_about_half_refuse_invitations(self) -> None:
        people = made(300, 6, 1).scenario.people
        assert 0.45 < sum(each.invite != "accepts" for each in people) / len(people) < 0.55

    def test_everybody_in_a_users_file_exists_and_half_refuse(self) -> None:
        content = 'name;username\r\nАнна;@anna_k\r\nБорис;https://t.me/Boris_B\r\n"Вера; В";vera1\r\n'.encode("cp1251")
        world = around(content, "mine.csv", 5, 1)
        scenario.check(world.scenario)
        assert {"anna_k", "boris_b", "vera1"} <= set(world.people)
        assert world.scenario.faults == []
        assert Counter(each.invite for each in world.scenario.people)["refuses"] == len(world.people) // 2

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_usernames_are_found_in_any_shape_of_file(self, encoding: str, delimiter: str) -> None:
        text = f"anna_k{delimiter}Анна\n@Boris_B{delimiter}Борис\nhttps://t.me/vera_v?x=1{delimiter}\n"
        assert {"anna_k", "boris_b", "vera_v"} <= set(audience_file.usernames(text.encode(encoding)))

    def test_usernames_are_found_in_json(self) -> None:
        content = rb'["anna_k", {"username": "@boris_b"}, {"username": "https:\/\/t.me\/vera_v"}]'
        assert {"anna_k", "boris_b", "vera_v"} <= set(audience_file.usernames(content))

    def test_a_group_is_not_called_like_somebody_in_the_file(self) -> None:
        world = around(b"demo_group_0\n", "mine.csv", 1, 1)
        scenario.check(world.scenario)
        assert world.group == "demo_group_1"

    @pytest.mark.parametrize("content", [b"", b"\x00\xff", b";;;\n", bytes(range(256))])
    def test_a_file_without_names_makes_a_world_too(self, content: bytes) -> None:
        scenario.check(around(content, "mine.csv", 5, 1).scenario)


# A campaign of six: Ann and Bob joined, Cid was written to, Dan refused, Eve has a phone only, Flo is in doubt.
PEOPLE = {"ann_a": 1, "bob_b": 2, "cid_c": 3, "dan_d": 4, "+79160000005": 5, "flo_f": 6}
NOT_REACHED = [
    ("dan_d", None, "refused", "privacy", "boris"),
    ("", "+79160000005", "unreachable", "no_path", None),
    ("flo_f", None, "uncertain", "no_answer", "clara"),
]


def joined(user: int, by: str) -> Joined:
    return Joined(NOW, CHAT_ID, user, by)


def message(user: int, by: str) -> Message:
    return Message(NOW, user, by, user * 7, "hello", "hash")


def journal(*more: Effect) -> Journal:
    banned = Request(NOW, "clara", INVITE, "USER_DEACTIVATED_BAN", 3)
    return Journal([joined(1, "anna"), joined(2, "boris"), message(3, "boris"), banned, *more])


def without(user: int) -> Journal:
    return Journal([each for each in journal().entries if getattr(each, "user", None) != user])


def status() -> dict[str, Any]:
    return {
        "state": "done_with_errors",
        "why": {"text": {"en": "It has ended."}, "until": None},
        "speed_per_minute": 0.0,
        "counts": {
            "total": 6, "processed": 6, "percent": 100.0, "left": 0, "invited": 2, "already_member": 0,
            "messaged": 0, "messaged_instead": 1, "link_sent": 0, "refused": {"privacy": 1},
            "unreachable": {"no_path": 1}, "failed": {}, "uncertain": 1, "cancelled": 0,
        },
        "accounts": [
            account("anna", "working", {"invited": 1}),
            account("boris", "working", {"invited": 1, "messaged_instead": 1, "refused": 1}),
            account("clara", "blocked", {}),
        ],
    }  # fmt: skip


def account(name: str, state: str, done: dict[str, int]) -> dict[str, Any]:
    why = {"code": state, "text": {"en": "At work."}, "until": "2030-01-01T00:00:09Z"}
    return {"id": name, "label": name.title(), "state": state, "why": why, "done": done, "errors": {}}


def row(username: str, phone: str | None, outcome: str, reason: str, by: str | None) -> dict[str, Any]:
    settled = "2030-01-01T00:00:00+00:00"
    names = {"username": username or None, "phone": phone, "user_id": None, "first_name": "=Ann"}
    rest = {"outcome": outcome, "reason": reason, "account_id": by, "settled_at": settled, "text": {"en": "…"}}
    return names | rest


def as_csv(rows: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return "'" + text if text.startswith(("+", "=")) else text

    return [{key: cell(value) for key, value in each.items()} for each in rows]


def claims(**changes: Any) -> Claims:
    rows = [row(*each) for each in changes.pop("rows", NOT_REACHED)]
    said = status()
    said["counts"] |= changes.pop("counts", {})
    report = Report(deepcopy(said), rows, as_csv(rows))
    return replace(Claims(6, said, deepcopy(said), report), **changes)


def truth(entries: Journal | None = None, **changes: Any) -> Truth:
    seen = Truth(entries or journal(), PEOPLE, expected=6, quiet=(2, 2), told=frozenset({"clara"}))
    return replace(seen, **changes)


def lies(said: Claims, seen: Truth) -> str:
    return "\n".join(str(check) for check in verdict.checks(said, seen) if not check.agrees)


class TestVerdict:
    def test_the_truth_agrees(self) -> None:
        assert lies(claims(), truth()) == ""

    @pytest.mark.parametrize("effect", [joined(6, "clara"), message(6, "clara")])
    def test_what_became_of_somebody_in_doubt_may_be_anything(self, effect: Effect) -> None:
        assert lies(claims(), truth(journal(effect))) == ""

    @pytest.mark.parametrize(
        ("seen", "sentence"),
        [
            (truth(journal(message(3, "anna"))), "written to twice: said nobody, seen cid_c"),
            (truth(journal(joined(1, "boris"))), "joined twice: said nobody, seen ann_a"),
            (truth(journal(message(1, "anna"))), "invited and written to: said nobody, seen ann_a"),
            (truth(journal(joined(77, "anna"))), "not in the audience: said nobody, seen somebody else (77)"),
            (truth(journal(message(4, "anna"))), "listed as not reached, but contacted: said nobody, seen dan_d"),
            (truth(without(2)), "invited: said 2, seen 1"),
            (truth(without(2)), "lost: neither contacted nor listed as not reached: said nobody, seen bob_b"),
            (truth(journal(SessionDestroyed(NOW, "boris"))), "sessions destroyed: said nobody, seen boris"),
            (truth(quiet=(2, 4)), "actions while paused: said 0, seen 2"),
            (truth(expected=7), "people in the audience: said 6, seen 7"),
            (truth(told=frozenset()), "integration-service was told of: said ['clara'], seen []"),
            (truth(Journal(journal().effects())), "that Telegram banned: said ['clara'], seen []"),
            (truth(Journal(journal().effects())), "account that was not banned: said nobody, seen flo_f"),
        ],
    )  # fmt: skip
    def test_what_happened_otherwise_is_found(self, seen: Truth, sentence: str) -> None:
        assert sentence in lies(claims(), seen)

    @pytest.mark.parametrize(
        ("counts", "sentence"),
        [
            ({"invited": 3}, "invited: said 3, seen 2"),
            ({"messaged_instead": 0}, "messaged: said 0, seen 1"),
            ({"processed": 5, "left": 1}, "people settled: said 5, seen 6"),
            ({"total": 7}, "people in the campaign: said 7, seen 6"),
            ({"refused": {"privacy": 2}}, "people not reached by reason"),
            ({"uncertain": 0}, "people counted as uncertain, and listed so: said 0, seen 1"),
        ],
    )
    def test_a_wrong_count_is_found(self, counts: dict[str, Any], sentence: str) -> None:
        assert sentence in lies(claims(counts=counts), truth())

    def test_somebody_missing_in_the_report_is_found(self) -> None:
        found = lies(claims(rows=NOT_REACHED[1:]), truth())
        assert "lost: neither contacted nor listed as not reached: said nobody, seen dan_d" in found
        assert "people not reached by reason" in found

    def test_a_campaign_that_has_not_ended_is_found(self) -> None:
        said = claims()
        said.status["state"] = "running"
        assert "the campaign has ended: said False, seen True" in lies(said, truth())

    @pytest.mark.parametrize(
        ("spoil", "sentence"),
        [
            (lambda said: said.workflow["counts"].update(invited=1), "counts from the status, and from the workflow"),
            (lambda said: said.report.status.update(state="done"), "state from the status, and from the report"),
            (lambda said: said.report.rows[0].update(reason="bot"), "between the JSON and the CSV report: said nobody"),
            (lambda said: said.report.rows.pop(), "between the JSON and the CSV report: said nobody, seen flo_f"),
            (lambda said: said.status["accounts"][0]["done"].update(invited=2), "invited by anna: said 2, seen 1"),
            (lambda said: said.status["accounts"].pop(0), "the status does not know: said [], seen ['anna']"),
        ],
    )  # fmt: skip
    def test_sources_that_differ_are_found(self, spoil: Callable[[Any], object], sentence: str) -> None:
        said = claims()
        spoil(said)
        assert sentence in lies(said, truth())

    def test_a_file_with_other_words_in_it_is_judged_by_the_numbers(self) -> None:
        more = PEOPLE | {"city": 70, "name": 71}
        assert lies(claims(), truth(people=more, expected=None)) == ""
        assert "invited: said 2, seen 1" in lies(claims(), truth(without(2), people=more, expected=None))

    def test_a_lie_ends_the_demonstration_with_an_error_that_names_it(self) -> None:
        out = console()
        with out.capture() as captured, pytest.raises(DevstackError) as raised:
            judge(out, claims(), truth(journal(message(3, "anna"))))
        assert "  written to twice: said nobody, seen cid_c" in str(raised.value).splitlines()
        assert "comparisons agree" in captured.get()

    def test_the_truth_is_shown_number_by_number(self) -> None:
        out = console()
        with out.capture() as captured:
            judge(out, claims(), truth())
        assert re.search(r"invited by boris +1 +1\n", captured.get())


def test_the_picture_says_who_waits_why_and_until_when() -> None:
    out = console()
    with out.capture() as captured:
        out.print(drawn(status(), NOW))
    text = captured.get()
    assert "6 of 6 · done_with_errors · 0 a minute · It has ended." in text
    assert "Clara" in text
    assert "Until " in text
    assert "(9 s)" in text


class TestCommandLine:
    def test_a_file_that_is_not_there_is_told_before_anything_starts(self, tmp_path: Path) -> None:
        with pytest.raises(DevstackError, match=r"nowhere\.csv: No such file"):
            main(["--file", str(tmp_path / "nowhere.csv")])

    @pytest.mark.parametrize(
        "arguments",
        [["--accounts", "0"], ["--recipients", "many"], ["--file", "a.csv", "--recipients", "3"], ["mine.csv"]],
    )
    def test_options_that_cannot_be_meant_are_refused(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as raised:
            main(arguments)
        assert raised.value.code == 2
