"""What `invite` sends and shows where a small server answers in the API's shapes, and what breaks off."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from cli.errors import ExitCode
from tests.api.command_line import Invite, serving, surroundings

ID = "5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41"
DROPPED = {"content": "не знаю", "reason": "not_a_name", "text": {"en": "Not a name.", "ru": "Это не имя."}}


class Small:
    """It answers what a test gives it, by method and path, and keeps what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []
        self.keys: list[str | None] = []
        self.fields: dict[str, Any] = {}

    def app(self) -> FastAPI:
        app = FastAPI()
        app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])(self._answer)
        return app

    async def _answer(self, request: Request) -> Response:
        what = f"{request.method} {request.scope['raw_path'].decode()}"
        if request.headers.get("content-type", "").startswith("multipart"):
            self.fields = dict(await request.form())
            body = self.fields.pop("file").filename
        else:
            body = await request.body()
        self.asked.append((what, body))
        self.keys.append(request.headers.get("Idempotency-Key"))
        answer = self.answers[what]
        if isinstance(answer, list):  # one after another
            answer = answer.pop(0)
        return answer if isinstance(answer, Response) else JSONResponse(answer)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[tuple[Small, Invite]]:
    server = Small({})
    async with serving(server.app()) as address:
        yield server, Invite(surroundings(tmp_path) | {"INVITE_API": address, "INVITE_TOKEN": "small"}, "small-token")


async def test_people_are_suppressed_listed_and_let_go(small: tuple[Small, Invite], tmp_path: Path) -> None:
    server, invite = small
    added = {"added": 1, "known": 0, "dropped_count": 1, "dropped": [DROPPED]}
    server.answers = {
        "POST /suppression": added,
        "POST /suppression/upload": added,
        "GET /suppression": {
            "items": [
                {"identifier": "+79001234567", "source": "owner", "reason": "asked", "added_at": "2026-03-01T09:00:00Z"}
            ],
            "next": "x",
        },
        "DELETE /suppression/%2B79001234567": Response(status_code=204),
        "DELETE /suppression/%40anna": JSONResponse(
            {"title": "There is no such thing", "detail": "There is no such person."}, 404
        ),
    }
    said = await invite("suppress", "add", "@anna", "не знаю", "--reason", "asked")
    assert "Added 1" in said.out
    assert "Not a name." in said.out
    file = tmp_path / "never.csv"
    file.write_text("@anna\n")
    await invite("suppress", "add", "--file", file, "--column", "phone=2", "--no-header", "--default-country", "RU")
    assert server.fields == {"mapping": '{"phone": "2"}', "header": "false", "default_country": "RU"}
    await invite("suppress", "add", "@anna", "--encoding", "cp1251", code=ExitCode.USAGE)
    await invite("suppress", "add", "@anna", "--file", file, code=ExitCode.USAGE)
    listed = await invite("suppress", "list")
    assert "+79001234567" in listed.out
    assert "--after x" in listed.err
    await invite("suppress", "remove", "+79001234567")
    await invite("suppress", "remove", "@anna", code=ExitCode.NOT_FOUND)
    assert server.asked[:2] == [
        ("POST /suppression", '{"identifiers":["@anna","не знаю"],"reason":"asked"}'.encode()),
        ("POST /suppression/upload", "never.csv"),
    ]


async def test_people_are_taken_over_from_parsing_service(small: tuple[Small, Invite]) -> None:
    server, invite = small
    audience = {"id": ID, "name": "Guests", "rows_read": 10, "stored": 9, "dropped": 0, "reasons": {}}
    importing = audience | {"state": "importing", "progress": {"read": 10, "total": 300}}
    server.answers = {"POST /audiences/import": importing, f"GET /audiences/{ID}": importing}
    assert ID in (await invite("audience", "import", "p-1", "--name", "Guests")).out
    assert server.asked[0][1] == b'{"parsed_data_id":"p-1","name":"Guests"}'
    assert "10 of 300" in (await invite("audience", "show", ID)).out


async def test_an_audience_is_shown_without_what_it_has_not(small: tuple[Small, Invite]) -> None:
    server, invite = small
    audience = {"id": ID, "name": "Guests", "rows_read": 3, "stored": 3, "dropped": 0, "reasons": {}, "error": None}
    ready = audience | {"state": "ready", "progress": {"read": 3, "total": None}}
    error = {"code": "parsed_data_not_found", "text": {"en": "There are no such data.", "ru": "Таких данных нет."}}
    beginning = audience | {"state": "importing", "progress": {"read": 3, "total": None}}
    server.answers[f"GET /audiences/{ID}"] = [ready, ready | {"state": "failed", "error": error}, beginning]
    assert "None" not in (await invite("audience", "show", ID)).out
    failed = (await invite("--language", "ru", "audience", "show", ID)).out
    assert "Таких данных нет." in failed
    assert "{" not in failed
    assert "3 so far" in (await invite("audience", "show", ID)).out


async def test_lines_that_were_not_taken_are_downloaded(small: tuple[Small, Invite], tmp_path: Path) -> None:
    server, invite = small
    server.answers[f"GET /audiences/{ID}/dropped"] = Response("line,content\r\n3,?\r\n", media_type="text/csv")
    file = tmp_path / "dropped.csv"
    await invite("audience", "dropped", ID, "-o", file)
    assert file.read_bytes() == b"line,content\r\n3,?\r\n"
    assert "3,?" in (await invite("audience", "dropped", ID)).out


async def test_who_asks_too_often_is_told_when_to_ask_again(small: tuple[Small, Invite]) -> None:
    server, invite = small
    problem = {"title": "Too many for now", "detail": "More than 600 requests a minute are not answered."}
    server.answers["GET /invite"] = [
        JSONResponse(problem, 429, {"Retry-After": "17"}),
        JSONResponse(problem, 429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    ]
    for seconds in (17, 5):
        said = await invite("campaign", "list", code=ExitCode.UNREACHABLE)
        assert said.err == f"Too many for now: {problem['detail']} Try again in {seconds} s.\n"


async def test_a_retry_is_made_once_however_often_it_is_asked_for(small: tuple[Small, Invite]) -> None:
    server, invite = small
    busy = JSONResponse({"title": "Too many for now"}, 429, {"Retry-After": "0"})
    away = JSONResponse({"title": "Something we need is not available"}, 503)
    server.answers[f"POST /invite/{ID}/retry"] = [busy, away, {"id": "new"}]
    words = ("campaign", "retry", ID, "--reason", "no_answer", "--json")
    assert (await invite(*words)).json == {"id": "new"}
    assert len(server.keys) == 3
    assert len(set(server.keys)) == 1
    server.answers[f"POST /invite/{ID}/retry"] = [away, away, away, {"id": "new"}]
    lost = await invite(*words, code=ExitCode.UNREACHABLE)
    assert f"`--key {server.keys[-1]}`" in lost.err
    await invite(*words, "--key", server.keys[-1])
    assert len(set(server.keys[3:])) == 1


async def test_a_retry_names_its_reasons(small: tuple[Small, Invite]) -> None:
    server, invite = small
    server.answers[f"POST /invite/{ID}/retry"] = {"id": "new"}
    words = ("campaign", "retry", ID, "--reason", "no_answer", "--reason", "flood_wait", "--draft", "--json")
    assert (await invite(*words)).json == {"id": "new"}
    assert server.asked[0][1] == b'{"reasons":["no_answer","flood_wait"],"start":false}'


async def test_recipients_and_exclusions_are_sent(small: tuple[Small, Invite]) -> None:
    server, invite = small
    server.answers["POST /invite"] = {"id": "new"}
    await invite(
        *("campaign", "create", "Spring", "-r", "@anna", "-r", "+79001234567", "-d", "@club"),
        *("--exclude-reached-by", ID, "--skip-refused", "--yes", "--json"),
    )
    assert server.asked[0][1] == (
        b'{"platform":"telegram","action":"invite","name":"Spring","destination":"@club",'
        b'"recipients":["@anna","+79001234567"],"skip_refused":true,"exclude_reached_by":["' + ID.encode() + b'"]}'
    )


async def test_a_report_that_breaks_off_leaves_nothing_and_the_old_one(
    small: tuple[Small, Invite], tmp_path: Path
) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"half"

    server, invite = small
    server.answers[f"GET /invite/{ID}/report"] = StreamingResponse(breaking(), headers={"Content-Length": "9"})
    report = tmp_path / "report.xlsx"
    report.write_text("the old one")
    said = await invite("campaign", "report", ID, "-o", report, code=ExitCode.UNREACHABLE)
    assert "broke" in said.err
    assert report.read_text() == "the old one"
    assert _names(tmp_path) == ["report.xlsx"]
    gone = await invite("campaign", "report", ID, "-o", tmp_path / "missing" / "r.csv", code=ExitCode.REFUSED)
    assert "missing" in gone.err


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]
