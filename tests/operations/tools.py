"""Programs of others: from the path, from our environment, or from `.tools`, where `.ci/tools` unpacks them."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PLACES = (None, str(Path(sys.executable).parent), str(ROOT / ".tools" / "usr" / "bin"))


def tool(name: str) -> str:
    """Where it is. Where it is not, the test is skipped, and says what to do."""
    found = next(filter(None, (shutil.which(name, path=place) for place in _PLACES)), None)
    if found is None:
        pytest.skip(f"{name} is not here: run .ci/tools (Debian), or install it")
    return found
