"""All that the service exposes, as Prometheus reads it: our processes' metrics in-process, Temporal's from a worker."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from prometheus_client import generate_latest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devstack.ports import HOST, free_ports
from domain.account import AccountState
from domain.campaign import Phase, Wanted
from domain.fleet import Fleet, Live
from domain.outcome import Kind
from domain.platform import Budget
from domain.why import Why
from runtime.fleet_metrics import FleetCollector
from runtime.limits import LimitsFile
from runtime.metrics import Metrics
from runtime.temporal import CONVERTER, measured
from tests.operations.tools import ROOT

PLATFORM = "telegram"
_TEST_SERVER = Path(sys.executable).parent / "temporal-test-server"


def service() -> str:
    """What our processes answer when all has happened that they count."""
    metrics = Metrics()
    metrics.limits_file(False)
    metrics.dependency("database", 0.001)
    metrics.unforeseen()
    metrics.account_blocked(PLATFORM)
    metrics.lease_taken_over(PLATFORM)
    metrics.turn_taken(PLATFORM, "invite")
    collector = FleetCollector(LimitsFile(ROOT / "limits.toml", metrics.limits_file))
    collector.show(_everything())
    metrics.tell(collector)
    return generate_latest(metrics.registry).decode()


def _everything() -> Fleet:
    return Fleet(
        at=datetime.now(UTC),
        live=[Live(PLATFORM, Wanted.RUN, Phase.RUNNING, why, 1, 10) for why in Why],
        outcomes={(PLATFORM, kind, final): 1 for kind in Kind for final in (True, False)},
        settled={PLATFORM: 5},
        accounts={(PLATFORM, state): 1 for state in AccountState},
        leases={PLATFORM: 3},
        spent={(PLATFORM, Budget.INVITE): 7},
        late={PLATFORM: 1},
        stuck={PLATFORM: 1},
    )


async def temporal() -> str:
    """What a worker's Temporal SDK answers when a workflow's task has failed, and an activity was done after it."""
    [port] = free_ports(1)
    address = f"{HOST}:{port}"
    server = await WorkflowEnvironment.start_time_skipping(
        data_converter=CONVERTER, test_server_existing_path=str(_TEST_SERVER)
    )
    async with server as env:
        client = await Client.connect(
            env.client.service_client.config.target_host, data_converter=CONVERTER, runtime=measured(address)
        )
        async with Worker(client, task_queue="measured", workflows=[_FailsAtFirst], activities=[_nothing]):
            await client.execute_workflow(_FailsAtFirst.run, id="measured", task_queue="measured")
            async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
                return (await http.get(f"http://{address}/metrics")).text


@activity.defn
async def _nothing() -> None:
    """Is counted."""


@workflow.defn(sandboxed=False)
class _FailsAtFirst:
    tries = 0

    @workflow.run
    async def run(self) -> None:
        _FailsAtFirst.tries += 1
        if _FailsAtFirst.tries == 1:
            raise RuntimeError("a bug")
        await workflow.execute_activity(_nothing, start_to_close_timeout=timedelta(seconds=5))
