"""What happened to a campaign is told to its owner's server: event after event, again and again while that fails."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import Stream, Tried, WebhookActivities
    from workflows import options, pausing


@workflow.defn
class WebhookWorkflow:
    """Deliveries of one campaign, or an owner's pings, while there are any. What they are stands in the database."""

    def __init__(self) -> None:
        self._news = False

    @workflow.run
    async def run(self, stream: Stream) -> None:
        """Deliver, and wait between the tries."""
        while True:
            self._news = False
            tried: Tried = await workflow.execute_activity_method(
                WebhookActivities.deliver_next, stream, **options.DELIVERY
            )
            if tried.again_in is not None:
                await pausing.news(lambda: self._news, tried.again_in)
            elif not self._news:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(stream)

    @workflow.signal
    def news(self) -> None:
        """There is something to be told, or something has changed: look."""
        self._news = True
