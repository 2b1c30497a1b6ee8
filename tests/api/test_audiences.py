"""`/audiences`: uploads as people send them, and those that cannot be."""

import csv
import io
import json
import zipfile
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tests.api.conftest import Client, assert_problem

RUSSIAN = (
    "Ник;Телефон;Имя\r\n@Anna_K;;Анна\r\nanna_k;;Аня\r\nhttps://t.me/anna_k;;\r\n"
    ";+7 900 123-45-67;Пётр\r\n;79001234567;Пётр\r\n;8 900 123 45 67;Пётр\r\n;;\r\nпросто текст;;\r\n"
)


def workbook(*rows: list[Any]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(file)
    return file.getvalue()


def macros() -> bytes:
    file = io.BytesIO(workbook(["@anna"]))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    return file.getvalue()


def bomb() -> bytes:
    file = io.BytesIO(workbook(["@anna"]))
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = b"<worksheet>" + b" " * 50_000_000
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


PEOPLE = workbook(["Ник", "Телефон"], ["@anna", 79001234567], ["anna", None], ["!", None])


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "utf-16"])
async def test_a_table_is_cleaned_and_stored(client: Client, encoding: str) -> None:
    answer = await client.upload(RUSSIAN.encode(encoding), default_country="RU", name="clients")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["name"], body["rows_read"], body["stored"], body["dropped"]) == ("clients", 8, 2, 6)
    assert body["reasons"] == {"duplicate": 4, "empty": 1, "not_a_name": 1}
    assert body["detected"]["delimiter"] == ";"
    assert body["detected"]["columns"] == {"Ник": "username", "Телефон": "phone", "Имя": "first_name"}
    assert [line["line"] for line in body["dropped_lines"]] == [3, 4, 6, 7, 8, 9]
    assert body["dropped_lines"][0]["text"]["ru"] == "Этот человек уже есть в строке выше."
    assert body["dropped_lines"][-1]["content"] == "просто текст;;"


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        (b"@anna\nboris\nt.me/vera\n", 3),
        (b"username\tcity\n@anna\tTomsk\n", 1),
        (json.dumps([{"username": "@anna"}, {"username": "boris", "id": 7}, {"id": 7}]).encode(), 2),
        (json.dumps(["@anna", "t.me/Anna", "+79001234567"]).encode(), 2),
        (b"username\n!\n", 0),
        (b'{"username": "anna"}\n{"phone": "+79001234567"}\n', 2),
        (PEOPLE, 1),
    ],
)
async def test_other_forms(client: Client, content: bytes, stored: int) -> None:
    answer = await client.upload(content)
    assert (answer.status_code, answer.json()["stored"]) == (201, stored)


async def test_what_was_detected_can_be_overruled(client: Client) -> None:
    mapping = json.dumps({"username": "Кто"})
    answer = await client.upload("Кто|x\nanna|1\n".encode("koi8-r"), mapping=mapping, encoding="koi8-r", delimiter="|")
    assert answer.json()["detected"]["columns"] == {"Кто": "username", "x": ""}


async def test_a_preview_tells_everything_and_stores_nothing(client: Client) -> None:
    fields = {"default_country": "RU", "name": "clients"}
    files = {"file": ("people.csv", RUSSIAN.encode("cp1251"))}
    answer = await client.post("/audiences", params={"preview": True}, files=files, data=fields)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (await client.get("/audiences")).json()["items"] == []
    stored = (await client.upload(RUSSIAN.encode("cp1251"), **fields)).json()
    for name in ("name", "rows_read", "stored", "dropped", "reasons", "detected", "dropped_lines"):
        assert shown[name] == stored[name], name
    assert shown["rows"] == [
        {
            "line": line,
            "username": username,
            "phone": phone,
            "user_id": None,
            "first_name": first_name,
            "last_name": "",
            "fields": {},
            "seen_by": None,
        }
        for line, username, phone, first_name in ((2, "anna_k", None, "Анна"), (5, None, "+79001234567", "Пётр"))
    ]
    assert [line["same_as"] for line in shown["dropped_lines"]] == [2, 2, 5, 5, None, None]


async def test_a_preview_refuses_what_an_upload_refuses(client: Client) -> None:
    for content, status, kind in ((b"", 422, "bad-file"), (b"@anna\n" * 5_001, 413, "too-large")):
        answer = await client.post("/audiences?preview=true", files={"file": ("x.csv", content)})
        assert_problem(answer, status, kind)


async def test_a_sheet_and_the_header_can_be_named(client: Client) -> None:
    answer = await client.upload(PEOPLE, sheet="1", header="true", mapping='{"contact": "2"}')
    assert answer.json()["detected"] == {
        "format": "xlsx",
        "encoding": "",
        "delimiter": "",
        "header": True,
        "columns": {"Ник": "", "Телефон": "contact"},
        "sheet": "Sheet",
        "sheets": ["Sheet"],
    }
    assert (await client.upload(b"phone\nanna\n", header="false")).json()["stored"] == 2


async def test_dropped_lines_are_downloaded_as_a_table(client: Client, stranger: Client) -> None:
    made = (await client.upload(b"username;x\n@anna;1\n=cmd();2\nanna;3\n")).json()
    path = f"/audiences/{made['id']}/dropped?format=csv"
    answer = await client.get(path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["line"], row["content"], row["reason"], row["same_as"]) for row in rows] == [
        ("3", "'=cmd();2", "not_a_name", ""),
        ("4", "anna;3", "duplicate", "2"),
    ]
    assert rows[1]["text_ru"] == "Этот человек уже есть в строке выше."
    assert_problem(await stranger.get(path), 404, "not-found")


async def test_an_audience_is_deleted_and_its_campaigns_are_named(client: Client, stranger: Client) -> None:
    audience = await client.audience()
    campaign = await client.campaign(audience_id=audience)
    assert_problem(await stranger.delete(f"/audiences/{audience}"), 404, "not-found")
    answer = await client.delete(f"/audiences/{audience}")
    assert (answer.status_code, answer.json()) == (200, {"id": audience, "campaigns": [campaign]})
    assert (await client.get(f"/invite/{campaign}/status")).json()["counts"]["total"] == 3
    for ask in (client.get, client.delete):
        assert_problem(await ask(f"/audiences/{audience}"), 404, "not-found")
    assert_problem(await client.invite(audience_id=audience), 404, "not-found")


async def test_audiences_are_listed_and_read(client: Client) -> None:
    made = [(await client.upload(b"@anna\n!\n!!\n")).json() for _ in range(3)]
    ids = [each["id"] for each in made]
    first = (await client.get("/audiences", params={"limit": 2})).json()
    then = (await client.get("/audiences", params={"limit": 2, "before": first["next"]})).json()
    assert [each["id"] for each in [*first["items"], *then["items"]]] == ids[::-1]
    assert then["next"] is None
    one = (await client.get(f"/audiences/{ids[0]}")).json()
    assert one == {name: made[0][name] for name in one}
    page = (await client.get(f"/audiences/{ids[0]}/dropped", params={"limit": 1})).json()
    assert [each["line"] for each in page["items"]] == [2]
    rest = (await client.get(f"/audiences/{ids[0]}/dropped", params={"after": page["next"]})).json()
    assert ([each["line"] for each in rest["items"]], rest["next"]) == ([3], None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"username;phone\n", "nothing below"),
        (b"@anna\n@b\0ris\n", "NUL"),
        ("username,имя\n@anna,Анна\n@boris,Бор".encode() + b"\xd0", "line 3"),
        (macros(), "xl/vbaProject.bin"),
        (PEOPLE[:-100], "cut off"),
        (bomb(), "xl/worksheets/sheet1.xml: "),
        (b"username\n" + b"@anna\n" * 100_000 + b"@b\xd0ris\n" + "Борис\n".encode(), "line 100002"),
        (b'username\n@anna\n"@boris\n', "line 3: A quotation mark"),
        (b'[{"username": "anna"}, {"username": "bo', "line 2: The JSON is broken: Unterminated string."),
        (b"username,note\n@anna," + b"x" * 1_900_000 + b"\n", "line 2"),
        (b"[" * 50_000, "nested"),
        (b"username" + b",x" * 400 + b"\n@anna\n", "401 columns"),
        (b"username\n" + b"x" * 20_000 + b"\n", "line 2"),
        (b'{"a":' * 50_000, "line 1"),
    ],
)
async def test_a_file_that_cannot_be_read(client: Client, content: bytes, words: str) -> None:
    problem = assert_problem(await client.upload(content), 422, "bad-file", "file")
    assert words in problem["detail"]
    assert (await client.get("/audiences")).json()["items"] == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"delimiter": "#"}, "delimiter"),
        ({"default_country": "ZZZ"}, "default_country"),
        ({"mapping": "{"}, "mapping"),
        ({"mapping": "[" * 10_000}, "mapping"),
        ({"mapping": "[1]"}, "mapping"),
        ({"mapping": '{"username": 5}'}, "mapping"),
        ({"mapping": '{"shoe": "1"}'}, "mapping"),
        ({"colour": "red"}, "colour"),
        ({"header": "perhaps"}, "header"),
        ({"sheet": "1"}, "sheet"),
    ],
)
async def test_a_field_that_cannot_be(client: Client, fields: dict[str, str], field: str) -> None:
    assert_problem(await client.upload(b"@anna\n", **fields), 422, "invalid", field)


async def test_an_upload_without_a_file(client: Client) -> None:
    assert_problem(await client.post("/audiences"), 422, "bad-file", "file")
    assert_problem(await client.post("/audiences", json={"file": "x"}), 422, "bad-file", "file")
    assert_problem(await client.post("/audiences", data={"file": "x"}), 422, "bad-file", "file")


async def test_a_broken_form(client: Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--y", b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n@anna"):
        answer = await client.post("/audiences", content=body, headers=headers)
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_file_that_is_too_large(client: Client) -> None:
    large = b"@anna\n" * (3 * 1024 * 1024 // 6)
    assert_problem(await client.upload(large), 413, "too-large")

    async def streamed() -> Any:  # its length is not announced
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(48):
            yield b"@anna\n" * 10_922
        yield b"\r\n--x--\r\n"

    answer = await client.post(
        "/audiences", content=streamed(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert_problem(answer, 413, "too-large")


async def test_a_file_with_too_many_rows(client: Client) -> None:
    content = "\n".join(f"user_{n}" for n in range(5_001)).encode()
    assert_problem(await client.upload(content), 413, "too-large")
    assert (await client.get("/audiences")).json()["items"] == []


def _spoilt(content: bytes) -> st.SearchStrategy[bytes]:
    """The file with a piece taken out, or other bytes put in."""
    places = st.integers(0, len(content))
    return st.builds(lambda at, to, put: content[:at] + put + content[to:], places, places, st.binary(max_size=6))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet='@anAЖ;,\t\n\r"[]{}: 7+', max_size=200).map(str.encode),
        st.lists(st.dictionaries(st.sampled_from(["username", "phone", "x"]), st.text(max_size=30)), max_size=8).map(
            lambda value: json.dumps(value).encode()
        ),
        st.text(max_size=60).map(lambda text: ("username\n" + text).encode("utf-8", "ignore")),
        _spoilt(RUSSIAN.encode()),
        _spoilt(RUSSIAN.encode("utf-16")),
        _spoilt(b'{"username": "anna"}\n{"phone": "+79001234567", "x": [1]}\n'),
        _spoilt(PEOPLE),
    )
)
async def test_whatever_bytes_come_they_are_counted_or_refused(client: Client, content: bytes) -> None:
    answer = await client.upload(content)
    if answer.status_code == 201:
        body = answer.json()
        assert body["stored"] + body["dropped"] == body["rows_read"]
        assert sum(body["reasons"].values()) == body["dropped"]
    else:
        assert_problem(answer, 422, "bad-file")
    shown = await client.post("/audiences?preview=true", files={"file": ("people.csv", content)})
    assert shown.status_code == (200 if answer.status_code == 201 else 422)


async def test_an_upload_needs_a_token_before_it_is_read(nobody: Client) -> None:
    read = 0

    async def streamed() -> Any:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 1000

    answer = await nobody.post(
        "/audiences", content=streamed(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert_problem(answer, 401, "unauthenticated")
    assert isinstance(answer, httpx.Response)
