"""Collectors of traces: on loopback for other processes, and within the test's own, which has one for all its tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from devstack.ports import HOST
from runtime.traces import Bare, tracer_provider


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """One on loopback: its base address, and what it was sent."""
    sent: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()


class Told:
    """The spans, as they left."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended."""
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of this name."""
        return [span for span in self.spans if span.name == name]

    def of(self, trace_id: int) -> list[ReadableSpan]:
        """A trace's."""
        return [span for span in self.spans if span.context.trace_id == trace_id]

    def parent(self, span: ReadableSpan) -> ReadableSpan | None:
        """The span's parent; None: it begins a trace."""
        if span.parent is None:
            return None
        [found] = [each for each in self.spans if each.context.span_id == span.parent.span_id]
        return found

    def way(self, span: ReadableSpan) -> list[str]:
        """The names from the trace's beginning to the span."""
        names = [span.name]
        while (above := self.parent(span)) is not None:
            span = above
            names.insert(0, span.name)
        return names


class _WhileAsked(SimpleSpanProcessor):
    """Keeps spans while a test asks for them."""

    asked = False

    def on_end(self, span: ReadableSpan) -> None:
        if self.asked:
            super().on_end(span)


@contextmanager
def told() -> Iterator[Told]:
    """What is told from now on, until left."""
    keeping, exporter = _kept()
    exporter.clear()
    keeping.asked = True
    try:
        yield Told(exporter)
    finally:
        keeping.asked = False


@cache
def _kept() -> tuple[_WhileAsked, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    keeping = _WhileAsked(Bare(exporter))
    provider = tracer_provider(1.0, "tests")
    provider.add_span_processor(keeping)
    trace.set_tracer_provider(provider)
    return keeping, exporter
