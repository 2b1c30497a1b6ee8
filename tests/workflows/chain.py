"""Workflows that ask for an activity, one after another."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def look() -> None:
    """It does nothing."""


@workflow.defn
class Child:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(look, start_to_close_timeout=timedelta(seconds=10))


@workflow.defn
class Chain:
    """Looks, continues as new once, looks again, and has a child look; then waits to be told, and looks."""

    def __init__(self) -> None:
        self._told = False

    @workflow.signal
    def tell(self) -> None:
        self._told = True

    @workflow.run
    async def run(self, again: bool) -> None:
        await workflow.execute_activity(look, start_to_close_timeout=timedelta(seconds=10))
        if again:
            workflow.continue_as_new(False)
        await workflow.execute_child_workflow(Child.run)
        await workflow.wait_condition(lambda: self._told)
        await workflow.execute_activity(look, start_to_close_timeout=timedelta(seconds=10))
