"""The numbers over all owners in Prometheus's format, under the names that OBS-2 gives them.

Every API process tells the same, so they are read with `max`, never summed. They come from the database's own counters:
what is told is what really happened, also after restarts. What has never happened is told as 0: Prometheus sees no
increase in a series that begins with its first event, and no alert would tell of it. Where a name without `_total`
counts, the library would add it; so those are told as they are written, and untyped.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.fleet import Fleet
from domain.limits import Limits
from domain.outcome import Kind

FLOODS = frozenset({Kind.RATE_LIMITED, Kind.LIMITED})
API_ERRORS = frozenset({Kind.UNAVAILABLE, Kind.UNCERTAIN})


class FleetCollector(Collector):
    """Tells what it was shown last; before the first look nothing."""

    def __init__(self, limits: Callable[[], Limits]) -> None:
        self._limits = limits
        self._fleet: Fleet | None = None

    def show(self, fleet: Fleet) -> None:
        """From now on this is told."""
        self._fleet = fleet

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first look."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        fleet = self._fleet
        if fleet is None:
            return
        yield _gauge("invite_fleet_seen_at_seconds", "When the numbers over all owners were read", fleet.at.timestamp())
        yield from _campaigns(fleet)
        yield from _outcomes(fleet, self._limits().platforms)
        yield _gauge(
            "current_speed_messages_per_minute",
            "People settled per minute, over the last 5 minutes",
            fleet.per_minute(),
        )
        accounts = GaugeMetricFamily("invite_accounts", "Accounts by state", labels=["platform", "state"])
        for (platform, state), n in fleet.accounts.items():
            accounts.add_metric([platform, state.value], n)
        yield accounts
        leases = CounterMetricFamily("invite_leases", "Accounts taken by a worker, ever", labels=["platform"])
        for platform, n in fleet.leases.items():
            leases.add_metric([platform], n)
        yield leases
        left = GaugeMetricFamily(
            "invite_budget_left",
            "Actions that the accounts that can work may still do in 24 h, at the platform's ceiling",
            labels=["platform", "budget"],
        )
        for (platform, budget), n in fleet.left(self._limits()).items():
            left.add_metric([platform, budget.value], n)
        yield left


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words)
    family.add_metric([], value)
    return family


def _by_platform(name: str, words: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=["platform"])
    for platform, n in values.items():
        family.add_metric([platform], n)
    return family


def _campaigns(fleet: Fleet) -> Iterator[Metric]:
    active: Counter[str] = Counter()
    waits: Counter[tuple[str, str]] = Counter()
    for each in fleet.live:
        active[each.platform] += each.campaigns
        waits[each.platform, each.why.value] += each.campaigns
    yield _by_platform("invite_active_tasks", "Campaigns that were started and have not ended", active)
    reasons = GaugeMetricFamily("invite_campaigns", "The same by why they stand so", labels=["platform", "why"])
    for (platform, why), n in waits.items():
        reasons.add_metric([platform, why], n)
    yield reasons
    yield _by_platform("invite_campaigns_late", "Campaigns that take much longer than their plan said", fleet.late)
    yield _by_platform("invite_campaigns_stuck", "Campaigns at work that settled nobody for hours", fleet.stuck)
    yield _gauge(
        "task_waiting_queue", "People of live campaigns who are not settled", sum(each.people for each in fleet.live)
    )


def _outcomes(fleet: Fleet, platforms: Collection[str]) -> Iterator[Metric]:
    settled = Counter({(platform, kind): 0 for platform in platforms for kind in Kind})
    floods = Counter(dict.fromkeys(platforms, 0))
    errors = floods.copy()
    for (platform, kind, final), n in fleet.outcomes.items():
        settled[platform, kind] += n if final else 0
        floods[platform] += n if kind in FLOODS else 0
        errors[platform] += n if kind in API_ERRORS else 0
    processed = CounterMetricFamily(
        "invite_processed_users", "People settled, by what became of them", labels=["platform", "result"]
    )
    for (platform, kind), n in settled.items():
        processed.add_metric([platform, kind.value], n)
    yield processed
    yield _as_written("invite_floodwait_events", "FloodWaits and anti-spam limits", floods)
    yield _as_written("external_api_errors", "Calls that the platform did not answer, or not clearly", errors)


def _as_written(name: str, words: str, by_platform: Counter[str]) -> Metric:
    family = Metric(name, words, "unknown")
    for platform, n in by_platform.items():
        family.add_sample(name, {"platform": platform}, n)
    return family
