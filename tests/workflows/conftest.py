"""A new server for each test: after its last workflow the time-skipping server's clock may jump by ten years."""

from collections.abc import AsyncIterator

import pytest

from tests.workflows.stage import Stage, skipping_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with skipping_stage() as made:
        yield made
