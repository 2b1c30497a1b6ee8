"""The command `invite` against the real API: the owner's walk, JSON for programs, errors with their exit codes."""

import json
import stat
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from cli import main
from cli.errors import ExitCode
from tests.api.command_line import Invite, serving
from tests.api.conftest import Client
from tests.api.neighbour import Neighbour

PEOPLE = "Ник;Имя;Город\n@anna_k;Анна;Томск\n@boris_b;Борис;Омск\n@anna_k;Анна;Томск\nне знаю;;\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_bytes(PEOPLE.encode("cp1251"))
    return file


async def test_the_walk_of_an_owner(invite: Invite, people: Path, client: Client, tmp_path: Path) -> None:
    looked = await invite("audience", "preview", people)
    assert "cp1251" in looked.out
    assert "Томск" in looked.out
    assert (await client.get("/audiences")).json()["items"] == []

    uploaded = await invite("audience", "upload", people, "--name", "Clients")
    assert "не знаю" in uploaded.out
    audience = (await client.get("/audiences")).json()["items"][0]
    assert f"--audience {audience['id']}" in uploaded.err

    said = await invite(
        *("campaign", "create", "Spring", "--audience", audience["id"][:8], "-d", "@the_club", "-t", "Hello!"),
        *("--message-when-refused", "--priority", 1, "--daily", "invite=20", "--gap", "30s", "--draft"),
        *("--hours", "mon-wed,sun 09:00-18:00", "--time-zone", "Europe/Berlin", "--start-at", "2026-03-02T09:00"),
        typed="y\n",
    )
    assert "bound by" in said.err  # the plan is told before the question
    campaign = (await client.get("/invite")).json()["items"][0]
    assert campaign["id"] in said.out
    assert campaign["state"] == "draft"
    assert campaign["recipients"] == 2
    assert campaign["limits"] == {"daily": {"invite": 20}, "gap": "30s"}
    assert campaign["schedule"]["start_at"] == "2026-03-02T08:00:00Z"
    assert campaign["schedule"]["windows"] == [{"days": ["mon", "tue", "wed", "sun"], "from": "09:00", "to": "18:00"}]

    short = campaign["id"][:8]
    for verb, state in (("start", "scheduled"), ("pause", "paused"), ("resume", "scheduled")):
        assert "Spring" in (await invite("campaign", verb, short)).out
        assert (await client.get(f"/invite/{campaign['id']}")).json()["state"] in (state, "running")
    edited = (await invite("campaign", "edit", short, "--gap", "40s", "--hours", "10:00-11:00", "--json")).json
    assert edited["limits"] == {"daily": {"invite": 20}, "gap": "40s"}  # what was not said of them stays
    assert edited["schedule"]["time_zone"] == "Europe/Berlin"
    edit = ("campaign", "edit", short, "--pace", "fast", "--daily", "none", "--hours", "always", "--account", "a1")
    assert "at any hour" in (await invite(*edit)).out
    assert "Hello!" in (await invite("campaign", "show", short)).out
    assert "a minute" in (await invite("plan", short)).out
    assert "Spring" in (await invite("campaign", "list")).out

    report = tmp_path / "report.csv"
    await invite("campaign", "report", short, "-o", report)
    assert report.read_bytes() == (await client.get(f"/invite/{campaign['id']}/report?format=csv")).content
    assert json.loads((await invite("campaign", "report", short)).out)["not_reached"]
    assert "cancelled" in (await invite("campaign", "cancel", short)).out


async def test_programs_get_the_json_of_the_api_and_nothing_else(
    invite: Invite, client: Client, people: Path, tmp_path: Path
) -> None:
    said = await invite("audience", "upload", people, "--json")
    assert said.json["stored"] == 2
    assert said.err == ""
    created = await invite(
        "campaign", "create", "Spring", "--file", people, "--action", "message", "-t", "Hi", "--json", typed="y\n"
    )
    campaign = created.json["id"]
    for words, address in (
        (("campaign", "list"), "/invite"),
        (("campaign", "show", campaign), f"/invite/{campaign}"),
        (("audience", "list"), "/audiences"),
        (("accounts", "list"), "/accounts?platform=telegram"),
    ):
        assert (await invite(*words, "--json")).out == (await client.get(address)).text + "\n"
    assert (await invite("plan", "--recipients", 300, "--json")).json["recipients"] == 300
    assert (await invite("accounts", "check", "@the_club", "--json")).json["finished"]


async def test_a_campaign_from_a_file_with_flags_over_it(invite: Invite, client: Client, tmp_path: Path) -> None:
    source = tmp_path / "spring.toml"
    source.write_text(
        f'name = "From a file"\naudience_id = "{await client.audience()}"\ndestination = "@the_club"\npriority = 5\n'
        "[schedule]\nstart_at = 2026-03-02T09:00:00Z\n"
    )
    made = (await invite("campaign", "create", "--from", source, "--priority", 2, "--yes", "--json")).json
    assert (made["name"], made["priority"]) == ("From a file", 2)
    assert made["schedule"]["start_at"] == "2026-03-02T09:00:00Z"


async def test_who_does_not_agree_makes_nothing_and_keeps_the_list(
    invite: Invite, client: Client, people: Path
) -> None:
    words = ("campaign", "create", "Spring", "--file", people, "-d", "@the_club")
    for typed in ("n\n", ""):
        said = await invite(*words, typed=typed, code=ExitCode.REFUSED)
        newest = (await client.get("/audiences")).json()["items"][0]["id"]
        assert f"`--audience {newest}`" in said.err
    assert (await client.get("/invite")).json()["items"] == []


async def test_a_campaign_whose_answer_was_lost_is_made_once(
    invite: Invite, app: FastAPI, client: Client, people: Path
) -> None:
    asked: list[bytes] = []

    async def forgetful(scope: Scope, receive: Receive, send: Send) -> None:
        """The first campaign is made, and its answer breaks off."""
        if (scope["method"], scope["path"]) != ("POST", "/invite"):
            return await app(scope, receive, send)
        asked.append(dict(scope["headers"])[b"idempotency-key"])

        async def broken(message: Message) -> None:
            if len(asked) > 1 or message["type"] == "http.response.start":
                await send(message)

        return await app(scope, receive, broken)

    async with serving(forgetful) as address:
        words = ("campaign", "create", "Spring", "--file", people, "-d", "@the_club", "--yes", "--json")
        said = await invite.having(INVITE_API=address)(*words)
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert [each["id"] for each in (await client.get("/invite")).json()["items"]] == [said.json["id"]]


async def test_errors_are_one_sentence_with_the_fields_and_a_code(
    invite: Invite, client: Client, tmp_path: Path, neighbour: Neighbour
) -> None:
    audience = await client.audience()
    nowhere = invite.having(INVITE_API="http://127.0.0.1:1")
    unknown = uuid4()
    create = ("campaign", "create", "Spring", "--yes", "--audience")
    for command, words, code, told in (
        (invite, (*create, audience, "-d", "two words"), ExitCode.REFUSED, "destination: "),
        (invite, (*create, audience, "-d", "@the_club", "-t", "{broken"), ExitCode.REFUSED, "message.texts.0: "),
        (invite, ("campaign", "show", unknown), ExitCode.NOT_FOUND, "no such campaign"),
        (invite, ("campaign", "watch", unknown), ExitCode.NOT_FOUND, "no such campaign"),
        (invite, ("campaign", "report", unknown, "-o", tmp_path / "r.csv"), ExitCode.NOT_FOUND, "no such campaign"),
        (invite, ("campaign", "show", "5b1f"), ExitCode.NOT_FOUND, "begins with '5b1f'"),
        (invite, ("campaign", "cancel", ""), ExitCode.REFUSED, "too short"),
        (invite, ("campaign", "create", "Spring", "--yes"), ExitCode.USAGE, "--audience"),
        (invite, ("campaign", "edit", unknown), ExitCode.USAGE, "what is to be changed"),
        (invite, ("plan", "--recipients", 3, "--hours", "9 to 5"), ExitCode.USAGE, "mon-fri 09:00-18:00"),
        (invite, ("plan", "--recipients", 3, "--daily", "invite"), ExitCode.USAGE, "invite=20"),
        (invite, ("campaign", "report", unknown, "-o", "report.pdf"), ExitCode.USAGE, "--format"),
        (invite, ("audience", "upload", "missing.csv"), ExitCode.USAGE, "missing.csv"),
        (nowhere, ("campaign", "list"), ExitCode.UNREACHABLE, "Nobody answers at http://127.0.0.1:1."),
        (invite.having(INVITE_TOKEN="none"), ("campaign", "list"), ExitCode.NOT_SIGNED_IN, "invite login"),
        (invite.having(INVITE_TOKEN="", INVITE_API=""), ("campaign", "list"), ExitCode.NOT_SIGNED_IN, "not signed in"),
    ):
        said = await command(*words, code=code)
        assert told in said.err, said
        assert said.out == ""
    assert not (tmp_path / "r.csv").exists()
    neighbour.answer = httpx.ConnectError("away")
    assert "Try again" in (await invite("accounts", "list", code=ExitCode.UNREACHABLE)).err


async def test_a_login_is_kept_for_its_owner_alone(invite: Invite, tmp_path: Path) -> None:
    address, token = invite.environment["INVITE_API"], invite.token
    bare = invite.having(INVITE_API="", INVITE_TOKEN="")
    await bare("login", "--api", address, "--token-file", "-", typed="none\n", code=ExitCode.NOT_SIGNED_IN)
    kept = tmp_path / "invite" / "login.json"
    assert not kept.exists()
    for words, typed in ((("--token-file", "-"), token), ((), token + "\n")):
        await bare("login", "--api", address, *words, typed=typed)
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert "no campaign yet" in (await bare("campaign", "list")).err

    elsewhere = await bare.having(INVITE_API="http://127.0.0.1:1")("campaign", "list", code=ExitCode.NOT_SIGNED_IN)
    assert "not at http://127.0.0.1:1" in elsewhere.err  # the token is not shown to another server
    kept.chmod(0o640)
    assert "chmod 600" in (await bare("campaign", "list", code=ExitCode.NOT_SIGNED_IN)).err
    kept.chmod(0o600)
    await bare("logout")
    assert not kept.exists()


def test_the_manual_knows_every_command() -> None:
    manual = (Path(__file__).parent.parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
    for group in main.app.registered_groups:
        rows = [line for line in manual.splitlines() if line.startswith(f"| `{group.name} ")]
        assert group.typer_instance is not None
        for each in group.typer_instance.registered_commands:
            name = each.name or each.callback.__name__  # type: ignore[union-attr]
            assert any(f"`{name}`" in row or f" {name}" in row for row in rows), (group.name, name)


async def test_what_is_no_invite_service_is_told_so(invite: Invite) -> None:
    async def other(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi"})

    async with serving(other) as address:
        said = await invite.having(INVITE_API=address)("campaign", "list", code=ExitCode.REFUSED)
    assert "is its address right?" in said.err


async def test_sentences_come_in_the_chosen_language(invite: Invite, client: Client) -> None:
    campaign = (await client.get(f"/invite/{await client.campaign()}")).json()
    for command, words, language in (
        (invite.having(LC_ALL="ru_RU.UTF-8"), (), "ru"),
        (invite, ("--language", "ru"), "ru"),
        (invite, (), "en"),
    ):
        assert campaign["why"]["text"][language] in (await command(*words, "campaign", "list")).out


async def test_what_a_file_holds_cannot_steer_the_terminal(invite: Invite, tmp_path: Path) -> None:
    file = tmp_path / "evil.csv"
    file.write_text("username,city\n@anna_k,\x1b]0;owned\x07[red]Tomsk\n\x1b[2J,\n")
    said = await invite("audience", "upload", file)
    looked = await invite("audience", "preview", file)
    assert "\x1b" not in said.out + said.err + looked.out
    assert "[red]Tomsk" in looked.out
