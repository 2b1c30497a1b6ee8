"""One trace per action: how traces find their way through Temporal, in the headers of what is told and asked.

A campaign lives for weeks and acts a hundred thousand times: a trace of all that would have no end. So every activity
that a workflow asks for begins a trace of its own, linked to the request of which the workflow has heard last (its
*cause*). Only what is told `to_the_end` stays in the request's trace (docs/decisions/0037-traces.md).

Nothing here changes what a workflow asks for: a replay does not compare headers.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, NoReturn

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.client import (
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowHandle,
    WorkflowUpdateHandle,
)
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    ActivityInboundInterceptor,
    ContinueAsNewInput,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.worker import Interceptor as WorkerInterceptor

from activities.log_context import ids

WHOLE = timedelta(minutes=10)
"""So long what is told `to_the_end` may add to its trace."""

_HEADER = "invite-trace"
_EXTERN = "invite_trace_asked"
_CAUSE, _UNTIL = context.create_key("cause"), context.create_key("until")
_W3C = TraceContextTextMapPropagator()

_tracer = trace.get_tracer("invite-service")


@dataclass(frozen=True)
class Carried:
    """A header's content; spans as W3C's `traceparent`, or ''.

    `cause`: of the request. `parent`: of the workflow that asks for an activity. `until`: in seconds since 1970, until
    when everything belongs to the cause's trace; 0: each action has one of its own.
    """

    cause: str = ""
    parent: str = ""
    until: float = 0


@dataclass(frozen=True)
class Asked:
    """An activity, as a workflow asks for it. `whole`: within its cause's trace."""

    name: str
    cause: str
    whole: bool
    attributes: Mapping[str, str]


@contextmanager
def to_the_end() -> Iterator[None]:
    """What is told to workflows within, and what comes of it, belongs to the present trace: for short ways."""
    token = context.attach(context.set_value(_UNTIL, time.time() + WHOLE.total_seconds()))
    try:
        yield
    finally:
        context.detach(token)


class Traces(ClientInterceptor, WorkerInterceptor):
    """For a client, and so for its workers."""

    def intercept_client(self, following: OutboundInterceptor) -> OutboundInterceptor:
        """As the SDK asks for it."""
        return _Telling(super().intercept_client(following))

    def intercept_activity(self, following: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """As the SDK asks for it."""
        return _Acting(super().intercept_activity(following))

    def workflow_interceptor_class(self, asked: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """As the SDK asks for it."""
        asked.unsafe_extern_functions[_EXTERN] = _begun
        return _Hearing


class _Telling(OutboundInterceptor):
    """A client that tells workflows something."""

    async def start_workflow(self, asked: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        with _telling(asked, f"start {asked.workflow}"):
            return await super().start_workflow(asked)

    async def signal_workflow(self, asked: SignalWorkflowInput) -> None:
        with _telling(asked, f"signal {asked.signal}"):
            await super().signal_workflow(asked)

    async def start_workflow_update(self, asked: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        with _telling(asked, f"update {asked.update}"):
            return await super().start_workflow_update(asked)


@contextmanager
def _telling(asked: StartWorkflowInput | SignalWorkflowInput | StartWorkflowUpdateInput, name: str) -> Iterator[None]:
    attributes = {"workflow_id": asked.id}
    with _tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes) as span:
        here = span.get_span_context()
        if here.is_valid:
            until = _present(_UNTIL) or 0.0
            cause = (not until and _present(_CAUSE)) or _written(here)
            asked.headers = _with(Carried(cause, until=until), asked.headers)
        yield


class _Hearing(WorkflowInboundInterceptor):
    """A workflow. `heard`: the last that a client has told it."""

    heard: Carried | None = None

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Asking(outbound, self))

    async def execute_workflow(self, asked: ExecuteWorkflowInput) -> Any:
        if self.heard is None:  # what came meanwhile is newer
            self._hear(asked.headers)
        return await super().execute_workflow(asked)

    async def handle_signal(self, asked: HandleSignalInput) -> None:
        self._hear(asked.headers)
        await super().handle_signal(asked)

    async def handle_update_handler(self, asked: HandleUpdateInput) -> Any:
        self._hear(asked.headers)
        return await super().handle_update_handler(asked)

    def _hear(self, headers: Mapping[str, Payload]) -> None:
        self.heard = _carried(headers) or self.heard


class _Asking(WorkflowOutboundInterceptor):
    """What a workflow asks for. Its signals carry nothing: they are no request, and must not take a cause's place."""

    def __init__(self, following: WorkflowOutboundInterceptor, hearing: _Hearing) -> None:
        super().__init__(following)
        self._hearing = hearing

    def start_activity(self, asked: StartActivityInput) -> workflow.ActivityHandle[Any]:
        if not workflow.unsafe.is_replaying():  # it was asked for before, and has its span
            asked.headers = _with(self._asked(asked), asked.headers)
        return super().start_activity(asked)

    async def start_child_workflow(self, asked: StartChildWorkflowInput) -> workflow.ChildWorkflowHandle[Any, Any]:
        asked.headers = _with(self._hearing.heard, asked.headers)
        return await super().start_child_workflow(asked)

    def continue_as_new(self, asked: ContinueAsNewInput) -> NoReturn:
        asked.headers = _with(self._hearing.heard, asked.headers)
        super().continue_as_new(asked)

    def _asked(self, asked: StartActivityInput) -> Carried:
        info, heard = workflow.info(), self._hearing.heard or Carried()
        whole = workflow.time() < heard.until
        begun: Callable[[Asked], str] = workflow.extern_functions()[_EXTERN]
        about = {"workflow": info.workflow_type, "workflow_id": info.workflow_id, "run_id": info.run_id}
        about |= ids(asked.args[0] if asked.args else None)
        parent = begun(Asked(f"{info.workflow_type}: {asked.activity}", heard.cause, whole, about))
        return Carried(heard.cause, parent, heard.until if whole else 0)


def _begun(asked: Asked) -> str:
    """The span of a workflow that asks, outside of the sandbox. It has no length: the workflow may wait for weeks."""
    cause = _context(asked.cause)
    apart = cause.is_valid and not asked.whole
    span = _tracer.start_span(
        asked.name,
        _within(asked.cause) if asked.whole else Context(),
        attributes={**asked.attributes, **({"caused_by": format_trace_id(cause.trace_id)} if apart else {})},
        links=[Link(cause)] if apart else [],
    )
    span.end()
    return _written(span.get_span_context())


class _Acting(ActivityInboundInterceptor):
    """An activity."""

    async def execute_activity(self, asked: ExecuteActivityInput) -> Any:
        info, carried = activity.info(), _carried(asked.headers) or Carried()
        cause = _context(carried.cause)
        values = {_CAUSE: carried.cause, _UNTIL: carried.until}
        token = context.attach(Context(_within(carried.parent) | values))
        try:
            with _tracer.start_as_current_span(info.activity_type, kind=SpanKind.CONSUMER) as span:
                apart = cause.is_valid and cause.trace_id != span.get_span_context().trace_id
                with bound_contextvars(**({"caused_by": format_trace_id(cause.trace_id)} if apart else {})):
                    return await super().execute_activity(asked)
        finally:
            context.detach(token)


def _present(key: str) -> Any:
    return context.get_value(key)


def _with(carried: Carried | None, headers: Mapping[str, Payload]) -> Mapping[str, Payload]:
    if carried is None:
        return headers
    return {**headers, _HEADER: PayloadConverter.default.to_payloads([asdict(carried)])[0]}


def _carried(headers: Mapping[str, Payload]) -> Carried | None:
    if _HEADER not in headers:
        return None
    [found] = PayloadConverter.default.from_payloads([headers[_HEADER]], [Carried])
    return found if isinstance(found, Carried) else None


def _written(span: SpanContext) -> str:
    if not span.is_valid:
        return ""
    return f"00-{format_trace_id(span.trace_id)}-{format_span_id(span.span_id)}-{span.trace_flags:02x}"


def _within(traceparent: str) -> Context:
    return _W3C.extract({"traceparent": traceparent})


def _context(traceparent: str) -> SpanContext:
    return trace.get_current_span(_within(traceparent)).get_span_context()
