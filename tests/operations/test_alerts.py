"""Every alert fires where it must and only there, has its page in the runbook, and reaches Slack."""

import json
import re
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.tools import ROOT, tool

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
TESTS = DEPLOY / "prometheus" / "alerts.test.yml"
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
"""Debian's build looks for it there, wherever the program itself lies."""


def rules() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}


def run(*command: str | Path, where: Path = ROOT) -> str:
    done = subprocess.run([str(each) for each in command], cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_and_the_configuration_can_be_read() -> None:
    run(tool("promtool"), "check", "rules", RULES)
    run(tool("promtool"), "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    run(tool("amtool"), "check-config", ALERTMANAGER)


def test_they_fire_where_they_must_and_only_there() -> None:
    run(tool("promtool"), "test", "rules", TESTS.name, where=TESTS.parent)


def test_a_wrong_expectation_would_fail(tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_text(RULES.read_text())
    (tmp_path / TESTS.name).write_text(TESTS.read_text().replace("exp_alerts:", "exp_alerts: []\n        ignored:", 1))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", TESTS.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0


def test_each_alert_is_tested_both_ways() -> None:
    fires, quiet = set(), set()
    for case in yaml.safe_load(TESTS.read_text())["tests"]:
        for expected in case["alert_rule_test"]:
            (fires if expected.get("exp_alerts") else quiet).add(expected["alertname"])
    assert fires == quiet == rules().keys()


def test_each_alert_has_a_page_and_a_severity() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    for name, rule in rules().items():
        assert name in headings, "docs/runbook.md lacks its page"
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("warning", "critical")


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "slack-critical"), ("warning", "slack")])
def test_the_severity_chooses_the_channel(severity: str, receiver: str) -> None:
    routed = run(tool("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"severity={severity}")
    assert routed.strip() == receiver


class TestSlack:
    """Alertmanager itself, with our configuration, speaking to a receiver on loopback instead of Slack."""

    def test_an_alert_is_delivered_with_its_page(self, tmp_path: Path) -> None:
        with slack() as (url, messages), alertmanager(tmp_path, url) as address:
            alert = {
                "labels": {"alertname": "ManyAccountsBlocked", "severity": "critical", "platform": "telegram"},
                "annotations": {"summary": "6 accounts", "runbook": "docs/runbook.md#manyaccountsblocked"},
            }
            post(f"{address}/api/v2/alerts", [alert])
            message = wait_for(messages)
        assert message["channel"] == "#invite-service-critical"
        [attachment] = message["attachments"]
        assert attachment["title"] == "ManyAccountsBlocked"
        assert attachment["text"].strip() == "6 accounts (docs/runbook.md#manyaccountsblocked)"


@contextmanager
def slack() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    messages: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/slack", messages
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def alertmanager(folder: Path, slack_url: str) -> Iterator[str]:
    """Running with our configuration, in which only the secret's place and the first wait are others."""
    if not TEMPLATES.exists():
        pytest.skip(f"Debian's Alertmanager needs {TEMPLATES}: run .ci/tools as root")
    (folder / "slack_url").write_text(slack_url)
    text = ALERTMANAGER.read_text().replace("/run/secrets/slack_url", str(folder / "slack_url"))
    assert "group_wait: 5s" in text
    (folder / "alertmanager.yml").write_text(text.replace("group_wait: 5s", "group_wait: 100ms"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    program = subprocess.Popen(
        [
            tool("prometheus-alertmanager"),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=1).close()
                break
            except OSError:
                assert program.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield f"http://{address}"
    finally:
        program.terminate()
        program.wait(10)


def post(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=5).close()


def wait_for(messages: list[dict[str, Any]]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not messages:
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.05)
    return messages[0]
