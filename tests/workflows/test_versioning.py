"""Worker versioning on the development server, commanded as docs/rolling-deploys.md says."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from domain.why import Why
from runtime.settings import WorkerSettings
from runtime.temporal import deployment
from tests.workflows.fakes import WORKER_QUEUE
from tests.workflows.stage import Stage, dev_server_stage, eventually, eventually_true, rests_for
from workflows.account_run import AccountRunWorkflow
from workflows.campaign import CampaignWorkflow

NAME = "invite-service"
TEMPORAL = Path(sys.executable).parent / "temporal"


async def temporal(stage: Stage, *arguments: str) -> None:
    """Say it with the CLI until the server obeys: it learns of a version only when its workers poll."""

    async def obeys() -> bool:
        asked = await asyncio.create_subprocess_exec(
            TEMPORAL,
            *("worker", "deployment", *arguments, "--deployment-name", NAME),
            *("--address", stage.client.service_client.config.target_host),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await asked.wait() == 0

    await eventually_true(obeys)


async def version(run: WorkflowHandle[Any, Any]) -> str:
    """By which version the workflow's last task was done."""
    info = (await run.describe()).raw_description.workflow_execution_info.versioning_info
    return info.deployment_version.build_id


async def test_a_campaign_and_its_runs_move_to_the_version_that_is_made_current() -> None:
    """And accounts act through the queue of their process, which no version has, all the while."""
    async with dev_server_stage(1_000, served=False) as stage:
        first = stage.shared_worker(deployment=deployment(NAME, "1"))
        second = stage.shared_worker(await stage.another_client(), deployment(NAME, "2"))
        async with stage.own_worker(), second:
            async with first:
                await temporal(stage, "set-current-version", "--build-id", "1", "--yes")
                campaign = await stage.start_campaign()
                await eventually(lambda: len(stage.actions.done) == 1)
                await rests_for(stage.run_of(), Why.QUEUE_EMPTY)
                assert (await version(campaign), await version(stage.run_of())) == ("1", "1")
                await temporal(stage, "set-ramping-version", "--build-id", "2", "--percentage", "100", "--yes")
                await temporal(stage, "set-current-version", "--build-id", "2", "--yes")
            await stage.run_of().signal(AccountRunWorkflow.wake)  # nobody of version 1 is left
            await eventually(lambda: len(stage.actions.done) == 2)
            await campaign.signal(CampaignWorkflow.accounts_changed)
            await eventually_true(lambda: _has_moved(campaign, "2"))
            await eventually_true(lambda: _has_moved(stage.run_of(), "2"))
            assert {each.queue for each in stage.actions.done} == {WORKER_QUEUE}


async def _has_moved(run: WorkflowHandle[Any, Any], build: str) -> bool:
    return await version(run) == build


def test_it_is_off_without_a_build_id() -> None:
    assert deployment(NAME, WorkerSettings.model_fields["build_id"].default) is None


@pytest.mark.parametrize("name", ["a.b", ""])
def test_a_name_that_temporal_would_take_apart_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="deployment_name"):
        WorkerSettings(
            database_url="postgresql+psycopg://x",
            integration_url="http://x",
            parsing_url="http://x",
            vault_url="http://x",
            vault_role_id="x",
            vault_secret_id="x",
            service_jwt_secret="x",
            webhook_key="x" * 32,
            deployment_name=name,
        )
