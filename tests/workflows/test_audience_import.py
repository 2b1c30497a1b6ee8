"""An import from parsing-service: page after page, whatever fails between them."""

from datetime import timedelta

from temporalio.client import WorkflowHandle

from activities.imports import ImportRef
from domain.parsed import TakenIn
from tests.workflows.fakes import CAMPAIGN, OWNER, QUEUE
from tests.workflows.stage import Stage
from workflows import names
from workflows.audience_import import AudienceImportWorkflow


async def start(stage: Stage) -> WorkflowHandle[AudienceImportWorkflow, TakenIn]:
    return await stage.client.start_workflow(
        AudienceImportWorkflow.run, ImportRef(OWNER, CAMPAIGN), id=names.audience_import(CAMPAIGN), task_queue=QUEUE
    )


async def test_waits_for_hours_until_parsing_service_is_back(stage: Stage) -> None:
    stage.imports.failures = 200  # a minute apart at most
    began = await stage.clock.now()
    assert await (await start(stage)).result() == TakenIn(stored=29, dropped=1)
    assert (stage.imports.fetched, stage.imports.finished) == (3, 1)
    assert await stage.clock.now() - began > timedelta(hours=3)


async def test_one_that_is_over_makes_nothing(stage: Stage) -> None:
    stage.imports.over = True
    assert await (await start(stage)).result() == TakenIn(0, 0)
    assert stage.imports.finished == 0
