"""The floors of the house: who may import whom, and that the business needs nothing but Python."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOMAIN = sorted((ROOT / "domain").glob("*.py"))


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("module", DOMAIN, ids=lambda path: path.stem)
def test_the_domain_imports_the_standard_library_only(module: Path) -> None:
    allowed = sys.stdlib_module_names | {"domain"}
    assert _imported(module) <= allowed


@pytest.mark.parametrize("module", sorted(ROOT.glob("*/__init__.py")), ids=lambda path: path.parent.name)
def test_packages_hold_nothing_by_themselves(module: Path) -> None:
    assert module.read_text() == ""


def test_nobody_imports_the_worker() -> None:
    ours = [path for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts and "tests" not in path.parts]
    assert not [path for path in ours if "worker" in _imported(path)]


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
