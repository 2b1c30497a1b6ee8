"""The dry run is an adapter like the others, and needs nothing."""

import pytest

from adapters.dry_run import DryRunAdapter
from adapters.registry import adapters
from domain.platform import DRY_RUN
from domain.recipient import Person
from tests.adapters.contract import AdapterContract, Bench, signed_in


class TestDryRun(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return Bench(
            adapter=adapters()[DRY_RUN],
            credentials={},
            destination="club",
            unknown_destination="nowhere",
            person=Person(0, username="anna"),
            nobody=Person(1),
            joined=lambda: 0,
            delivered=lambda: 0,
            contacts=lambda: 0,
            lookups=lambda: 0,
        )

    def test_plays_a_platform(self) -> None:
        capabilities = adapters()["telegram"].capabilities
        assert DryRunAdapter(capabilities).capabilities == capabilities

    async def test_a_person_is_the_same_in_every_run(self) -> None:
        adapter = adapters()[DRY_RUN]
        sessions = [await signed_in(adapter, {}) for _ in range(2)]
        found = [await session.find(Person(number, username="anna")) for number, session in enumerate(sessions)]
        assert found[0] == found[1]
        assert "anna" not in repr(found)
