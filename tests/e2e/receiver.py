"""An owner's server, which keeps what it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 30
"""Seconds."""


@dataclass
class Receiver:
    """`url`: where it is told."""

    url: str
    told: list[dict[str, Any]] = field(default_factory=list)

    def states(self, campaign: str, at_least: int) -> list[str]:
        """What it was told of a campaign, once that is so much. What came twice is taken once."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = {each["id"]: each["state"] for each in self.told if each["campaign_id"] == campaign}
            if len(found) >= at_least:
                return list(found.values())
            assert time.monotonic() < deadline, self.told
            time.sleep(0.05)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
