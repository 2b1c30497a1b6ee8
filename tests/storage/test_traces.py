"""Calls of other services are spans of whoever makes them; only our own services are told of their trace."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from devstack.ports import HOST, free_ports
from domain.errors import Unavailable
from storage.neighbours import Missing, Neighbour
from storage.receivers import Receivers
from storage.vault import Vault
from tests.storage.test_receivers import listening
from tests.traces import Told, told

_tracer = trace.get_tracer("tests")


@pytest.fixture
def spans() -> Iterator[Told]:
    with told() as found:
        yield found


async def test_our_own_services_go_on_with_the_trace(spans: Told) -> None:
    asked: list[httpx.Request] = []

    async def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404)

    async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as client:
        with _tracer.start_as_current_span("request"), pytest.raises(Missing):
            await Neighbour("parsing-service", "http://parsing.test", client).ask("GET", "/people/@anna", "a-token")
    [call] = spans.named("GET parsing-service")
    trace_id, span_id = format_trace_id(call.context.trace_id), format_span_id(call.context.span_id)
    assert asked[0].headers["traceparent"].split("-")[1:3] == [trace_id, span_id]
    assert call.attributes == {
        "service": "parsing-service",
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "error.type": "storage.neighbours.Missing",
    }
    assert "anna" not in call.to_json()


async def test_owners_servers_are_told_nothing_of_it(spans: Told) -> None:
    async with listening() as server:
        url = f"http://{HOST}:{server.port}/hook/anna"
        with _tracer.start_as_current_span("deliver_next"):
            assert await Receivers(timedelta(seconds=5), inside=True).post(url, b"{}", {}) == 204
            [port] = free_ports(1)
            await Receivers(timedelta(seconds=5), inside=True).post(f"http://{HOST}:{port}/", b"{}", {})
    assert b"trace" not in server.seen[0].lower()
    delivered, silent = spans.named("POST webhook")
    about = {"service": "webhook", "http.request.method": "POST"}
    assert delivered.attributes == about | {"http.response.status_code": 204}
    assert silent.attributes == about | {"reason": "no_answer"}


async def test_vault_is_called_in_somebody_s_name_or_untold(spans: Told) -> None:
    [port] = free_ports(1)
    vault = Vault(f"http://{HOST}:{port}", timedelta(seconds=5))
    with pytest.raises(Unavailable):
        await vault.ping()
    with _tracer.start_as_current_span("open_account"), pytest.raises(Unavailable):
        await vault.ask(lambda client: client.sys.is_sealed())
    [call] = spans.named("Vault")
    assert spans.way(call) == ["open_account", "Vault"]
    assert call.attributes == {"service": "Vault", "error.type": "domain.errors.Unavailable"}
    assert call.status.status_code is StatusCode.ERROR
