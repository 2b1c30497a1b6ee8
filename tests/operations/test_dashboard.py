"""Whatever the dashboard and the alerts ask for is exposed, under these labels; and Prometheus answers each query."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from devstack.ports import HOST, free_ports
from tests.operations import exposed
from tests.operations.tools import ROOT, tool

DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
RULES = DEPLOY / "prometheus" / "alerts.yml"
PROMETHEUS_OWN = {"up": {"job", "instance"}}
FROM_SCRAPING = {"job", "instance"}
WORDS = {"by", "without", "and", "or", "unless", "on", "ignoring", "bool", "offset", "group_left", "group_right"}
VARIABLES = {"platform": ".*", "datasource": "prometheus"}
"""What Grafana would put in."""


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def dashboard_queries() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def alert_queries() -> list[str]:
    return [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def filled(query: str) -> str:
    return re.sub(r"\$(\w+)", lambda found: VARIABLES[found[1]], query)


def asked(query: str) -> set[tuple[str, str]]:
    """Every metric that a query names, with every label that is selected or grouped by; '' for none."""
    grouped = {
        label for found in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", query) for label in re.findall(r"\w+", found)
    }
    bare = re.sub(r"\b(?:by|on)\s*\([^)]*\)|\[[^\]]*\]", " ", query)
    found = set()
    for name, selector in re.findall(r"\b([a-zA-Z_]\w*)\b(?!\s*\()\s*(\{[^}]*\})?", re.sub(r'"[^"]*"', '""', bare)):
        if name in WORDS or re.search(rf"\{{[^}}]*\b{name}\b", bare):
            continue
        labels = set(re.findall(r"(\w+)\s*[=!]~?", selector)) | grouped
        found |= {(name, label) for label in labels or {""}}
    return found


def test_queries_are_taken_apart_rightly() -> None:
    query = 'histogram_quantile(0.9, sum by (le) (rate(a_bucket{job=~"x.*",why!="b"}[5m]))) > 3 * max(c) and d == 0'
    assert asked(query) == {
        *(("a_bucket", label) for label in ("le", "job", "why")),
        ("c", "le"),
        ("d", "le"),
    }


@pytest.fixture(scope="module")
def told() -> str:
    return exposed.service() + asyncio.run(exposed.temporal())


@pytest.fixture(scope="module")
def labels(told: str) -> Mapping[str, set[str]]:
    """What is exposed, with its labels. Read as it stands: the library's parser would rename counters."""
    found: dict[str, set[str]] = {}
    for name, values in re.findall(r"^(\w+)(?:\{(.*)\})? ", told, re.MULTILINE):
        found.setdefault(name, set(FROM_SCRAPING)).update(re.findall(r'(\w+)="', values))
    return found | PROMETHEUS_OWN


@pytest.mark.parametrize("query", dashboard_queries() + alert_queries())
def test_what_is_asked_for_is_exposed(query: str, labels: Mapping[str, set[str]]) -> None:
    names = asked(query)
    assert names
    for name, label in names:
        assert name in labels, f"{name} is not exposed"
        assert label in labels[name] | {""}, f"{name} has no label {label}"


def test_every_panel_says_what_it_shows() -> None:
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["targets"]
        for page in re.findall(r"runbook, (\w+)", panel["description"]):
            assert page in headings
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    for title in re.findall(r'"([^"]+)"(?= and "[^"]+" in the dashboard| in the dashboard)', runbook):
        assert title in {panel["title"] for panel in panels}


def test_prometheus_answers_every_query_with_something(told: str, tmp_path: Path) -> None:
    with exporter(told) as target, prometheus(tmp_path, target) as address:
        wait_until_scraped_twice(address)
        for query in map(filled, dashboard_queries()):
            answer = ask(address, query)
            assert answer, f"nothing is shown by {query}"
        for query in alert_queries():
            ask(address, query)


@contextmanager
def exporter(text: str) -> Iterator[str]:
    """Answers what is exposed, as `host:port`."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer((HOST, 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """Prometheus itself with our jobs, all of them at one target; its base address."""
    jobs = ("invite-api", "invite-worker", "invite-temporal-sdk")
    settings = {
        "global": {"scrape_interval": "200ms"},
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [target]}]} for job in jobs],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    [port] = free_ports(1)
    program = subprocess.Popen(
        [
            tool("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )
    try:
        yield f"http://{HOST}:{port}"
    finally:
        program.terminate()
        program.wait(10)


def wait_until_scraped_twice(address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            counts = ask(address, "count_over_time(up[1m]) > 1")
        except OSError:
            counts = []
        if len(counts) == 3:
            return
        assert time.monotonic() < deadline, "Prometheus has not scraped"
        time.sleep(0.1)


def ask(address: str, query: str) -> Sequence[Any]:
    with urlopen(f"{address}/api/v1/query?{urlencode({'query': query})}", timeout=5) as answer:
        found = json.load(answer)
    assert found["status"] == "success"
    result: Sequence[Any] = found["data"]["result"]
    return result
