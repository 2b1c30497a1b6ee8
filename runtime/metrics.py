"""What a process counts for operators, in Prometheus's format. `runtime.watch_port` serves it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.registry import Collector

_LATENCIES = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds."""


class Metrics:
    """One process's metrics, each an attribute made here: whoever raises one is given what it needs of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._limits_file_broken = Gauge(
            "invite_limits_file_broken",
            "1 while the limits file cannot be meant and the last good one stays in force",
            registry=self.registry,
        )
        self._dependency_up = Gauge(
            "invite_dependency_up",
            "1 while what this process needs answers",
            ["dependency"],
            registry=self.registry,
        )
        self._dependency_seconds = Histogram(
            "invite_dependency_seconds",
            "How long an answer to 'are you there' took",
            ["dependency"],
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._unforeseen = Counter(
            "invite_api_errors", "Requests that the API answered with an error of ours", registry=self.registry
        )
        self._blocks = Counter(
            "invite_account_blocks",
            "Accounts that were found banned, signed out or frozen",
            ["platform"],
            registry=self.registry,
        )
        self._taken_over = Counter(
            "invite_lease_takeovers",
            "Accounts that this process took from one that had let its lease end",
            ["platform"],
            registry=self.registry,
        )
        self._turns = Counter(
            "invite_turns", "Turns that this process took", ["platform", "action"], registry=self.registry
        )

    def limits_file(self, broken: bool) -> None:
        """Whether the limits file is wrong now."""
        self._limits_file_broken.set(broken)

    def dependency(self, name: str, seconds: float | None) -> None:
        """A dependency answered after so long; None: it did not."""
        self._dependency_up.labels(name).set(seconds is not None)
        if seconds is not None:
            self._dependency_seconds.labels(name).observe(seconds)

    def unforeseen(self) -> None:
        """A request met an error that nobody foresaw."""
        self._unforeseen.inc()

    def expect(self, platforms: Iterable[str]) -> None:
        """Begin with 0 of what befalls accounts there: to Prometheus a series that begins with 1 has not increased."""
        for platform in platforms:
            self._blocks.labels(platform)
            self._taken_over.labels(platform)

    def account_blocked(self, platform: str) -> None:
        """An account was found blocked."""
        self._blocks.labels(platform).inc()

    def lease_taken_over(self, platform: str) -> None:
        """An account was taken from a process that had let its lease end."""
        self._taken_over.labels(platform).inc()

    def turn_taken(self, platform: str, action: str) -> None:
        """An account has taken a turn."""
        self._turns.labels(platform, action).inc()

    def tell(self, collector: Collector) -> None:
        """Have another collector's numbers answered as well."""
        self.registry.register(collector)
