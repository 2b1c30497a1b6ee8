"""What a killed API leaves of unfinished workbooks is removed when the next one starts, and nothing else."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from api.report_files.folders import Folder, sweep

KILLED = """
import os, pathlib, signal
from api.report_files.folders import Folder
folder = Folder()
pathlib.Path(folder.name, "rows").write_text("@anna")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_goes_and_what_is_used_stays(place: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(place)}
    killed = subprocess.run([sys.executable, "-c", KILLED], env=environment)
    assert killed.returncode == -signal.SIGKILL
    used = Folder()
    Path(used.name, "rows").write_text("@boris")
    made_just_now = place / "invite-report-new"
    made_just_now.mkdir()
    of_somebody_else = place / "report-of-another-program"
    of_somebody_else.mkdir()
    (of_somebody_else / "file").touch()
    assert len(list(place.iterdir())) == 4
    assert sweep() == 1
    assert sorted(place.iterdir()) == sorted([Path(used.name), made_just_now, of_somebody_else])
    assert sweep() == 0


def test_a_folder_goes_with_its_report_however_that_ends(place: Path) -> None:
    folder = Folder()
    Path(folder.name, "rows").touch()
    folder.remove()
    assert list(place.iterdir()) == []
    given_up = Folder()
    Path(given_up.name, "rows").touch()
    del given_up
    assert list(place.iterdir()) == []
