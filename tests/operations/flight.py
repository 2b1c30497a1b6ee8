"""What is done with the canaries: campaigns with failures of all kinds, and requests that cannot be answered well."""

import json
import time
from collections.abc import Callable
from typing import Any

from temporalio.client import Client

from devstack.stack import TASK_QUEUE
from devstack.telegram_dc import journal
from tests.operations.aviary import (
    BIRDS,
    BY_PHONE,
    EDITED,
    ERASED,
    FILE_NAME,
    LATE,
    LISTED,
    REMARK,
    TEXT,
    UNFORESEEN,
    UNSTORABLE,
    Aviary,
)
from tests.operations.outside import HOOK, SENTRY
from workflows.schedules import ROUNDS

SILENT_FOR = 6.0
"""Seconds: more than a heartbeat may be late."""
REFUSALS = frozenset(
    {
        *("FLOOD_WAIT_2", "PEER_FLOOD", "USER_DEACTIVATED_BAN", "AUTH_KEY_UNREGISTERED", "silence", "NO_WAY"),
        *("USERNAME_NOT_OCCUPIED", "USER_PRIVACY_RESTRICTED"),
    }
)
"""What the platform has said before the end."""
HEADINGS = "username;phone;first_name;last_name;Город"


def fly(here: Aviary) -> None:
    """All of it, once."""
    _prepare(here)
    audience = _upload(here)
    campaign = _campaign(here, audience)
    _malformed(here)
    _imports(here)
    _struck(here, campaign)
    here.ask("POST", f"/invite/{campaign}/cancel", expect=200)
    _away(here, audience)
    _silent(here, lambda: _wrong_requests(here, campaign, audience))
    _reads(here, campaign, audience)
    here.wait(lambda: here.outside.heard(SENTRY), "Sentry is told")
    here.wait(lambda: here.outside.heard(HOOK), "the owner's server is told")


def erase(here: Aviary) -> None:
    """Forget two, each by the one name that their list had."""
    for name in (f"@{BIRDS[ERASED].username}", BIRDS[BY_PHONE].phone):
        here.ask("DELETE", f"/people/{name}", expect=200)


def _prepare(here: Aviary) -> None:
    hook = {"url": f"{here.outside.url}{HOOK}", "events": ["running", "paused", "cancelled"]}
    here.outside.says(HOOK, b"kanarek_00 is not welcome", 500)
    here.secrets["webhook secret"] = here.ask("PUT", "/webhook", json=hook, expect=200)["secret"]
    here.ask("POST", "/webhook/test", expect=202)
    listed = [f"@{BIRDS[LISTED].username}", BIRDS[LISTED].phone]
    here.ask("POST", "/suppression", json={"identifiers": listed, "reason": REMARK}, expect=200)


def _row(number: int) -> str:
    bird = BIRDS[number]
    username = "" if number == BY_PHONE else f"@{bird.username}"
    phone = bird.phone if number % 3 == 2 else ""
    return f'{username};{phone};{bird.first_name};{bird.last_name};"{bird.city}"'


def _upload(here: Aviary) -> str:
    rows = [_row(bird.number) for bird in BIRDS if bird.number != UNSTORABLE]
    wrong = [f"{BIRDS[1].first_name} {BIRDS[1].last_name};;;;", rows[0]]
    return str(_sent(here, "/audiences", "\n".join([HEADINGS, *rows, *wrong]), 201)["id"])


def _sent(here: Aviary, path: str, text: str, expect: int) -> Any:
    return here.ask("POST", path, files={"file": (FILE_NAME, text.encode(), "text/csv")}, expect=expect)


def _asked_for(audience: str | None, **more: object) -> dict[str, object]:
    return {
        "name": "canaries",
        "platform": "telegram",
        "audience_id": audience,
        "action": "invite",
        "pace": "fast",
        "destination": "@the_club",
        "message": {"texts": [TEXT]},
        "message_when_refused": True,
    } | more


def _campaign(here: Aviary, audience: str) -> str:
    headers = {"Idempotency-Key": here.secrets["idempotency key"]}
    others = [account["id"] for account in json.loads(here.outside.answer_to("/integration/accounts").body)]
    body = _asked_for(audience, account_ids=[each for each in others if each != LATE])
    made = [here.ask("POST", "/invite", json=body, headers=headers) for _ in range(2)]
    here.ask("POST", "/invite", json=body | {"name": "another"}, headers=headers, expect=409)
    campaign = str(made[0]["id"])
    here.debugged.write_text(campaign)
    here.ask("PATCH", f"/invite/{campaign}", json={"message": {"texts": [TEXT, EDITED]}}, expect=200)
    return campaign


def _imports(here: Aviary) -> None:
    """From parsing-service: a page, and what is none."""
    items = [
        {"username": bird.username, "phone": bird.phone, "first_name": bird.first_name, "user_id": bird.user_id}
        for bird in BIRDS[:3]
    ]
    items.append({"username": "not a name", "first_name": BIRDS[4].first_name, "phone": {"not": BIRDS[4].phone}})
    page = {"id": "birds", "platform": "telegram", "total": 4, "items": items, "next_cursor": None}
    here.outside.says("/parsing/parsed_data/birds", page)
    here.outside.says("/parsing/parsed_data/broken", page, 500)
    here.outside.says("/parsing/parsed_data/strange", page | {"items": {"kanarek_00": BIRDS[0].phone}})
    here.outside.says("/parsing/parsed_data/nonsense", f"{BIRDS[0].username} {BIRDS[0].phone}".encode())
    here.outside.says("/parsing/parsed_data/refused", page, 403)
    for data in ("birds", "broken", "strange", "nonsense", "refused"):
        here.ask("POST", "/audiences/import", json={"parsed_data_id": data}, expect=202)


def _wrong_requests(here: Aviary, campaign: str, audience: str) -> None:
    """Each has a canary where something is wrong with it."""
    bird = BIRDS[0]
    person = {"username": bird.username, "phone": bird.phone, "first_name": bird.first_name}
    too_long = TEXT.partition("{")[0] * 3000
    _sent(here, "/audiences", f"{HEADINGS}\n{_row(UNSTORABLE)}", 500)
    for text in (
        "\n",
        f"\x00{bird.phone}\x01" * 50,
        '[{"username": "' + bird.username,
        f"{bird.username} {bird.phone}",
    ):
        _sent(here, "/audiences", text, None)
        _sent(here, "/suppression/upload", text, None)
    for form in ({"mapping": json.dumps({bird.username: bird.phone})}, {"encoding": bird.username}):
        here.ask("POST", "/audiences", data=form, files={"file": (FILE_NAME, _row(1).encode(), "text/csv")})
    here.ask("POST", "/audiences", content=f"{bird.phone} {bird.first_name}".encode(), expect=422)
    for body in (
        _asked_for(None, recipients=[person, bird.phone, "?"]) | {"platform": bird.username},
        _asked_for(None, recipients=[bird.first_name, {"phone": bird.first_name}]),
        _asked_for(None, recipients=[bird.username]) | {bird.username: bird.phone},
        _asked_for(bird.username),
        _asked_for(audience, destination=f"{bird.phone} {bird.first_name}"),
        _asked_for(audience, message={"texts": [too_long]}),
        _asked_for(audience, message={"texts": [TEXT + "{{unknown_column}} {{", "<script>" + TEXT]}),
        _asked_for(audience, message={"texts": [TEXT] * 51}),
        _asked_for(audience, account_ids=[bird.username]),
        _asked_for(audience, priority=bird.first_name, pace=bird.username, limits={"daily": {bird.phone: bird.phone}}),
        _asked_for(audience, schedule={"time_zone": bird.username, "start_at": bird.phone}),
        [bird.username],
        TEXT,
    ):
        here.ask("POST", "/invite", json=body)
        here.ask("POST", "/plan", json=body)
    for body in (
        b'{"name": "' + TEXT.encode(),
        f'{{"message": {{"texts": ["{TEXT}", }}'.encode(),
        b"\xff" + TEXT.encode(),
    ):
        here.ask("POST", "/invite", content=body, headers={"Content-Type": "application/json"})
    here.ask("PATCH", f"/invite/{campaign}", json={"message": {"texts": [too_long]}, bird.username: 1}, expect=422)
    here.ask("POST", "/messages/preview", json={"platform": "telegram", "message": {"texts": [too_long]}})
    test = {"platform": "telegram", "account_id": "good", "to": bird.first_name, "message": {"texts": [TEXT]}}
    here.ask("POST", "/messages/test", json=test)
    for body in ({"identifiers": [bird.first_name, REMARK]}, {"identifiers": bird.phone}, {"reason": REMARK * 99}):
        here.ask("POST", "/suppression", json=body)
    for path in (f"/people/{bird.first_name}", f"/suppression/{bird.first_name}", f"/suppression/@{bird.username}"):
        here.ask("DELETE", path)
    here.ask("DELETE", f"/suppression/{BIRDS[LISTED].phone}", expect=204)
    here.ask("POST", "/invite", content=TEXT.encode() * 40_000, expect=413)
    for path in (f"/invite/{bird.username}", f"/{bird.username}/{bird.phone}", f"/audiences/{bird.phone}"):
        here.ask("GET", path)
    here.ask("GET", f"/accounts?platform={bird.username}")
    here.ask("GET", f"/invite/{campaign}/recipients?outcome={bird.username}&limit={bird.phone}&after={bird.user_id}")
    here.ask("GET", f"/invite/{campaign}/report?format={bird.username}")
    here.ask("PUT", "/webhook", json={"url": f"ftp://{bird.username}@{bird.phone}", "events": [bird.phone]}, expect=422)
    for token in ("expired token", "no role"):
        here.ask("GET", f"/people/@{bird.username}", here.secrets[token])
        here.ask("GET", "/invite", here.secrets[token])
    for token in (here.secrets["token"] + "x", here.secrets["jwt secret"], bird.username, "."):
        here.ask("POST", "/invite", token, json=_asked_for(None, recipients=[person]), expect=401)
    here.ask("GET", f"/invite/{campaign}", here.secrets["other token"], expect=404)
    here.ask("GET", f"/invite?owner={bird.username}", expect=403)


def _reads(here: Aviary, campaign: str, audience: str) -> None:
    for path in (
        "/invite",
        f"/invite/{campaign}",
        f"/invite/{campaign}/status",
        f"/invite/{campaign}/plan",
        f"/invite/{campaign}/recipients?limit=1000",
        f"/invite/{campaign}/report",
        f"/invite/{campaign}/report?format=csv&language=ru",
        f"/invite/{campaign}/report?format=xlsx",
        "/audiences",
        f"/audiences/{audience}/dropped",
        "/suppression",
        "/accounts?platform=telegram",
        "/webhook",
        "/webhook/deliveries",
        "/audit?limit=500",
        "/readyz",
        "/livez",
    ):
        here.ask("GET", path)
    preview = {"platform": "telegram", "audience_id": audience, "message": {"texts": [TEXT]}, "count": 5}
    here.ask("POST", "/messages/preview", json=preview, expect=200)


def _away(here: Aviary, audience: str) -> None:
    """The destination, Vault, integration-service, the database: each is away, or talks nonsense."""
    vault = next(server for server in here.stack.processes if server.name == "Vault")
    _waits(here, audience, "destination", account_ids=["good"], destination="@nowhere_club")
    vault.running.suspend()
    _waits(here, audience, "credentials_away", account_ids=[LATE])
    vault.running.resume()
    path, bird = "/integration/accounts", BIRDS[0]
    right = json.loads(here.outside.answer_to(path).body)
    strange = [f"{bird.username} {bird.phone}", {"id": bird.username, "created_at": bird.phone}]
    for nonsense, status in (
        (strange, 200),
        ({bird.username: strange}, 200),
        (bird.phone.encode(), 200),
        (strange, 500),
    ):
        here.outside.says(path, nonsense, status)
        here.ask("GET", "/accounts?platform=telegram")
        here.ask("POST", "/invite", json=_asked_for(audience, start=False))
    here.outside.says(path, right)
    check = {"platform": "telegram", "destination": "@nowhere_club", "account_ids": ["good"]}
    here.ask("POST", "/admin-check", json=check)
    here.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'invite%'")
    here.ask("GET", "/invite")


def _waits(here: Aviary, audience: str, why: str, **more: object) -> None:
    """A campaign that waits for this."""
    campaign = here.ask("POST", "/invite", json=_asked_for(audience, **more), expect=201)["id"]
    path = f"/invite/{campaign}/status"
    here.wait(lambda: here.ask("GET", path)["why"]["code"].startswith(why), f"{why} is told")


def _malformed(here: Aviary) -> None:
    """A workflow whose tasks fail, as what it was started with is nothing that it takes; and a round of each kind."""

    async def start(client: Client) -> None:
        await client.start_workflow("CampaignWorkflow", "malformed", id="malformed", task_queue=TASK_QUEUE)
        for round_ in ROUNDS:
            await client.get_schedule_handle(round_).trigger()

    here.temporal(start)


def _struck(here: Aviary, campaign: str) -> None:
    """Every failure has come, and those that only repeat themselves are ended."""
    log = here.worker.log
    here.wait(lambda: b"ailing workflow task" in log.read_bytes(), "a workflow's task fails")
    here.wait(lambda: b"IntegrityError" in log.read_bytes(), f"the database refuses {BIRDS[UNFORESEEN].username}")
    here.rows("DROP TRIGGER refused ON address_book")
    here.wait(lambda: said(here) >= REFUSALS, f"the platform says {REFUSALS}")
    here.wait(lambda: _blocked(here) >= {"banned", "out", "broken"}, "accounts are blocked")
    settled = {BIRDS[ERASED].username, BIRDS[BY_PHONE].phone, BIRDS[UNFORESEEN].username}
    here.wait(lambda: _settled(here, campaign) >= settled, "those of whom more is wanted are done")


def _silent(here: Aviary, meanwhile: Callable[[], None]) -> None:
    """The worker stands still in the middle of an activity for longer than Temporal waits for a sign of it."""
    here.outside.says("/parsing/parsed_data/slow", {"items": []}, seconds=SILENT_FOR)
    here.ask("POST", "/audiences/import", json={"parsed_data_id": "slow"}, expect=202)
    here.wait(lambda: here.outside.heard("/parsing/parsed_data/slow"), "it is asked for")
    here.worker.suspend()
    began = time.monotonic()
    meanwhile()
    time.sleep(max(began + SILENT_FOR - time.monotonic(), 0))
    here.outside.says("/parsing/parsed_data/slow", {"items": []})
    here.worker.resume()
    here.wait(
        lambda: here.rows("SELECT 1 FROM audience WHERE parsed_data_id = 'slow' AND state <> 'importing'"), "it ends"
    )


def said(here: Aviary) -> set[str]:
    """What the platform has answered; of an error of its own making the beginning."""
    return {each.outcome.partition("_TO_")[0] for each in journal.read(here.journal).requests()}


def _blocked(here: Aviary) -> set[str]:
    return {str(name) for (name,) in here.rows("SELECT account_id FROM account WHERE state = 'blocked'")}


def _settled(here: Aviary, campaign: str) -> set[str]:
    rows = here.rows(
        "SELECT coalesce(username, phone) FROM recipient WHERE campaign_id = %s AND outcome <> ''", campaign
    )
    return {str(name) for (name,) in rows}
