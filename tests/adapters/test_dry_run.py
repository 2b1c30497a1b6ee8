"""The dry run is an adapter like the others, and needs nothing."""

import pytest

from adapters.dry_run import DryRunAdapter
from adapters.registry import adapters
from domain.platform import DRY_RUN
from domain.recipient import Person
from tests.adapters.contract import AdapterContract, Bench


class TestDryRun(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return Bench(
            adapter=adapters()[DRY_RUN],
            credentials={},
            destination="club",
            unknown_destination="nowhere",
            person=Person(0, username="anna"),
            nobody=Person(1, phone="+79990000000"),
            joined=lambda: 0,
            delivered=lambda: 0,
        )

    def test_plays_a_platform(self) -> None:
        capabilities = adapters()["telegram"].capabilities
        assert DryRunAdapter(capabilities).capabilities == capabilities
