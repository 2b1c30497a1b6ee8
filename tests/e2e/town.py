"""A stack with a data centre, and what a test does to it as its owner would: over HTTP."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from devstack.stack import Stack
from devstack.telegram_dc import journal, scenario
from devstack.telegram_dc.journal import Joined, Message, SessionDestroyed
from devstack.telegram_dc.scenario import Account, Chat, Fault, Person, Scenario

OWNER = "owner-of-the-test"
CLUB = 500
ENDS = ("done", "done_with_errors", "cancelled", "failed")

LIMITS = """
[{name}]
gap = {{ shortest = "50ms", longest = "100ms" }}
limited_rests = ["2s", "4s"]
unavailable_rest = "1s"
[{name}.daily]
invite = 1000
message = 1000
message_with_link = 1000
forward = 1000
add_contact = 1000
resolve = 10000
"""


def world(accounts: int, people: int, faults: Iterable[Fault] = ()) -> Scenario:
    """The first account is the group's creator, the others its admins; every second person refuses invites."""
    names = [f"account{number}" for number in range(accounts)]
    return Scenario(
        accounts=[
            Account(name=name, user_id=1000 + number, phone=f"+7999000{number:04}", api_id=1, api_hash="0" * 32)
            for number, name in enumerate(names)
        ],
        people=[
            Person(
                user_id=5000 + number,
                username=f"person_{number:04}",
                invite="refuses" if number % 2 else "accepts",
            )
            for number in range(people)
        ],
        chats=[
            Chat(
                id=CLUB,
                title="The club",
                kind="supergroup",
                username="the_club",
                creator=names[0],
                admins={name: ["invite_users"] for name in names[1:]},
            )
        ],
        faults=list(faults),
        seed=1,
    )


@dataclass
class Town:
    """A running stack, its data centre's journal, and an owner's client."""

    stack: Stack
    world: Scenario
    journal_path: Path
    api: httpx.Client

    def upload(self) -> str:
        """An audience of everybody; its id."""
        rows = "username\n" + "".join(f"@{person.username}\n" for person in self.world.people)
        answer = self.api.post("/audiences", files={"file": ("people.csv", rows.encode(), "text/csv")})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def campaign(self, **wishes: Any) -> str:
        """A campaign that invites everybody, and writes to those who refuse; its id."""
        body = {
            "name": "test",
            "platform": "telegram",
            "audience_id": self.upload(),
            "action": "invite",
            "pace": "fast",
            "destination": "@the_club",
            "message": {"texts": ["Come and see us"]},
            "message_when_refused": True,
        }
        answer = self.api.post("/invite", json=body | wishes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def have_told(self, url: str, *states: str) -> None:
        """Have a server told when a campaign comes into one of these states."""
        answer = self.api.put("/webhook", json={"url": url, "events": states})
        assert answer.status_code == 200, answer.text

    def status(self, campaign: str, **query: str) -> dict[str, Any]:
        """The campaign's status."""
        answer = self.api.get(f"/invite/{campaign}/status", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def say(self, campaign: str, command: str) -> None:
        """Command the campaign."""
        answer = self.api.post(f"/invite/{campaign}/{command}")
        assert answer.status_code == 200, answer.text

    def wait(self, campaign: str, until: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        """The first status for which `until` holds; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status(campaign)
            if until(status):
                return status
            assert time.monotonic() < deadline, json.dumps(status, indent=1)
            time.sleep(0.1)

    def end(self, campaign: str, seconds: float = 90) -> dict[str, Any]:
        """The status at the campaign's end."""
        return self.wait(campaign, lambda status: status["state"] in ENDS, seconds)

    def effects(self) -> journal.Journal:
        """What really happened so far."""
        return journal.read(self.journal_path)

    def assert_agrees(self, status: Mapping[str, Any]) -> None:
        """Each person at most once, no session destroyed, and the numbers are those of the journal."""
        effects = self.effects()
        joined = Counter(each.user for each in effects.of(Joined))
        written = Counter(each.to_user for each in effects.of(Message))
        assert not effects.of(SessionDestroyed)
        assert not [user for user, times in (joined + written).items() if times > 1]
        counts = status["counts"]
        assert counts["processed"] == counts["total"] == len(self.world.people)
        assert counts["invited"] == len(joined)
        assert counts["messaged"] + counts["messaged_instead"] == len(written)


@contextmanager
def killed_at_the_end(stack: Stack) -> Iterator[None]:
    """Nothing is seen after the test, so nobody waits for the workers' last turns; how they end has its own test."""
    try:
        yield
    finally:
        for server in stack.processes:
            server.kill()


@contextmanager
def town(
    folder: Path,
    scene: Scenario,
    *,
    workers: int = 2,
    settings: Mapping[str, str] | None = None,
    per_second: int = 1000,
) -> Iterator[Town]:
    """Start everything. `per_second`: the requests of all accounts' one application."""
    limits = limits_file(folder, per_second)
    with (
        Stack.temporary(
            workers=workers, durable=False, temporal_ui=False, limits_file=limits, settings=settings
        ) as stack,
        killed_at_the_end(stack),
    ):
        scenario.dump(scene, folder / "scenario.json")
        journal_path = folder / "journal.jsonl"
        centre = stack.start_data_centre(folder / "scenario.json", journal_path)
        for account in scene.accounts:
            credentials = {
                "session": scene.session_string(account.name, "127.0.0.1", centre.port),
                "api_id": str(account.api_id),
                "api_hash": account.api_hash,
            }
            made = datetime(2024, 1, 1, tzinfo=UTC)
            stack.register_account(OWNER, "telegram", account.name, account.name, credentials, made)
        headers = {"Authorization": f"Bearer {stack.token(OWNER)}"}
        with httpx.Client(base_url=stack.api_url, headers=headers, trust_env=False, timeout=30) as api:
            yield Town(stack, scene, journal_path, api)


def limits_file(folder: Path, per_second: int = 1000) -> Path:
    """Limits under which nobody waits for long."""
    path = folder / "limits.toml"
    rate = f"requests_per_second = {per_second}\n"
    telegram = LIMITS.format(name="telegram").replace("[telegram.daily]", f"{rate}[telegram.daily]")
    path.write_text(telegram + LIMITS.format(name="dry_run"))
    return path
