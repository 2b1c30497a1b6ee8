"""Large campaigns on the real parts, dry: 100 000 recipients, and 2 500 accounts. Histories stay bounded."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from tests.e2e.sizes import UNHANDLED_COMMAND, Size, running, show, sizes
from tests.e2e.town import ENDS, OWNER
from workflows import options

SECTION = """
[{name}]
gap = {{ shortest = "{gap}", longest = "{gap}" }}
limited_rests = ["2s"]
unavailable_rest = "1s"
[{name}.daily]
invite = 1000000
message = 1000000
message_with_link = 1000000
forward = 1000000
add_contact = 1000000
resolve = 1000000
"""
MAX_EVENTS = 20_000
MAX_BYTES = 10 * 1024 * 1024
"""Of one run of a workflow. Temporal ends a run at 51 200 events, or 50 MB."""
LOOK_EVERY = 3.0
"""Seconds between two looks: a status of thousands of lines costs a tenth of a second."""
SLOWEST_STATUS = 5.0
"""Seconds that a status may take while all cores are busy."""


@dataclass
class Large:
    """A running stack with many accounts, and an owner's client. `slowest`: the longest that a status took."""

    stack: Stack
    api: httpx.Client
    slowest: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """With the seconds since the start."""
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def status(self, campaign: str, **query: str) -> dict[str, Any]:
        """The campaign's status, timed."""
        asked = time.monotonic()
        answer = self.api.get(f"/invite/{campaign}/status", params=query)
        self.slowest = max(self.slowest, time.monotonic() - asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, campaign: str, until: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """The first status for which `until` holds."""
        deadline = time.monotonic() + seconds
        while not until(status := self.status(campaign)):
            brief = {name: status[name] for name in ("state", "why", "counts")}
            assert time.monotonic() < deadline, json.dumps(brief, indent=1)
            time.sleep(LOOK_EVERY)
        return status

    def campaign(self, people: int) -> str:
        """A dry run that writes to so many; its id."""
        rows = "username\n" + "".join(f"@person_{number:06}\n" for number in range(people))
        uploaded = self.api.post("/audiences", files={"file": ("people.csv", rows.encode(), "text/csv")})
        assert uploaded.status_code == 201, uploaded.text
        body = {
            "name": "large",
            "platform": "telegram",
            "audience_id": uploaded.json()["id"],
            "action": "message",
            "message": {"texts": ["Come and see us"]},
            "dry_run": True,
        }
        made = self.api.post("/invite", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def sizes(self) -> dict[str, Size]:
        """Measured and printed."""
        found = asyncio.run(sizes(self.stack.infrastructure.temporal_address))
        show(found)
        return found


@contextmanager
def large(folder: Path, accounts: Sequence[str], gap: str, workers: int = 2) -> Iterator[Large]:
    """Start everything, with these accounts."""
    limits = folder / "limits.toml"
    limits.write_text("".join(SECTION.format(name=name, gap=gap) for name in ("telegram", "dry_run")))
    with Stack.temporary(workers=workers, durable=False, temporal_ui=False, limits_file=limits) as stack:
        for name in accounts:
            account = {
                "id": name,
                "user_id": OWNER,
                "label": name,
                "platform": "telegram",
                "status": "active",
                "created_at": datetime(2024, 1, 1, tzinfo=UTC),
                "credentials_version": 1,
                "vault_path": f"nowhere/{name}",
            }
            stack.infrastructure.integration.register(account)
        headers = {"Authorization": f"Bearer {stack.token(OWNER)}"}
        with httpx.Client(base_url=stack.api_url, headers=headers, trust_env=False, timeout=60) as api:
            yield Large(stack, api)


def assert_bounded(found: dict[str, Size]) -> None:
    for name, size in found.items():
        assert size.most_events <= MAX_EVENTS, name
        assert size.most_bytes <= MAX_BYTES, name
        assert set(size.failures) <= {UNHANDLED_COMMAND}, name


def assert_done(here: Large, campaign: str, people: int) -> None:
    """Everybody once, and the workflow's query says what the status says, line by line."""
    status = here.status(campaign)
    assert (status["state"], status["counts"]["messaged"], status["counts"]["left"]) == ("done", people, 0)
    workflow = here.status(campaign, source="workflow")
    assert workflow["counts"] == status["counts"]
    assert workflow["accounts"] == status["accounts"]
    assert sum(each["done"].get("messaged", 0) for each in status["accounts"]) == people
    assert here.slowest < SLOWEST_STATUS


@pytest.mark.long
def test_a_hundred_thousand_recipients(tmp_path: Path) -> None:
    many_recipients(tmp_path, 100_000)


def many_recipients(folder: Path, people: int) -> None:
    with large(folder, [f"account-{number:02}" for number in range(20)], gap="0s") as here:
        here.say("everything runs")
        campaign = here.campaign(people)
        here.say(f"a campaign of {people} recipients is made")
        here.wait(campaign, lambda status: status["state"] in ENDS, seconds=1_800)
        here.say(f"it has ended; the slowest status took {here.slowest:.2f} s")
        _wait_until_all_are_closed(here)
        assert_done(here, campaign, people)
        assert_bounded(here.sizes())


ACCOUNTS = 2_500
"""More than the 2 000 children that one run of a workflow may have pending."""
PATIENCE = 600.0
"""Seconds for each step, on two cores that do everything at once."""


@pytest.mark.long
def test_two_and_a_half_thousand_accounts(tmp_path: Path) -> None:
    """Started over several runs, paused and resumed under the signals of all."""
    many_accounts(tmp_path, ACCOUNTS)


def many_accounts(folder: Path, accounts: int) -> None:
    names = [f"account-{number:04}" for number in range(accounts)]
    people = 2 * accounts
    with large(folder, names, gap="4m") as here:
        here.say(f"everything runs, {accounts} accounts are registered")
        campaign = here.campaign(people)
        here.wait(campaign, lambda status: status["counts"]["processed"] > 0, PATIENCE)
        here.say("all are checked, and the first ones act")
        here.wait(campaign, lambda status: status["counts"]["processed"] >= people // 2, PATIENCE)
        here.say("half of the people are settled: paused")
        assert here.api.post(f"/invite/{campaign}/pause").status_code == 200
        time.sleep(2)  # the calls in flight
        held = here.status(campaign)["counts"]["processed"]
        time.sleep(20)
        assert here.status(campaign)["counts"]["processed"] == held
        assert here.api.post(f"/invite/{campaign}/resume").status_code == 200
        here.say(f"resumed after {held}")
        here.wait(campaign, lambda status: status["counts"]["processed"] > held, PATIENCE)
        here.say("they act again")
        here.wait(campaign, lambda status: status["state"] in ENDS, PATIENCE)
        here.say(f"it has ended; the slowest status took {here.slowest:.2f} s")
        _wait_until_all_are_closed(here)
        here.say("all runs are closed")
        assert_done(here, campaign, people)
        found = here.sizes()
        assert_bounded(found)
        assert found["AccountRunWorkflow"].runs >= accounts
        assert found["CampaignWorkflow"].runs > accounts // options.STARTS_PER_RUN


def _wait_until_all_are_closed(here: Large) -> None:
    deadline = time.monotonic() + PATIENCE
    while asyncio.run(running(here.stack.infrastructure.temporal_address)):
        assert time.monotonic() < deadline
        time.sleep(1)
