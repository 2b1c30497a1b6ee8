"""What the API's process counts and looks at, beside answering: its dependencies, and the numbers over all owners."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from temporalio.client import Client

from api.dependencies import Services
from domain.errors import Unavailable
from domain.ports import Clock
from runtime.fleet_metrics import FleetCollector
from runtime.metrics import Metrics
from runtime.probes import Probes
from runtime.watch_port import watch_port
from storage.fleet import Fleets

EVERY = timedelta(seconds=15)
"""Between two looks at the numbers over all owners."""
NEEDED = ("database",)
"""As `GET /readyz` of the API itself: without Temporal commands are stored."""

_log = structlog.get_logger("execution")


@asynccontextmanager
async def watching(metrics: Metrics, services: Services, temporal: Client) -> AsyncIterator[None]:
    """Count and look until the process ends; only where the metrics are asked for."""
    if services.settings.metrics_port is None:
        yield
        return
    collector = FleetCollector(services.limits)
    metrics.tell(collector)
    probes = Probes(
        {
            "database": services.database.ping,
            "temporal": temporal.service_client.check_health,
            "integration-service": services.integration.ping,
        },
        metrics.dependency,
    )
    tasks = [
        asyncio.create_task(probes.keep()),
        asyncio.create_task(_look(Fleets(services.database), services.clock, collector)),
    ]
    settings = services.settings
    try:
        with watch_port(metrics, probes, NEEDED, settings.metrics_host, settings.metrics_port):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _look(fleets: Fleets, clock: Clock, collector: FleetCollector) -> None:
    while True:
        try:
            collector.show(await fleets.look(await clock.now()))
        except Unavailable as error:
            _log.warning("fleet_not_seen", what=error.what)
        await asyncio.sleep(EVERY.total_seconds())
