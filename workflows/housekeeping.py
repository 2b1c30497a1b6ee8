"""Housekeeping on a Temporal Schedule: reconciler and sweeper."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.housekeeping import HousekeepingActivities, Tidied
    from workflows import options

EVERY = timedelta(seconds=30)


@workflow.defn
class HousekeepingWorkflow:
    """One round. Its result: what the reconciler and the sweeper saw and put right."""

    @workflow.run
    async def run(self) -> list[Tidied]:
        """Reconcile, then sweep."""
        reconciled: Tidied = await workflow.execute_activity_method(
            HousekeepingActivities.reconcile, **options.HOUSEKEEPING
        )
        swept: Tidied = await workflow.execute_activity_method(HousekeepingActivities.sweep, **options.HOUSEKEEPING)
        return [reconciled, swept]
