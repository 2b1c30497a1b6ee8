"""Retention on a Temporal Schedule."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retention import Removed, RetentionActivities
    from workflows import options

EVERY = timedelta(hours=1)


@workflow.defn
class RetentionWorkflow:
    """One round. Its result: how much has gone."""

    @workflow.run
    async def run(self) -> Removed:
        """Remove what was kept long enough."""
        removed: Removed = await workflow.execute_activity_method(
            RetentionActivities.remove_old, **options.HOUSEKEEPING
        )
        return removed
