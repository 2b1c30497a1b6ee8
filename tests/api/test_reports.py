"""`/report` and `/recipients`: one moment, whole, harmless in a spreadsheet, in the reader's language."""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from sqlalchemy import text
from starlette.types import Message

from api.report_files.head import Head
from api.report_files.workbook import SHEET_ROWS, WorkbookReport
from api.schemas.report import TotalsOut
from api.schemas.status import StatusOut
from domain.campaign import State
from domain.headings import account_state_word, done_word, error_word, note
from domain.languages import Language
from domain.outcome import Kind, Reason
from domain.sentences import sentence
from domain.statistics import Count, done_by, errors_of
from storage.engine import Database
from storage.reports import ACCOUNT_STATES, PersonLine, Reports
from tests.api.conftest import Client, ManualClock, assert_problem, make_token
from tests.api.settled import settle


def sheets(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """A workbook's rows by sheet."""
    book = load_workbook(io.BytesIO(content), read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


async def test_report_in_json(client: Client, campaign: str) -> None:
    answer = await client.get(f"/invite/{campaign}/report")
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    status = (await client.get(f"/invite/{campaign}/status")).json()
    assert body["status"]["counts"] == status["counts"]
    rows = {row["first_name"]: row for row in body["not_reached"]}
    assert {name: (row["outcome"], row["reason"]) for name, row in rows.items()} == {
        "=cmd()": ("refused", "privacy"),
        "Vera": ("unreachable", "no_path"),
        "Galya": ("waiting", ""),
    }
    assert rows["=cmd()"]["text"] == sentence(Reason.PRIVACY)
    assert (rows["=cmd()"]["username"], rows["=cmd()"]["account_id"]) == ("boris", "a1")
    assert rows["Galya"]["phone"] == "+79001234567"


async def test_report_in_csv_is_harmless_in_a_spreadsheet(client: Client, campaign: str) -> None:
    answer = await client.get(f"/invite/{campaign}/report", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert ".csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["first_name"] for row in rows] == ["'=cmd()", "Vera", "Galya"]
    assert rows[2]["phone"] == "'+79001234567"
    assert rows[0]["text"] == sentence(Reason.PRIVACY)["en"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())


async def test_the_table_says_what_the_json_says(
    client: Client, campaign: str, worker_database: Database, owner: str
) -> None:
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("UPDATE recipient SET settled_at = '2026-03-01T09:01:02.12Z' WHERE campaign_id = :c AND position = 1"),
            {"c": campaign},
        )
    rows = (await client.get(f"/invite/{campaign}/report")).json()["not_reached"]
    content = (await client.get(f"/invite/{campaign}/report?format=csv")).content
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == len(table) == 3
    for row, line in zip(rows, table, strict=True):
        told = {name: cell.removeprefix("'") for name, cell in line.items()}
        assert told == {name: row["text"]["en"] if name == "text" else str(row[name] or "") for name in told}


async def test_a_report_of_many_is_streamed_whole(client: Client) -> None:
    content = "\n".join(f"user_{n:05}" for n in range(1_700)).encode()
    campaign = await client.campaign(audience_id=await client.audience(content))
    rows = (await client.get(f"/invite/{campaign}/report")).json()["not_reached"]
    assert [row["username"] for row in rows] == [f"user_{n:05}" for n in range(1_700)]
    table = (await client.get(f"/invite/{campaign}/report?format=csv")).text
    assert table.count("\r\n") == 1_701


async def test_the_totals_add_up_to_the_status_in_each_of_four_ways(client: Client, campaign: str) -> None:
    body = (await client.get(f"/invite/{campaign}/report")).json()
    totals, counts = body["totals"], body["status"]["counts"]
    for name in ("by_action", "by_reason", "by_account", "by_day"):
        assert sum(each["recipients"] for each in totals[name]) == counts["processed"], name
    for name in ("by_action", "by_account", "by_day"):
        assert sum(each["reached"] for each in totals[name]) == counts["invited"], name
    assert totals["by_account"] == [
        {"account_id": None, "recipients": 1, "reached": 0},
        {"account_id": "a1", "recipients": 2, "reached": 1},
    ]
    assert {"outcome": "refused", "reason": "privacy", "text": sentence(Reason.PRIVACY), "recipients": 1} in totals[
        "by_reason"
    ]
    listed = Counter((row["outcome"], row["reason"]) for row in body["not_reached"] if row["outcome"] != "waiting")
    counted = {(each["outcome"], each["reason"]): each["recipients"] for each in totals["by_reason"]}
    assert {key: n for key, n in counted.items() if key[0] != "invited"} == listed


async def test_days_are_those_of_the_schedules_time_zone(client: Client, worker_database: Database, owner: str) -> None:
    campaign = await client.campaign(schedule={"time_zone": "Asia/Kathmandu"})
    await settle(worker_database, owner, campaign, 0, Kind.INVITED)
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("UPDATE recipient SET settled_at = '2026-03-01T18:20Z' WHERE campaign_id = :c AND position = 0"),
            {"c": campaign},
        )
    totals = (await client.get(f"/invite/{campaign}/report")).json()["totals"]
    assert totals["time_zone"] == "Asia/Kathmandu"
    assert totals["by_day"] == [{"day": "2026-03-02", "recipients": 1, "reached": 1}]


async def test_report_as_a_workbook(client: Client, campaign: str) -> None:
    answer = await client.get(f"/invite/{campaign}/report", params={"format": "xlsx"})
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    found = sheets(answer.content)
    assert list(found) == ["Summary", "Accounts", "Not reached", "Everybody"]
    summary = {row[0]: row[1] for row in found["Summary"] if row and row[0]}
    assert (summary["People in all"], summary["Handled"], summary["Left"], summary["Invited"]) == (4, 3, 1, 1)
    assert summary[sentence(Reason.PRIVACY)["en"]] == 1
    assert summary["Note"] == note(State.RUNNING, 3)["en"]
    assert summary["2026-03-01"] == 3
    assert (summary["Joined"], summary["Not known"]) == (0, 1)
    assert found["Accounts"][1][:2] == ("a1", "Label")
    assert found["Accounts"][1][5:7] == (2, 1)
    assert found["Accounts"][2][0] == "(without an account)"
    assert [row[3] for row in found["Everybody"][1:]] == ["Anna", "=cmd()", "Vera", "Galya"]
    assert [row[3] for row in found["Not reached"][1:]] == ["=cmd()", "Vera", "Galya"]
    assert found["Not reached"][3][1] == "+79001234567"


async def test_no_cell_of_a_workbook_is_a_formula(client: Client, campaign: str) -> None:
    content = (await client.get(f"/invite/{campaign}/report?format=xlsx")).content
    book = load_workbook(io.BytesIO(content))
    texts = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert any(cell.value == "=cmd()" for cell in texts)
    assert {cell.data_type for cell in texts} <= {"s", "inlineStr"}


@pytest.mark.parametrize("written", ["csv", "xlsx"])
async def test_report_in_russian(client: Client, campaign: str, written: str) -> None:
    answer = await client.get(f"/invite/{campaign}/report", params={"format": written, "language": "ru"})
    assert unquote(answer.headers["content-disposition"]).endswith(f"Spring - отчёт 2026-03-01.{written}")
    if written == "csv":
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        found = sheets(answer.content)
        assert list(found) == ["Итоги", "Аккаунты", "Не получили", "Все получатели"]
        rows = [list(row) for row in found["Не получили"]]
    assert rows[0][:2] == ["Имя пользователя", "Телефон"]
    assert rows[1][7] == sentence(Reason.PRIVACY)["ru"]


async def test_accounts_are_told_of_in_russian_alone(
    client: Client, campaign: str, worker_database: Database, owner: str
) -> None:
    async with worker_database.owner(owner) as tx:
        for kind, reason, instead in (
            ("rate_limited", "flood_wait", False),
            ("unavailable", "", False),
            ("refused", "blocked_us", True),
        ):
            await tx.execute(
                text("INSERT INTO counter VALUES (:c, 'a1', 'invite', :i, :kind, :reason, false, :owner, 2)"),
                {"c": campaign, "i": instead, "kind": kind, "reason": reason, "owner": owner},
            )
    answer = await client.get(f"/invite/{campaign}/report", params={"format": "xlsx", "language": "ru"})
    account = sheets(answer.content)["Аккаунты"][1]
    assert account[2] == "отдыхает по требованию платформы"
    assert "Отказы (Вместо отклонённого приглашения): 2" in account[7]
    assert "Платформа попросила аккаунт подождать: 2" in account[8]
    told = " ".join(cell for cell in account[2:] if isinstance(cell, str))
    assert not re.search("[a-z]{2}", told.replace("FloodWait", ""))


@pytest.mark.parametrize("language", Language)
def test_there_are_words_for_all_that_an_account_can_have_done(language: Language) -> None:
    for counted in (Count("a1", "invite", instead, kind, "", True, 1) for kind in Kind for instead in (False, True)):
        assert all(done_word(each, language) for each in done_by([counted], "a1"))
        assert all(error_word(each, language) for each in errors_of([counted], "a1"))
    assert all(error_word(each, language) for each in Reason if each)
    assert all(account_state_word(each, language) for each in (*ACCOUNT_STATES.values(), "working", "not_admin"))


async def test_the_name_of_a_file_is_harmless(client: Client) -> None:
    campaign = await client.campaign(name='../"a"; filename=x')
    disposition = (await client.get(f"/invite/{campaign}/report?format=csv")).headers["content-disposition"]
    assert disposition.count('"') == 2
    assert "/" not in unquote(disposition)


async def test_a_report_says_how_final_it_is(client: Client) -> None:
    draft = await client.campaign(start=False)
    body = (await client.get(f"/invite/{draft}/report")).json()
    assert body["note"] == note(State.DRAFT, 0)
    assert body["totals"]["by_day"] == []
    assert {row["outcome"] for row in body["not_reached"]} == {"waiting"}
    begun = await client.campaign()
    assert (await client.get(f"/invite/{begun}/report")).json()["note"] == note(State.RUNNING, 0)


def person(position: int, *, reached: bool) -> PersonLine:
    outcome = Kind.INVITED if reached else Kind.REFUSED
    return PersonLine(position, f"user_{position}", None, None, "", "", outcome, "", "invite", False, "a1", None, None)


@pytest.fixture
async def head(campaign: str, database: Database, owner: str, clock: ManualClock) -> Head:
    """Of the campaign's report."""
    async with Reports(database).whole(owner, UUID(campaign), clock.now) as whole:
        status = StatusOut.of("Spring", whole.snapshot, {})
        return Head(status, TotalsOut.of(whole.totals), note(State.RUNNING, 3), Language.EN)


def book_of(head: Head, people: Sequence[PersonLine], rows: int = SHEET_ROWS) -> bytes:
    """A report as a workbook."""
    with TemporaryFile() as file:
        report = WorkbookReport(file, head, rows)
        report.add(people)
        report.end()
        file.seek(0)
        return file.read()


async def test_rows_that_do_not_fit_a_sheet_go_on_on_the_next(head: Head) -> None:
    found = sheets(book_of(head, [person(position, reached=position % 2 == 0) for position in range(8)], rows=4))
    names = [row[0] for name, rows in found.items() if name.startswith("Everybody") for row in rows[1:]]
    assert names == [f"user_{position}" for position in range(8)]
    assert [len(rows) for name, rows in found.items() if name.startswith("Not reached")] == [4, 2]
    assert {"Everybody", "Everybody 2", "Everybody 3"} <= set(found)


_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
_MARKUP = st.sampled_from(["<r>&</r>", "<r><t>x</t></r>", "<r></t></is></c><c><f>1+1</f></c><c><is><t></r>", "_x0041_"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(_NAMES | _MARKUP | st.builds("{}{}".format, st.sampled_from("=+-@"), _NAMES), min_size=1))
async def test_a_name_is_a_text_in_a_workbook_whatever_it_holds(head: Head, names: list[str]) -> None:
    people = [replace(person(n, reached=True), first_name=name) for n, name in enumerate(names)]
    sheet = load_workbook(io.BytesIO(book_of(head, people)))["Everybody"]
    cells = [sheet.cell(row, 4) for row in range(2, 2 + len(names))]
    assert [unescape(cell.value or "").removesuffix(" ") for cell in cells] == [
        name.removesuffix(" ") for name in names
    ]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


async def test_who_has_left_is_not_written_for(app: FastAPI, campaign: str, owner: str, clock: ManualClock) -> None:
    received: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0) if received else await asyncio.Event().wait()

    async def send(message: Message) -> None:
        sent.append(message)

    reports: Reports = app.state.services.reports
    async with reports.whole(owner, UUID(campaign), clock.now):  # as long as it is read, the next one waits
        await app(
            {
                "type": "http",
                "method": "GET",
                "path": f"/invite/{campaign}/report",
                "query_string": b"format=xlsx",
                "headers": [(b"authorization", f"Bearer {make_token(owner)}".encode())],
            },
            receive,
            send,
        )
    assert [message.get("status") for message in sent if message["type"] == "http.response.start"] == [499]


async def test_what_the_looks_found_is_told(
    client: Client, campaign: str, worker_database: Database, owner: str
) -> None:
    async with worker_database.owner(owner) as tx:
        await tx.execute(
            text("UPDATE recipient SET membership = 'left' WHERE campaign_id = :c AND position = 0"), {"c": campaign}
        )
    assert [each["membership"] for each in await walk(client, campaign)] == ["left", None, None, None]
    found = sheets((await client.get(f"/invite/{campaign}/report?format=xlsx")).content)
    assert (found["Everybody"][0][-1], found["Everybody"][1][-1]) == ("membership", "left")
    summary = {row[0]: row[1] for row in found["Summary"] if row and row[0]}
    assert (summary["Have looked"], summary["May invite"], summary[sentence(Reason.SLOW_MODE)["en"]]) == (1, 1, 1)


async def test_who_was_erased_is_an_empty_line(client: Client, campaign: str) -> None:
    assert (await client.delete("/people/@boris")).status_code == 200
    [_, erased, *_] = await walk(client, campaign)
    names = ("username", "phone", "user_id", "first_name", "last_name")
    assert [erased[name] for name in names] == [None, None, None, "", ""]
    assert (erased["outcome"], erased["reason"]) == ("refused", "privacy")
    table = (await client.get(f"/invite/{campaign}/report?format=csv")).content.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(table)))[1][:6] == ["", "", "", "", "", "refused"]


async def walk(client: Client, campaign: str, **filters: Any) -> list[dict[str, Any]]:
    """All pages of one person each."""
    people: list[dict[str, Any]] = []
    after = -1
    while True:
        answer = await client.get(f"/invite/{campaign}/recipients", params={"limit": 1, "after": after, **filters})
        page = answer.json()
        people += page["items"]
        if page["next"] is None:
            return people
        after = page["next"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["Anna", "=cmd()", "Vera", "Galya"]),
        ({"outcome": "refused"}, ["=cmd()"]),
        ({"reason": "no_path"}, ["Vera"]),
        ({"account_id": "a1"}, ["Anna", "=cmd()"]),
        ({"account_id": "a1", "outcome": "invited"}, ["Anna"]),
        ({"waiting": "true"}, ["Galya"]),
        ({"waiting": "false"}, ["Anna", "=cmd()", "Vera"]),
        ({"account_id": "other"}, []),
    ],
)
async def test_recipients_page_by_page(
    client: Client, campaign: str, filters: dict[str, str], names: list[str]
) -> None:
    people = await walk(client, campaign, **filters)
    assert [each["first_name"] for each in people] == names


async def test_a_recipient_is_told_as_the_report_tells_it(client: Client, campaign: str) -> None:
    everybody = await walk(client, campaign)
    assert everybody[1:] == (await client.get(f"/invite/{campaign}/report")).json()["not_reached"]
    assert (everybody[3]["outcome"], everybody[3]["text"]["en"]) == ("waiting", "Not done yet.")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("outcome=waiting_", "outcome"),
        ("reason=weather", "reason"),
        ("account_id=", "account_id"),
        ("account_id=%00", "account_id"),
        ("waiting=perhaps", "waiting"),
        ("after=-2", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
    ],
)
async def test_a_filter_that_cannot_be(client: Client, campaign: str, query: str, field: str) -> None:
    assert_problem(await client.get(f"/invite/{campaign}/recipients?{query}"), 422, "invalid", field)
