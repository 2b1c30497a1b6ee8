"""Recorded histories replayed by today's workflows: what runs in production goes on after an update."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.accounts import AccountActivities
from activities.actions import ActionActivities
from activities.campaigns import CampaignActivities
from activities.housekeeping import HousekeepingActivities
from activities.imports import ImportActivities
from activities.membership import MembershipActivities
from activities.retention import RetentionActivities
from activities.webhooks import WebhookActivities
from domain.platform import Action
from runtime.temporal import CONVERTER
from tests.activities.fakes import turn
from tests.record_histories import FOLDER, SCENES
from tests.recordings.stored import read, written
from worker import WORKFLOWS
from workflows.tracing import Traces

ADVICE = """The recorded history {name} does not replay: {error}
Campaigns that are in this phase at this moment would stop at this change. docs/changing-workflows.md says how to make
it safe. Only if no campaign of an older version can still run: record anew, with `python -m tests.record_histories`."""
UNRECORDED = """{missing} is in no recorded history: a change there that breaks running campaigns would not be noticed.
Add a scene to tests/recordings that has it, and record it: `python -m tests.record_histories Workflow.scene`."""

FILES = sorted(FOLDER.glob("*.json"))
every_history = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, read(path.read_text()))


def replayer() -> Replayer:
    return Replayer(workflows=WORKFLOWS, data_converter=CONVERTER, interceptors=[Traces()])


def values(value: Any, key: str) -> Iterator[Any]:
    """Whatever stands under this key, at any depth."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for each in value.values():
            yield from values(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from values(each, key)


def payloads(stored: Any) -> list[str]:
    """The text of every payload within the stored history."""
    return [json.dumps(each) for each in values(stored, "json")]


def test_every_scene_has_its_history_and_every_workflow_a_scene() -> None:
    assert [path.stem for path in FILES] == sorted(SCENES)
    assert {name.split(".")[0] for name in SCENES} == {workflow.__name__ for workflow in WORKFLOWS}


def _activities() -> set[str]:
    found = set()
    holders = (
        *(AccountActivities, ActionActivities, CampaignActivities, HousekeepingActivities),
        *(ImportActivities, MembershipActivities, RetentionActivities, WebhookActivities),
    )
    for holder in holders:
        for method in vars(holder).values():
            if hasattr(method, "__temporal_activity_definition"):
                found.add(activity._Definition.must_from_callable(method).name)
    return found


def _messages() -> set[str]:
    """Signals and updates of all workflows."""
    found: set[str] = set()
    for each in WORKFLOWS:
        definition = workflow._Definition.must_from_class(each)
        found |= {name for name in (*definition.signals, *definition.updates) if name}
    return found


def test_whatever_a_workflow_asks_for_or_is_told_is_recorded() -> None:
    stored = [json.loads(path.read_text())["events"] for path in FILES]
    asked = {each["name"] for each in values(stored, "activityType")}
    told = {*values(stored, "signalName"), *values(stored, "name")}
    missing = (_activities() - asked) | (_messages() - told)
    assert not missing, UNRECORDED.format(missing=sorted(missing))


def test_whatever_was_told_is_still_heard() -> None:
    """A replay does not compare the names of signals: one that nobody hears any more would be dropped in silence."""
    stored = [json.loads(path.read_text())["events"] for path in FILES]
    assert set(values(stored, "signalName")) <= _messages()


@every_history
async def test_replays(path: Path) -> None:
    result = await replayer().replay_workflow(history(path), raise_on_replay_failure=False)
    if result.replay_failure is not None:
        pytest.fail(ADVICE.format(name=path.stem, error=result.replay_failure), pytrace=False)


async def replay_changed(name: str, before: str, after: str) -> BaseException | None:
    text = (FOLDER / f"{name}.json").read_text()
    assert before in text
    changed = WorkflowHistory.from_json(name, read(text.replace(before, after)))
    return (await replayer().replay_workflow(changed, raise_on_replay_failure=False)).replay_failure


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("HousekeepingWorkflow.one_round", '"sweep"', '"mop"'),
        ("AccountRunWorkflow.resting", '"TIMER_STARTED"', '"MARKER_RECORDED"'),
        ("CampaignWorkflow.running", '"name":"AccountRunWorkflow"', '"name":"OtherWorkflow"'),
        ("CampaignWorkflow.paused", '"review_campaign"', '"look_at_campaign"'),
    ],
)
async def test_a_change_that_does_not_fit_is_noticed(name: str, before: str, after: str) -> None:
    """The replay can fail: histories in which something else was asked for."""
    assert isinstance(await replay_changed(name, before, after), NondeterminismError)


@every_history
def test_holds_ids_and_counts_only(path: Path) -> None:
    """People's data, texts and credentials stay in the database (SEC-3): no field of a payload could hold them."""
    person = turn().attempts[0].person
    words = {str(person.username), turn(Action.MESSAGE).attempts[0].text, "secret"}
    fields = {"username", "phone", "user_id", "first_name", "last_name", "fields", "texts", "text", "credentials"}
    for text in payloads(json.loads(path.read_text())):
        found = {word for word in words if re.search(rf"\b{re.escape(word)}\b", text)}
        found |= {field for field in fields if f'"{field}"' in text}
        assert not found, text


@every_history
def test_names_no_machine(path: Path) -> None:
    text = path.read_text()
    assert written(read(text)) == text
    assert not re.search(r"\d+@|/home/|/root/|/tmp/|\.py\b", text)
    assert str(FOLDER.parent.parent) not in text
