"""A workflow that stands where others are expected."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue


@workflow.defn(name="Listener")
class ListenerWorkflow:
    """Stands where a run expects its campaign, or a campaign its run, and remembers what it is told."""

    def __init__(self) -> None:
        self._told: list[str] = []

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: "stop" in self._told)

    @workflow.signal(dynamic=True)
    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        self._told.append(name)

    @workflow.query
    def told(self) -> list[str]:
        return self._told
