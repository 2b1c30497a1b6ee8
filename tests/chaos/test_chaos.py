"""Never lost, never twice, whatever is killed. Another seed: `./run chaos --leases short --seed n …`."""

import pytest

from devstack.chaos.command import Options, run
from devstack.demo.picture import console

SHORT = Options(faults=5, seed=2, recipients=300, accounts=6, workers=2, leases="short")
LONG = Options(faults=100, seed=1)


def test_five_faults() -> None:
    verdict = run(SHORT, console())
    assert (verdict.lost, verdict.twice, verdict.uncertain) == (0, 0, 0)


@pytest.mark.long
def test_a_hundred_faults() -> None:
    verdict = run(LONG, console())
    assert (verdict.lost, verdict.twice, verdict.uncertain) == (0, 0, 0)
