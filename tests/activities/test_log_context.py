"""Every line of an activity carries whose it is; the next activity's lines do not carry the last one's."""

import asyncio
from dataclasses import dataclass
from typing import Any

from structlog.contextvars import get_contextvars
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.log_context import LogContext


@dataclass(frozen=True)
class Asked:
    """Like an activity's request."""

    owner: str = "anna"
    campaign_id: str = ""
    text: str = "a very secret text"


class Last(ActivityInboundInterceptor):
    """Runs what is to be run, as the SDK's last interceptor does."""

    def __init__(self) -> None:
        """There is no next one."""

    async def execute_activity(self, asked: ExecuteActivityInput) -> Any:
        """Run it."""
        return await asked.fn(*asked.args)


def carried(*args: object) -> dict[str, Any]:
    """What lines carry within an activity with these arguments."""

    async def fn(*_: object) -> dict[str, Any]:
        await asyncio.sleep(0)
        return get_contextvars()

    async def run() -> Any:
        said = ExecuteActivityInput(fn, args, None, {})
        found = await LogContext().intercept_activity(Last()).execute_activity(said)
        assert "workflow_id" not in get_contextvars()
        return found

    found: dict[str, Any] = asyncio.run(ActivityEnvironment().run(run))
    return found


def test_ids_are_carried_and_nothing_else() -> None:
    info = ActivityEnvironment().info
    run = {
        "activity": info.activity_type,
        "workflow_id": info.workflow_id,
        "run_id": info.workflow_run_id,
        "attempt": info.attempt,
    }
    assert carried(Asked(campaign_id="c1")) == run | {"owner": "anna", "campaign_id": "c1"}
    assert carried(Asked()) == run | {"owner": "anna"}
    assert carried() == run
