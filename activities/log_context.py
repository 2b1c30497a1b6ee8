"""What every line of an activity carries, and its span: whose it is, which campaign and account, which run."""

from typing import Any

from opentelemetry import trace
from structlog.contextvars import bound_contextvars, get_contextvars
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
        with bound_contextvars(
            activity=info.activity_type,
            workflow_id=info.workflow_id,
            run_id=info.workflow_run_id,
            attempt=info.attempt,
            **ids(asked.args[0] if asked.args else None),
        ):
            trace.get_current_span().set_attributes(get_contextvars())
            return await super().execute_activity(asked)


def ids(request: object) -> dict[str, str]:
    """Those that the request of an activity has."""
    return {name: str(value) for name in NAMES if (value := getattr(request, name, None))}
