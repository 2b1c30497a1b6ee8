"""The limits file while the process runs: a broken one never takes effect, and a metric says so."""

from pathlib import Path

import pytest

from domain.errors import LimitsError
from domain.platform import Budget
from runtime.limits import LimitsFile
from runtime.metrics import Metrics

DEFAULTS = (Path(__file__).parents[2] / "limits.toml").read_text(encoding="utf-8")
GAUGE = "invite_limits_file_broken"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "limits.toml"
    path.write_text(DEFAULTS, encoding="utf-8")
    return path


def invites(limits: LimitsFile) -> int:
    return limits().of("telegram").daily[Budget.INVITE]


def test_a_change_takes_effect_at_the_next_look(path: Path) -> None:
    limits = LimitsFile(path)
    assert invites(limits) == 50
    path.write_text(DEFAULTS.replace("invite = 50", "invite = 7"), encoding="utf-8")
    assert invites(limits) == 7


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        DEFAULTS.replace("invite = 50", "invite = -5").encode(),
        DEFAULTS.replace("gone_for", "gone_after").encode(),
        DEFAULTS[: len(DEFAULTS) // 2].encode(),
        DEFAULTS[: DEFAULTS.index("[instagram]")].encode(),
        b"\xff\xfe",
        None,
    ],
    ids=["empty", "negative", "unknown key", "half", "a platform less", "not text", "gone"],
)
def test_a_broken_file_keeps_the_last_good_one_and_raises_the_metric_until_it_is_mended(
    path: Path, broken: bytes | None
) -> None:
    metrics = Metrics()
    limits = LimitsFile(path, metrics.limits_file)
    assert metrics.registry.get_sample_value(GAUGE) == 0
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)
    assert invites(limits) == 50
    assert limits().of("instagram").daily[Budget.MESSAGE] == 50
    assert metrics.registry.get_sample_value(GAUGE) == 1
    path.write_text(DEFAULTS.replace("invite = 50", "invite = 7"), encoding="utf-8")
    assert invites(limits) == 7
    assert metrics.registry.get_sample_value(GAUGE) == 0


def test_one_that_is_broken_from_the_start_stops_the_process(path: Path) -> None:
    path.write_text("telegram = 5", encoding="utf-8")
    with pytest.raises(LimitsError, match="telegram"):
        LimitsFile(path)


def test_the_metric_is_told_by_the_process() -> None:
    metrics = Metrics()
    metrics.limits_file(True)
    assert metrics.registry.get_sample_value(GAUGE) == 1
