"""An audience from parsing-service: page after page, then all of them cleaned. It goes on where it stopped.

How far it is stands in the database, beside the pages: the workflow only asks for the next one.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.imports import Fetched, ImportActivities, ImportRef
    from domain.parsed import TakenIn
    from workflows import options


@workflow.defn
class AudienceImportWorkflow:
    """One import. An audience that was deleted, or cannot come to be, ends it."""

    @workflow.run
    async def run(self, ref: ImportRef) -> TakenIn:
        """Fetch, then clean. Its result: how many people there are, and lines that were not taken."""
        while True:
            page: Fetched = await workflow.execute_activity_method(
                ImportActivities.fetch_page, ref, **options.FETCH_PAGE
            )
            if page.over:
                return TakenIn(0, 0)
            workflow.set_current_details(f"{page.rows_read} rows have come")
            if not page.more:
                break
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ref)
        taken: TakenIn = await workflow.execute_activity_method(
            ImportActivities.finish_import, ref, **options.FINISH_IMPORT
        )
        return taken
