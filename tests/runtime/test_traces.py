"""Traces leave a process whole, without what may hold a person's data, and its log knows their ids."""

import json
import subprocess
import sys
import textwrap
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from devstack.ports import HOST, free_ports
from runtime.traces import TOLD, Bare, tracer_provider
from tests.traces import collector

ANNA = "@anna_k"
SCRIPT = f"""
    import time
    import structlog
    from opentelemetry import trace
    from runtime import telemetry, traces
    telemetry.configure("INFO")
    traces.begin_traces(ENDPOINT, 1.0, "invite-test", "7")
    tracer = trace.get_tracer("invite-service")
    with tracer.start_as_current_span("turn", attributes={{"campaign_id": "c1", "person": "{ANNA}"}}):
        structlog.get_logger("execution").info("inside")
        try:
            with tracer.start_as_current_span("telegram invite"):
                raise ValueError("{ANNA} is no member")
        except ValueError:
            pass
    structlog.get_logger("execution").info("outside")
    began = time.monotonic()
    telemetry.end()
    structlog.get_logger("execution").info("ended", seconds=time.monotonic() - began)
"""


def run(endpoint: str | None) -> list[dict[str, Any]]:
    """What a process of its own logs: it has one provider of traces."""
    script = textwrap.dedent(SCRIPT).replace("ENDPOINT", repr(endpoint))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stderr.splitlines()]


def received(sent: list[tuple[str, bytes]]) -> tuple[dict[str, str], list[Span]]:
    """The resource, and the spans."""
    [(path, body)] = sent
    assert path == "/v1/traces"
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    about = {each.key: each.value.string_value for each in resource.resource.attributes}
    return about, [span for scope in resource.scope_spans for span in scope.spans]


def test_spans_arrive_by_otlp_before_the_process_ends() -> None:
    with collector() as (address, sent):
        inside, outside, _ = run(f"{address}/")
    about, (call, turn) = received(sent)
    assert (about["service.name"], about["service.version"]) == ("invite-test", "7")
    assert not {name for name in about if name.startswith(("process.", "host."))}
    assert (turn.name, call.name) == ("turn", "telegram invite")
    assert call.trace_id == turn.trace_id
    assert (call.parent_span_id, turn.parent_span_id) == (turn.span_id, b"")
    assert inside["trace_id"] == turn.trace_id.hex()
    assert "trace_id" not in outside
    assert [(each.key, each.value.string_value) for each in turn.attributes] == [("campaign_id", "c1")]
    assert [(each.key, each.value.string_value) for each in call.attributes] == [("error.type", "ValueError")]
    assert (call.status.code, call.status.message) == (2, "")
    assert ANNA.encode() not in sent[0][1]


def test_without_a_collector_the_log_has_the_ids_nevertheless() -> None:
    assert [len(line.get("trace_id", "")) for line in run(None)] == [32, 0, 0]


def test_a_collector_that_is_away_holds_up_nobody_and_is_told_of_once() -> None:
    [port] = free_ports(1)
    *lines, ended = run(f"http://{HOST}:{port}")
    assert ended["seconds"] < 10
    assert [line["event"] for line in lines] in (["inside", "outside"], ["inside", "outside", "traces"])


class TestBare:
    @given(
        attributes=st.dictionaries(st.sampled_from([*TOLD, "username", "text", "url.full"]), st.text() | st.integers()),
        name=st.text(max_size=30) | st.from_regex(r"[a-zA-Z ]+", fullmatch=True),
        words=st.text(min_size=1),
    )
    def test_only_what_is_named_leaves(self, attributes: dict[str, Any], name: str, words: str) -> None:
        """Whatever a span is given."""
        [span] = exported(name, attributes, words)
        told = dict(span.attributes or {})
        assert told.pop("error.type") == attributes.get("error.type", "RuntimeError")
        attributes.pop("error.type", None)
        expected = {key: value for key, value in attributes.items() if key in TOLD and len(str(value)) <= 200}
        assert told == expected
        assert not span.events
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
        assert span.name in (name, "unnamed")
        assert not any(character.isdigit() or character in "@+" for character in span.name)
        [link] = span.links
        assert not link.attributes
        assert not link.context.trace_state

    def test_a_call_in_nobody_s_name_makes_no_trace(self) -> None:
        exporter = InMemorySpanExporter()
        tracer = tracing(exporter)
        with tracer.start_as_current_span("Vault", kind=SpanKind.CLIENT):
            pass
        with tracer.start_as_current_span("turn"), tracer.start_as_current_span("Vault", kind=SpanKind.CLIENT):
            pass
        assert [span.name for span in exporter.get_finished_spans()] == ["Vault", "turn"]


def test_of_what_is_not_in_the_share_nobody_is_told_not_even_of_a_part() -> None:
    exporter = InMemorySpanExporter()
    tracer = tracing(exporter, share=0.3)
    for _ in range(300):
        with tracer.start_as_current_span("turn"), tracer.start_as_current_span("begin"):
            pass
    names = Counter(span.name for span in exporter.get_finished_spans())
    assert names["turn"] == names["begin"]
    assert 30 < names["turn"] < 170


def tracing(exporter: InMemorySpanExporter, share: float = 1.0) -> Any:
    provider = tracer_provider(share, "tests")
    provider.add_span_processor(SimpleSpanProcessor(Bare(exporter)))
    return provider.get_tracer("tests")


def exported(name: str, attributes: dict[str, Any], words: str) -> tuple[ReadableSpan, ...]:
    """A span with everything in it that may hold somebody's data."""
    exporter = InMemorySpanExporter()
    other = SpanContext(7, 8, False, TraceFlags(1), TraceState([("somebody", "else")]))
    try:
        with tracing(exporter).start_as_current_span(
            name, attributes=attributes, links=[Link(other, {"username": words})]
        ) as span:
            span.add_event(words, {"text": words})
            raise RuntimeError(words)
    except RuntimeError:
        pass
    return exporter.get_finished_spans()
