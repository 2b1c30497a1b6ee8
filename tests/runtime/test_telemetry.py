"""What a process writes to its log: our own categories at their level, libraries at WARNING, every line JSON."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

LIBRARIES = ("telethon.network.mtprotosender", "temporalio.worker", "hvac", "httpx", "asyncio", "sqlalchemy.engine")


def lines(level: str, code: str) -> list[dict[str, Any]]:
    """What is logged by a process of its own: logging is configured once per process."""
    script = f"""
        import logging
        import structlog
        from runtime import telemetry
        telemetry.configure({level!r})
    """
    whole = textwrap.dedent(script) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)
    assert not done.stdout
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_libraries_speak_at_warning_whatever_our_own_level_is() -> None:
    code = f"""
        for name in {LIBRARIES!r}:
            logging.getLogger(name).debug("bytes of %s", "a secret")
            logging.getLogger(name).info("connected as %s", "a secret")
            logging.getLogger(name).warning("careful")
    """
    for level in ("DEBUG", "INFO"):
        said = lines(level, code)
        assert [(line["logger"], line["level"], line["event"]) for line in said] == [
            (name, "warning", "careful") for name in LIBRARIES
        ]


def test_our_own_categories_speak_at_theirs() -> None:
    code = """
        structlog.get_logger("execution").debug("a turn", position=3)
        structlog.get_logger("execution").info("worker started", queue="q")
        structlog.get_logger("audit").info("paused", owner="anna")
    """
    assert [line["event"] for line in lines("INFO", code)] == ["worker started", "paused"]
    assert [line["event"] for line in lines("DEBUG", code)] == ["a turn", "worker started", "paused"]
    [started, paused] = lines("INFO", code)
    assert (started["logger"], started["queue"], paused["logger"], paused["owner"]) == (
        "execution",
        "q",
        "audit",
        "anna",
    )
    assert all(line["timestamp"].endswith("Z") for line in (started, paused))


def test_an_error_has_its_trace() -> None:
    code = """
        try:
            raise ValueError("broken")
        except ValueError:
            structlog.get_logger("error").exception("it broke")
    """
    [line] = lines("INFO", code)
    assert (line["logger"], line["level"], line["event"]) == ("error", "error", "it broke")
    assert "ValueError: broken" in line["exception"]


def test_single_campaigns_speak_at_debug_from_when_the_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "debug"
    code = f"""
        import pathlib
        file = pathlib.Path({str(file)!r})
        clock = [0.0]
        telemetry.time.monotonic = lambda: clock[0]
        telemetry.configure("INFO", file)
        structlog.contextvars.bind_contextvars(campaign_id="c1")
        for step, ids in enumerate(["", "c0\\nc1\\n", "c0"]):
            file.write_text(ids)
            clock[0] += 1
            structlog.get_logger("execution").debug("a turn", step=step)
            structlog.get_logger("execution").debug("another's", campaign_id="c2")
        file.unlink()
        clock[0] += 1
        structlog.get_logger("execution").debug("a turn", step=3)
        logging.getLogger("telethon").debug("never")
    """
    [line] = lines("INFO", code)
    assert (line["event"], line["step"], line["campaign_id"], line["level"]) == ("a turn", 1, "c1", "debug")
