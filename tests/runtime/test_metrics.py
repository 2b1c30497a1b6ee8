"""What a process counts, and how it looks at what it needs."""

import asyncio
from datetime import timedelta

from runtime.metrics import Metrics
from runtime.probes import Probes


def test_each_event_is_counted_once_under_its_label() -> None:
    metrics = Metrics()
    metrics.account_blocked("telegram")
    metrics.lease_taken_over("telegram")
    for _ in range(3):
        metrics.turn_taken("telegram", "invite")
    metrics.turn_taken("dry_run", "message")
    value = metrics.registry.get_sample_value
    assert value("invite_account_blocks_total", {"platform": "telegram"}) == 1
    assert value("invite_lease_takeovers_total", {"platform": "telegram"}) == 1
    assert value("invite_turns_total", {"platform": "telegram", "action": "invite"}) == 3
    assert value("invite_turns_total", {"platform": "dry_run", "action": "message"}) == 1
    assert (value("process_resident_memory_bytes") or 0) > 1024 * 1024


def test_the_first_block_is_an_increase() -> None:
    metrics = Metrics()
    metrics.expect(["telegram"])
    value = metrics.registry.get_sample_value
    assert value("invite_account_blocks_total", {"platform": "telegram"}) == 0, "else AccountBlocked would not fire"
    metrics.account_blocked("telegram")
    assert value("invite_account_blocks_total", {"platform": "telegram"}) == 1


def test_two_processes_of_a_test_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.account_blocked("telegram")
    assert other.registry.get_sample_value("invite_account_blocks_total", {"platform": "telegram"}) is None


class TestProbes:
    async def test_what_answers_is_up_and_what_does_not_is_down(self) -> None:
        metrics = Metrics()
        there = False

        async def database() -> None:
            if not there:
                raise ConnectionError("a secret")

        async def vault() -> None:
            await asyncio.sleep(60)

        async def temporal() -> None:
            return

        asked = {"database": database, "vault": vault, "temporal": temporal}
        probes = Probes(asked, metrics.dependency, patience=timedelta(milliseconds=20))
        await probes.look()
        assert self.up(metrics) == {"database": 0, "vault": 0, "temporal": 1}
        there = True
        await probes.look()
        assert self.up(metrics) == {"database": 1, "vault": 0, "temporal": 1}
        answered = metrics.registry.get_sample_value("invite_dependency_seconds_count", {"dependency": "temporal"})
        assert answered == 2

    @staticmethod
    def up(metrics: Metrics) -> dict[str, float | None]:
        names = ("database", "vault", "temporal")
        return {name: metrics.registry.get_sample_value("invite_dependency_up", {"dependency": name}) for name in names}
