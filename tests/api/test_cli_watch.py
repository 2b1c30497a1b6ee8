"""`invite campaign watch`: to the end by asking or by listening, through losses, and left alone by Ctrl-C."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from rich.console import Console
from sqlalchemy import text

from api.schemas.status import StatusOut
from cli import view
from cli.errors import ExitCode
from cli.screen import Screen
from domain.forecast import Unknown, sentence
from storage.engine import Database
from tests.api.command_line import Invite, serving, surroundings
from tests.api.conftest import Client

ID = "5b1f0c52-98a9-44d0-9a0a-3f1a2d3f9a41"
TOKEN = "scripted-token"
WATCH = ("campaign", "watch", ID, "--every", 0.1)
ROOT = Path(__file__).parent.parent.parent


def status(state: str, processed: int) -> dict[str, Any]:
    """As the API documents it."""
    example: dict[str, Any] = StatusOut.model_config["json_schema_extra"]["example"]  # type: ignore[index, assignment, call-overload]
    return {**example, "state": state, "counts": example["counts"] | {"processed": processed, "left": 300 - processed}}


@dataclass
class Script:
    """An API with one campaign. `connections`: what each listener is sent before it is cut off, one after another."""

    connections: list[list[tuple[str, dict[str, Any]]]]
    asked: list[dict[str, Any]]
    resumed_after: list[str | None] = field(default_factory=list)
    with_accounts: list[str | None] = field(default_factory=list)

    def app(self) -> FastAPI:
        """The server."""
        app = FastAPI()
        app.get("/invite/{campaign_id}/status")(self._status)
        app.get("/invite/{campaign_id}/events")(self._events)
        return app

    async def _status(self) -> dict[str, Any]:
        return self.asked.pop(0) if len(self.asked) > 1 else self.asked[0]

    async def _events(self, request: Request) -> Response:
        self.resumed_after.append(request.headers.get("Last-Event-ID"))
        self.with_accounts.append(request.query_params.get("accounts"))
        return StreamingResponse(self._sent(self.connections.pop(0)), media_type="text/event-stream")

    async def _sent(self, events: list[tuple[str, dict[str, Any]]]) -> AsyncIterator[str]:
        yield ": here\n\n"
        for name, data in events:
            yield f"id: {data['counts']['processed']}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[str], Invite]:
    """The command against a server of the test's own."""

    def of(address: str) -> Invite:
        return Invite(surroundings(tmp_path) | {"INVITE_API": address, "INVITE_TOKEN": TOKEN}, TOKEN)

    return of


async def test_what_is_sent_is_shown_and_a_cut_connection_resumed(alone: Callable[[str], Invite]) -> None:
    running, more, done = status("running", 120), status("running", 200), status("done", 300)
    script = Script(
        connections=[[("progress", running), ("progress", more)], [("progress", more), ("end", done)]],
        asked=[running, more, done],
    )
    async with serving(script.app()) as address:
        said = await alone(address)(*WATCH, "--json")
    lines = [json.loads(each) for each in said.out.splitlines()]
    assert [each["counts"]["processed"] for each in lines] == [120, 200, 300]  # each change once
    assert script.resumed_after == [None, "200"]
    assert set(script.with_accounts) == {"true"}


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("done", ExitCode.DONE),
        ("done_with_errors", ExitCode.DONE_WITH_ERRORS),
        ("cancelled", ExitCode.CANCELLED),
        ("failed", ExitCode.FAILED),
    ],
)
async def test_the_exit_code_tells_the_end(alone: Callable[[str], Invite], state: str, code: ExitCode) -> None:
    async with serving(Script([[("progress", status(state, 300))]], [status("running", 1)]).app()) as address:
        said = await alone(address)(*WATCH, code=code)
    assert said.out.splitlines()[-1].split("  ")[1:3] == [state, "300/300"]


async def test_the_real_api_is_watched_to_the_end(
    invite: Invite, client: Client, worker_database: Database, owner: str
) -> None:
    campaign = await client.campaign()
    watching = asyncio.create_task(invite("campaign", "watch", campaign, "--every", 60, "--json", code=7))
    await asyncio.sleep(0.5)  # it asks once, and then is sent every change
    await client.post(f"/invite/{campaign}/pause")
    await asyncio.sleep(0.5)
    async with worker_database.owner(owner) as tx:
        await tx.execute(text("UPDATE campaign SET phase = 'cancelled' WHERE id = :id"), {"id": campaign})
    lines = [json.loads(each) for each in (await watching).out.splitlines()]
    assert [each["state"] for each in lines] == ["running", "paused", "cancelled"]


async def test_an_api_that_goes_away_is_waited_for(alone: Callable[[str], Invite]) -> None:
    class Away:
        """Every second request meets a server that restarts."""

        def __init__(self) -> None:
            self.asked = 0

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            self.asked += 1
            if self.asked % 2 == 0:
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
                return
            answer = json.dumps(status("running" if self.asked < 5 else "done", self.asked)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": answer})

    async with serving(Away()) as address:
        said = await alone(address)(*WATCH)
    assert said.err.count("Trying again") == 2
    assert said.out.count("running") == 2


async def test_ctrl_c_leaves_the_campaign_running_and_says_so(tmp_path: Path) -> None:
    async with serving(Script([[]] * 1000, [status("running", 120)]).app()) as address:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *(str(each) for each in WATCH)),
            cwd=ROOT,
            env={**os.environ, **surroundings(tmp_path), "INVITE_API": address, "INVITE_TOKEN": TOKEN},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert b"120/300" in await asyncio.wait_for(process.stdout.readline(), 30)
        process.send_signal(signal.SIGINT)
        _, told = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "The campaign goes on" in told.decode()
    assert "Traceback" not in told.decode()


async def test_a_terminal_shows_every_account_with_the_reason_of_its_wait() -> None:
    seen = status("running", 120) | {"membership": {"joined": 40, "there": 38, "left": 2, "unknown": 0}}
    rest = {
        "text": {"en": "The platform asked to wait.", "ru": "Платформа просит подождать."},
        "until": "2026-03-01T10:00:00+00:00",
    }
    seen["accounts"] = [{**seen["accounts"][0], "label": "Boris", "state": "cooldown", "why": rest}]
    for language, until in (("en", "Until"), ("ru", "До")):
        terminal = Console(file=StringIO(), force_terminal=True, width=150, color_system=None)
        terminal.print(view.picture(seen, Screen(language, as_json=False), "Lost."))
        shown = terminal.file.getvalue()  # type: ignore[attr-defined]
        for expected in (
            "120 of 300 (40 %)",
            "12 a minute",
            "Boris",
            "cooldown",
            rest["text"][language],
            "left 2",
            "Lost.",
            f"{until} 2026-03-01",
        ):
            assert expected in shown


def pictured(seen: dict[str, Any], language: str = "en", width: int = 150) -> str:
    terminal = Console(file=StringIO(), force_terminal=True, width=width, color_system=None)
    screen = Screen(language, as_json=False)
    screen.out = terminal
    terminal.print(view.picture(seen, screen, ""))
    return str(terminal.file.getvalue())  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_why_no_end_is_known_is_told(language: str) -> None:
    for unknown in Unknown:
        told = {"code": unknown.value, "text": sentence(unknown)}
        seen = status("waiting", 120) | {"expected_end": None, "no_expected_end": told}
        assert sentence(unknown)[language] in pictured(seen, language)
        assert sentence(unknown)[language] in view.line(seen, Screen(language, as_json=False))


def test_a_campaign_that_invites_nobody_is_pictured() -> None:
    assert "120 of 300" in pictured(status("running", 120) | {"membership": None})


def test_a_narrow_terminal_is_enough() -> None:
    shown = pictured(status("running", 120), width=50)
    assert max(map(len, shown.splitlines())) <= 50
    assert "120 of 300" in shown
    assert "12 a minute" in shown
    assert "ends 2026-03-01 09:30" in shown


async def test_who_asks_too_often_waits_as_long_as_the_api_says(alone: Callable[[str], Invite]) -> None:
    class Strict(Script):
        """It answers the second look a second after it was asked too early."""

        refused_at = 0.0

        async def _status(self) -> Any:
            if not self.refused_at and len(self.asked) == 1:
                self.refused_at = time.monotonic()
                return JSONResponse({"title": "Too many for now"}, 429, {"Retry-After": "1"})
            assert not self.refused_at or time.monotonic() - self.refused_at >= 1
            return self.asked.pop(0)

    script = Strict([[], []], [status("running", 120), status("done", 300)])
    async with serving(script.app()) as address:
        said = await alone(address)(*WATCH)
    assert "Try again in 1 s." in said.err
