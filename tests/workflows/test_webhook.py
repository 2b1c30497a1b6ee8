"""Deliveries: one after another, with waits that time passes and news end."""

from datetime import timedelta
from itertools import pairwise

from temporalio.client import WorkflowHandle

from activities.webhooks import Stream
from tests.workflows.fakes import CAMPAIGN, OWNER, QUEUE
from tests.workflows.stage import Stage, eventually
from workflows import names
from workflows.control import CampaignControl
from workflows.webhook import WebhookWorkflow

CAMPAIGNS = Stream(OWNER, CAMPAIGN)
HOUR = timedelta(hours=1)


async def start(stage: Stage, *answers: timedelta | None) -> WorkflowHandle[WebhookWorkflow, None]:
    stage.webhooks.answers = list(answers)
    return await stage.client.start_workflow(
        WebhookWorkflow.run, CAMPAIGNS, id=names.webhook(OWNER, CAMPAIGN), task_queue=QUEUE
    )


async def test_it_tries_until_all_is_told(stage: Stage) -> None:
    await (await start(stage, HOUR, 10 * HOUR, timedelta(0), timedelta(0))).result()
    assert {stream for stream, _ in stage.webhooks.tries} == {CAMPAIGNS}
    times = [at for _, at in stage.webhooks.tries]
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert [round(wait / HOUR.total_seconds()) for wait in waits] == [1, 10, 0, 0]


async def test_news_end_a_wait(stage: Stage) -> None:
    deliveries = await start(stage, HOUR)
    with stage.env.auto_time_skipping_disabled():
        await eventually(lambda: len(stage.webhooks.tries) == 1)
        await deliveries.signal(WebhookWorkflow.news)
        await deliveries.result()
    assert len(stage.webhooks.tries) == 2


async def test_whoever_says_that_there_is_something_starts_it_once(stage: Stage) -> None:
    control = CampaignControl(stage.client, QUEUE, timedelta(seconds=5))
    for campaign_id in (CAMPAIGN, CAMPAIGN, None):
        await control.tell_owner(OWNER, campaign_id)
    for campaign_id in (CAMPAIGN, None):
        deliveries = stage.client.get_workflow_handle(names.webhook(OWNER, campaign_id))
        await deliveries.result()
        text = str((await deliveries.fetch_history()).to_json_dict())
        assert "whsec_" not in text
        assert "http" not in text
    assert {stream for stream, _ in stage.webhooks.tries} == {CAMPAIGNS, Stream(OWNER, None)}
