"""Prometheus' and Alertmanager's own programs: from the path, or from `.tools`, where `.ci/tools` unpacks them."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tool(name: str) -> str:
    """Where it is. Where it is not, the test is skipped, and says what to do."""
    found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "usr" / "bin"))
    if found is None:
        pytest.skip(f"{name} is not here: run .ci/tools (Debian), or install it")
    return found
