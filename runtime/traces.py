"""Traces, by OpenTelemetry: of each request and each action, told by OTLP where a setting names a collector (OBS-4).

Every floor makes its spans with OpenTelemetry's own API. Whatever they are given, only what is named here leaves the
process (SEC-5): no text, no address, no identifier of a person, no error's words.
"""

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from threading import Thread

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes, AttributeValue

TOLD = frozenset(
    {
        *("http.request.method", "http.route", "http.response.status_code", "error.type"),
        *("request_id", "owner", "campaign_id", "audience_id", "account_id", "caused_by"),
        *("workflow", "workflow_id", "run_id", "activity", "attempt"),
        *("platform", "service", "action", "turn", "outcome", "reason"),
    }
)
"""The attributes that leave: ids of ours, kinds and numbers, as in the log."""
_LONGEST = 200
"""Characters of a value."""
_NAME = re.compile(r"[A-Za-z_ /{}:.-]{1,100}")
"""A span's name is the code's own. One with a digit, or another character, may be somebody's."""
_ANSWER = timedelta(seconds=5)
"""For the collector's."""
_LAST = timedelta(seconds=3)
"""For what is left at the process's end."""

_log = structlog.get_logger("execution")


def begin_traces(endpoint: str | None, share: float, service: str, version: str | None = None) -> None:
    """Have spans made from now on: each line of the log then has its trace's id. `share`: of traces that are told.

    `endpoint`: a collector's base address, for OTLP over HTTP; None: nobody is told.
    """
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what it has to say `Bare` says, once
    provider = tracer_provider(0.0 if endpoint is None else share, service, version)
    if endpoint is not None:
        provider.add_span_processor(BatchSpanProcessor(Bare(_by_otlp(endpoint))))
    trace.set_tracer_provider(provider)


def tracer_provider(share: float, service: str, version: str | None = None) -> TracerProvider:
    """What makes spans, and tells nobody yet."""
    return TracerProvider(
        sampler=ParentBased(_Roots(share)),
        resource=Resource.create({"service.name": service, "service.version": version or "unknown"}),
        shutdown_on_exit=False,  # it would wait for a collector that is away
    )


def end_traces() -> None:
    """Tell what is left, for a bounded time: the SDK knows no bound of its own."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        telling = Thread(target=provider.force_flush, daemon=True)
        telling.start()
        telling.join(_LAST.total_seconds())


def _by_otlp(endpoint: str) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # not loaded in vain

    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_ANSWER.total_seconds())


class _Roots(Sampler):
    """Whether a new trace is told. One of a call is not: a probe made it, say, for no request and no action."""

    def __init__(self, share: float) -> None:
        self._share = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the SDK asks for it."""
        if kind is SpanKind.CLIENT:
            return SamplingResult(Decision.DROP)
        return self._share.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """As the SDK asks for it."""
        return f"Roots{{{self._share.get_description()}}}"


class Bare(SpanExporter):
    """Hands spans on without what may hold a person's data, and logs it once when they no longer arrive."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._arrive = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand them on."""
        result = self._exporter.export([bare(span) for span in spans])
        arrived = result is SpanExportResult.SUCCESS
        if arrived != self._arrive:
            (_log.info if arrived else _log.warning)("traces", arrive=arrived)
        self._arrive = arrived
        return result

    def shutdown(self) -> None:
        """The end."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


def bare(span: ReadableSpan) -> ReadableSpan:
    """The span with what may be told of it: of an error its type."""
    attributes = {name: value for name, value in (span.attributes or {}).items() if _may_be_told(name, value)}
    for event in span.events:
        if event.name == "exception" and event.attributes is not None:
            attributes.setdefault("error.type", event.attributes.get("exception.type", "unknown"))
    return ReadableSpan(
        name=span.name if _NAME.fullmatch(span.name) else "unnamed",
        context=_bare_context(span.context),
        parent=_bare_context(span.parent),
        resource=span.resource,
        attributes=attributes,
        links=[Link(_only_ids(link.context)) for link in span.links],
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _may_be_told(name: str, value: AttributeValue) -> bool:
    return name in TOLD and (isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _LONGEST))


def _bare_context(context: SpanContext | None) -> SpanContext | None:
    return None if context is None else _only_ids(context)


def _only_ids(context: SpanContext) -> SpanContext:
    """Without the state that others may have added to it."""
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
