"""Recorded histories replayed by today's workflows: what runs in production goes on after an update."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from domain.platform import Action
from runtime.temporal import CONVERTER
from tests.activities.fakes import turn
from tests.record_histories import FOLDER, plain
from worker import WORKFLOWS

ADVICE = """The recorded history of {name} does not replay: {error}
Campaigns that run at this moment would stop at this change. docs/changing-workflows.md says how to make it safe.
Only if no campaign of an older version can still run: record anew, with `python -m tests.record_histories`."""

NAMES = sorted(workflow.__name__ for workflow in WORKFLOWS)


def history(name: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(name, (FOLDER / f"{name}.json").read_text())


def replayer(*workflows: type) -> Replayer:
    return Replayer(workflows=workflows or WORKFLOWS, data_converter=CONVERTER)


def payloads(value: Any) -> list[str]:
    """The text of every payload within the history."""
    if isinstance(value, dict):
        own = [base64.b64decode(value["data"]).decode()] if isinstance(value.get("data"), str) else []
        return own + [text for each in value.values() for text in payloads(each)]
    if isinstance(value, list):
        return [text for each in value for text in payloads(each)]
    return []


def test_every_workflow_has_its_history() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_replays(name: str) -> None:
    result = await replayer().replay_workflow(history(name), raise_on_replay_failure=False)
    if result.replay_failure is not None:
        pytest.fail(ADVICE.format(name=name, error=result.replay_failure), pytrace=False)


async def test_a_change_that_does_not_fit_is_noticed() -> None:
    """The replay can fail: a history in which one activity had another name."""
    recorded = (FOLDER / "HousekeepingWorkflow.json").read_text().replace('"sweep"', '"mop"')
    changed = WorkflowHistory.from_json("HousekeepingWorkflow", recorded)
    result = await replayer().replay_workflow(changed, raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, NondeterminismError)


@pytest.mark.parametrize("name", NAMES)
def test_holds_ids_and_counts_only(name: str) -> None:
    """People's data, texts and credentials stay in the database (SEC-3): no field of a payload could hold them."""
    texts = payloads(json.loads((FOLDER / f"{name}.json").read_text()))
    person = turn().attempts[0].person
    words = {str(person.username), turn(Action.MESSAGE).attempts[0].text, "secret"}
    fields = {"username", "phone", "user_id", "first_name", "last_name", "fields", "texts", "text", "credentials"}
    for text in texts:
        found = {word for word in words if re.search(rf"\b{re.escape(word)}\b", text)}
        found |= {field for field in fields if f'"{field}"' in text}
        assert not found, text


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_names_no_machine(path: Path) -> None:
    recorded = json.loads(path.read_text())
    assert recorded == plain(recorded)
    for text in (path.read_text(), *payloads(recorded)):
        assert not re.search(r"\d+@|/home/|/root/|/tmp/|\.py\b", text)
        assert str(FOLDER.parent.parent) not in text
