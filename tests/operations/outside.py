"""All that our processes call by HTTP, played by one server on loopback: it keeps what it was asked, and answers what
it is told to, nonsense too."""

import gzip
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SENTRY, HOOK, SPANS = "/sentry", "/hook", "/v1/traces"


@dataclass(frozen=True)
class Asked:
    """One request. `body`: unpacked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    seconds: float = 0.0


@dataclass
class Outside:
    """`answers`: by the path's beginning; the longest one counts. Nobody is asked who they are."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def says(self, path: str, body: object, status: int = 200, seconds: float = 0.0) -> None:
        """From now on this is answered there, after so long: bytes as they are, anything else as JSON."""
        self.answers[path] = Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), seconds)

    def heard(self, path: str) -> list[Asked]:
        """What came to paths that begin so."""
        return [each for each in list(self.asked) if each.path.startswith(path)]

    def answer_to(self, path: str) -> Answer:
        """What is answered there."""
        fitting = [each for each in self.answers if path.startswith(each)]
        return self.answers[max(fitting, key=len)] if fitting else Answer(404)


@contextmanager
def outside() -> Iterator[Outside]:
    """It, listening."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            packed = self.headers.get("Content-Encoding") == "gzip"
            here.asked.append(
                Asked(self.command, self.path, dict(self.headers), gzip.decompress(body) if packed else body)
            )
            answer = here.answer_to(self.path)
            time.sleep(answer.seconds)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_PUT = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client may break off."""

    server = Server(("127.0.0.1", 0), Handler)
    here = Outside(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
