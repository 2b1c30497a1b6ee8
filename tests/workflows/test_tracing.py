"""What a workflow has heard last is told on: over continue-as-new, and to children; until it hears something else."""

from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import format_trace_id
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

from runtime.temporal import connect
from tests.traces import Told, told
from tests.workflows.chain import Chain, Child, look
from tests.workflows.stage import dev_server_stage, eventually
from workflows.tracing import Traces, to_the_end

QUEUE = "tracing"

_tracer = trace.get_tracer("tests")


@pytest.fixture
def spans() -> Iterator[Told]:
    with told() as found:
        yield found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Of the development server: the time-skipping one drops the headers of a signal that comes with a start."""
    async with dev_server_stage(1_000, served=False) as stage:
        client = await connect(stage.client.service_client.config.target_host, "default", interceptors=[Traces()])
        async with Worker(client, task_queue=QUEUE, workflows=[Chain, Child], activities=[look]):
            yield client


async def start_and_tell(client: Client, spans: Told) -> int:
    """Have the chain look three times, and once more when it is told to. Tells the trace of who told it."""
    handle = await client.start_workflow(Chain.run, True, id="chain", task_queue=QUEUE)
    await eventually(lambda: len(spans.named("look")) == 3)
    with _tracer.start_as_current_span("second", context=Context()) as second:
        await client.start_workflow(
            Chain.run,
            True,
            id="chain",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="tell",
        )
    await client.get_workflow_handle_for(Chain.run, handle.id).result()
    return second.get_span_context().trace_id


async def test_each_activity_is_a_trace_that_names_its_cause(spans: Told, client: Client) -> None:
    with _tracer.start_as_current_span("first") as first:
        second = await start_and_tell(client, spans)
    asked = [span for span in spans.spans if ": look" in span.name]
    assert [span.name for span in asked] == ["Chain: look", "Chain: look", "Child: look", "Chain: look"]
    assert len({span.context.trace_id for span in asked}) == len(asked)
    assert [spans.way(look) for look in spans.named("look")] == [[span.name, "look"] for span in asked]
    causes = [format_trace_id(each) for each in (*3 * [first.get_span_context().trace_id], second)]
    assert [(span.attributes or {})["caused_by"] for span in asked] == causes
    assert [[format_trace_id(link.context.trace_id) for link in span.links] for span in asked] == [
        [cause] for cause in causes
    ]


async def test_what_is_told_to_the_end_is_one_trace(spans: Told, client: Client) -> None:
    with _tracer.start_as_current_span("first"), to_the_end():
        await start_and_tell(client, spans)
    chain = ["Chain: look", "Chain: look", "Child: look", "Chain: look"]
    ways = [spans.way(look) for look in spans.named("look")]
    assert ways[:3] == [["first", "start Chain", name, "look"] for name in chain[:3]]
    assert ways[3] == ["second", "start Chain", "Chain: look", "look"]
