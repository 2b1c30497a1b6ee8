"""What is asked of a process's port for operators, over HTTP."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from devstack.ports import free_ports
from runtime.metrics import Metrics
from runtime.probes import Probes
from runtime.watch_port import watch_port


class World:
    """Two dependencies that a test takes away."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.metrics = Metrics()
        self.probes = Probes(
            {name: lambda name=name: self._ask(name) for name in ("database", "vault")}, self.metrics.dependency
        )

    async def _ask(self, name: str) -> None:
        if name in self.away:
            raise ConnectionError(name)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_it_is_ready_while_what_it_needs_answers(host: str) -> None:
    world = World()
    [port] = free_ports(1)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    with watch_port(world.metrics, world.probes, ["database"], host, port):
        async with httpx.AsyncClient(base_url=url) as operator:
            answer = await operator.get("/readyz")
            assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "dependencies": {}})
            await world.probes.look()
            answer = await operator.get("/readyz")
            assert answer.status_code == 200
            assert answer.json() == {"status": "ok", "dependencies": {"database": True, "vault": True}}
            world.away = {"vault"}
            await world.probes.look()
            answer = await operator.get("/readyz")
            assert answer.status_code == 200, "it goes on without Vault"
            assert answer.json()["dependencies"] == {"database": True, "vault": False}
            world.away = {"database"}
            await world.probes.look()
            assert (await operator.get("/readyz")).status_code == 503
            assert 'invite_dependency_up{dependency="database"} 0.0' in (await operator.get("/metrics")).text
            assert (await operator.get("/livez")).json() == {"status": "ok"}
            assert (await operator.get("/nothing")).status_code == 404
    async with httpx.AsyncClient(base_url=url) as operator:
        with pytest.raises(httpx.ConnectError):
            await operator.get("/livez")


async def test_a_loop_that_looks_no_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr("runtime.watch_port.STUCK_AFTER", timedelta(milliseconds=20))
    [port] = free_ports(1)
    with watch_port(world.metrics, world.probes, [], "127.0.0.1", port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as operator:
            await asyncio.sleep(0.05)
            answer = await operator.get("/livez")
            assert (answer.status_code, answer.json()) == (503, {"status": "stuck"})


def test_without_a_port_nothing_is_served() -> None:
    world = World()
    with watch_port(world.metrics, world.probes, [], "127.0.0.1", None):
        pass
