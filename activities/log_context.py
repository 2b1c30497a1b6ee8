"""What every line that is logged during an activity carries: whose it is, which campaign and account, which run."""

from collections.abc import Iterator
from typing import Any

from structlog.contextvars import bound_contextvars
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

NAMES = ("owner", "campaign_id", "account_id")
"""Of an activity's request, what is told where it has it."""


class LogContext(Interceptor):
    """Binds the ids of each activity."""

    def intercept_activity(self, following: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """As the SDK asks for it."""
        return _Bound(super().intercept_activity(following))


class _Bound(ActivityInboundInterceptor):
    async def execute_activity(self, asked: ExecuteActivityInput) -> Any:
        info = activity.info()
        ids = dict(_ids(asked.args[0] if asked.args else None))
        with bound_contextvars(
            activity=info.activity_type,
            workflow_id=info.workflow_id,
            run_id=info.workflow_run_id,
            attempt=info.attempt,
            **ids,
        ):
            return await super().execute_activity(asked)


def _ids(request: object) -> Iterator[tuple[str, str]]:
    for name in NAMES:
        if value := getattr(request, name, None):
            yield name, str(value)
