"""Temporal's data is lost while a campaign runs: docs/operations.md says that it goes on, and it does."""

from pathlib import Path

import pytest

from tests.e2e.town import town, world


@pytest.mark.long
def test_a_campaign_goes_on_with_an_empty_temporal(tmp_path: Path) -> None:
    with town(tmp_path, world(accounts=3, people=300)) as here:
        campaign = here.campaign()
        here.wait(campaign, lambda status: status["counts"]["processed"] >= 20)
        temporal = here.stack.infrastructure.temporal
        assert temporal is not None
        temporal.kill()
        for file in here.stack.state.folder.glob("temporal.db*"):
            file.unlink()
        temporal.start()
        assert here.status(campaign)["counts"]["left"] > 0
        for worker in here.stack.workers:
            worker.stop()
            worker.start()
        here.assert_agrees(here.end(campaign, seconds=180))
