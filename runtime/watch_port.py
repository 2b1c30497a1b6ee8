"""The port that operators and their machines look at: `/metrics`, `/livez` and `/readyz`.

A thread of its own answers, so it also says that the event loop is stuck.
"""

import json
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from runtime.metrics import Metrics
from runtime.probes import EVERY, Probes

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

STUCK_AFTER = 4 * EVERY
"""An event loop that let so much time pass without a look at the dependencies does nothing else either."""
_READING = timedelta(seconds=10)
"""For a request's arrival."""


@contextmanager
def watch_port(
    metrics: Metrics, probes: Probes, needed: Collection[str], host: str, port: int | None
) -> Iterator[None]:
    """Answer there until left. `needed`: the dependencies without which the process is not ready.

    None for a port: nowhere. Raises `OSError` when it is taken.
    """
    if port is None:
        yield
        return
    kind = _Server6 if ":" in host else _Server
    with make_server(host, port, _application(metrics, probes, needed), kind, _Quiet) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _application(metrics: Metrics, probes: Probes, needed: Collection[str]) -> "WSGIApplication":
    tell_metrics = make_wsgi_app(metrics.registry)

    def application(environ: "WSGIEnvironment", start: "StartResponse") -> list[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return list(tell_metrics(environ, start))
            case "/livez":
                stuck = probes.silent_for() > STUCK_AFTER
                return _say(start, not stuck, {"status": "stuck" if stuck else "ok"})
            case "/readyz":
                up = probes.found()
                ready = all(up.get(name, False) for name in needed)
                return _say(start, ready, {"status": "ok" if ready else "not ready", "dependencies": up})
            case _:
                start("404 Not Found", [])
                return []

    return application


def _say(start: "StartResponse", well: bool, body: object) -> list[bytes]:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    start(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # whoever reads slowly does not hold the process's end


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = _READING.total_seconds()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  (the library's name)
        """Not a line for every scrape."""
