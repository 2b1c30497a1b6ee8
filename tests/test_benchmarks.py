"""Every benchmark runs to its end: so small that its numbers say nothing, and whether a bound is kept is not asked."""

import importlib

import pytest

from tests.test_floors import ROOT

NAMES = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if not path.stem.startswith("_"))
TINY = {
    "claims": ["--sizes", "16,32", "--parallel", "1", "--turns", "4", "--rounds", "1"],
    "clients": ["--clients", "2", "--seconds", "0.1"],
    "import": ["--rows", "100", "--rounds", "1"],
    "report": ["--rows", "100"],
}
"""The simulation's course is run by tests/simulation, which also has the benchmark tell of it."""


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"bench.{name}").main(["--help"])
    assert ended.value.code == 0
    assert f"usage: ./run bench {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", TINY)
def test_it_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert importlib.import_module(f"bench.{name}").main(TINY[name]) in (0, 1)
    assert "bound" in capsys.readouterr().out
