"""What stands before the routes: rates, headers, bodies that do not come, pages of other origins."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.app import create_app
from api.at_once import AtOnce
from api.rates import Rate, network
from api.server import Server
from domain.errors import TooMany
from runtime.settings import ApiSettings
from tests.api.command_line import serving
from tests.api.conftest import Client, assert_problem, make_token
from tests.api.control import RecordingControl


class TestRate:
    @settings(max_examples=100)
    @given(st.integers(1, 50), st.lists(st.floats(0, 20), max_size=200))
    def test_no_stretch_of_time_holds_more_than_its_share(self, per_minute: int, pauses: list[float]) -> None:
        now = 0.0
        rate = Rate(per_minute, lambda: now)
        let_through: list[float] = []
        for pause in pauses:
            now += pause
            try:
                rate.take("anna")
            except TooMany:
                continue
            let_through.append(now)
        for first, at in enumerate(let_through):
            for last in range(first, len(let_through)):
                most = per_minute + per_minute * (let_through[last] - at) / 60
                assert last - first + 1 <= most + 0.01

    @settings(max_examples=100)
    @given(st.integers(1, 1_000))
    def test_a_refusal_says_when_it_goes_on(self, per_minute: int) -> None:
        now = 0.0
        rate = Rate(per_minute, lambda: now)
        for _ in range(per_minute):
            rate.take("anna")
        with pytest.raises(TooMany) as refused:
            rate.take("anna")
        rate.take("boris")
        now += refused.value.again_in.total_seconds()
        rate.take("anna")

    def test_none(self) -> None:
        rate = Rate(0, lambda: 0.0)
        for _ in range(10_000):
            rate.take("anna")


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("203.0.113.5", "203.0.113.6", False),
        ("2001:db8:1:2::5", "2001:db8:1:2:ffff::6", True),
        ("2001:db8:1:2::5", "2001:db8:1:3::5", False),
        ("203.0.113.5", "::ffff:203.0.113.5", True),
        ("::ffff:203.0.113.5", "::ffff:203.0.113.6", False),
        ("", "testclient", False),
    ],
)
def test_who_stands_behind_an_address(address: str, other: str, same: bool) -> None:
    assert (network(address) == network(other)) is same


def changed(app: FastAPI, settings: ApiSettings, **changes: Any) -> FastAPI:
    return create_app(settings.model_copy(update=changes), app.state.services)


async def test_an_owner_who_asks_too_often(app: FastAPI, settings: ApiSettings, owner: str) -> None:
    limited = changed(app, settings, requests_per_owner=3)
    async with Client(limited, make_token(owner)) as client, Client(limited, make_token("other")) as other:
        for _ in range(3):
            assert (await client.get("/invite")).status_code == 200
        answer = await client.get("/invite")
        assert_problem(answer, 429, "too-many")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert (await other.get("/invite")).status_code == 200


async def test_an_address_that_asks_too_often(app: FastAPI, settings: ApiSettings) -> None:
    async with Client(changed(app, settings, requests_per_address=3), None) as client:
        for _ in range(3):
            assert (await client.get("/invite")).status_code == 401
        answer = await client.get("/invite")
        assert_problem(answer, 429, "too-many")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/livez")).status_code == 200, "those who run the service are always answered"


@pytest.mark.parametrize("path", ["/livez", "/invite", "/nowhere", "/openapi.json", "/docs"])
async def test_every_answer_tells_browsers_to_keep_out(nobody: Client, path: str) -> None:
    headers = (await nobody.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers
    policy = dict(each.partition(" ")[::2] for each in headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert ("script-src" in policy) is (path == "/docs")


async def test_the_page_may_load_what_it_names_and_nothing_else(nobody: Client) -> None:
    page = await nobody.get("/docs")
    policy = page.headers["content-security-policy"]
    origins = set(re.findall(r'(?:src|href)="(https://[^/"]+)', page.text))
    assert origins, "else the page needs no exception any more"
    for origin in origins:
        assert origin in policy


async def test_tls_only_by_setting(app: FastAPI, settings: ApiSettings) -> None:
    async with Client(changed(app, settings, strict_transport=True), None) as client:
        assert "max-age" in (await client.get("/livez")).headers["strict-transport-security"]


class TestOtherOrigins:
    OURS, OTHER = "https://app.example.com", "https://evil.example.com"

    @pytest.fixture
    async def client(self, app: FastAPI, settings: ApiSettings, owner: str) -> AsyncIterator[Client]:
        async with Client(changed(app, settings, cors_origins=[self.OURS]), make_token(owner)) as client:
            yield client

    async def test_pages_of_ours_may_call(self, client: Client) -> None:
        asked = {"Origin": self.OURS, "Access-Control-Request-Method": "PATCH"}
        before = await client.options("/invite", headers=asked | {"Access-Control-Request-Headers": "Authorization"})
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] == self.OURS
        assert (await client.get("/invite", headers=asked)).headers["access-control-allow-origin"] == self.OURS

    async def test_others_may_not(self, client: Client, nobody: Client) -> None:
        for caller, origin in ((client, self.OTHER), (nobody, self.OURS)):
            answer = await caller.get("/livez", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers


async def test_a_body_that_comes_byte_by_byte(app: FastAPI, settings: ApiSettings, owner: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"name": "'
        while True:
            await asyncio.sleep(0.02)
            yield b"x"

    impatient = changed(app, settings, body_timeout=timedelta(milliseconds=200))
    async with Client(impatient, make_token(owner)) as client:
        answer = await client.post("/invite", content=endless(), headers={"Content-Type": "application/json"})
        assert_problem(answer, 408, "timeout")


class TestAtOnce:
    async def test_one_owners_requests_wait_for_each_other_and_not_for_others(self) -> None:
        at_once, working, end = AtOnce(2), Counter[str](), asyncio.Event()

        async def ask(owner: str) -> None:
            async with at_once.place(owner):
                working[owner] += 1
                await end.wait()

        asking = [asyncio.create_task(ask(owner)) for owner in ("anna", "anna", "anna", "boris")]
        await asyncio.sleep(0.01)
        assert working == {"anna": 2, "boris": 1}
        end.set()
        await asyncio.gather(*asking)
        assert working == {"anna": 3, "boris": 1}

    async def test_who_waits_too_long_is_told_when_to_come_again(self) -> None:
        at_once = AtOnce(1, patience=timedelta(milliseconds=10))
        async with at_once.place("anna"):
            with pytest.raises(TooMany) as refused:
                async with at_once.place("anna"):
                    pass
            assert refused.value.again_in == timedelta(milliseconds=10)
        async with at_once.place("anna"):
            """Whose place was given back."""

    async def test_a_request_keeps_its_place_until_it_is_answered_and_a_stream_takes_none(
        self, app: FastAPI, settings: ApiSettings, owner: str, control: RecordingControl
    ) -> None:
        limited = changed(app, settings, temporal_timeout=timedelta(milliseconds=500))
        at_once = limited.state.at_once = AtOnce(1, patience=timedelta(milliseconds=50))
        async with Client(limited, make_token(owner)) as client, serving(limited) as address:
            campaign = await client.campaign()
            async with (
                httpx.AsyncClient(base_url=address, headers=client.headers) as other,
                other.stream("GET", f"/invite/{campaign}/events") as stream,
            ):
                assert stream.status_code == 200
                assert (await client.get("/invite")).status_code == 200
                control.mute = True
                held = asyncio.create_task(client.get(f"/invite/{campaign}/status?source=workflow"))
                while (places := at_once._places.get(owner)) is None or not places.locked():
                    await asyncio.sleep(0.005)
                assert_problem(await client.get("/invite"), 429, "too-many")
                assert_problem(await held, 503, "unavailable")
                assert (await client.get("/invite")).status_code == 200


class TestProxies:
    """As uvicorn does it with our setting: who is counted and kept is the last one that no proxy of ours is."""

    @pytest.mark.parametrize(
        ("trusted", "said", "kept"),
        [
            ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("127.0.0.1,203.0.113.0/24", "198.51.100.1, 203.0.113.9", "198.51.100.1"),
            ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
            ("127.0.0.1", "2001:db8:1:2::5", "2001:db8:1:2::/64"),
            ("10.0.0.1", "203.0.113.9", "127.0.0.1"),
        ],
        ids=["the client's own word before", "two proxies", "with a port", "IPv6", "not from a proxy"],
    )
    async def test_where_a_request_came_from(
        self, app: FastAPI, owner: str, trusted: str, said: str, kept: str
    ) -> None:
        behind: Any = ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type]
        async with Client(behind, make_token(owner)) as client:
            headers = {"X-Forwarded-For": said}
            assert (await client.post("/suppression", json={"identifiers": ["@anna"]}, headers=headers)).is_success
            [told] = (await client.get("/audit")).json()["items"]
        assert told["address"] == kept


class TestServer:
    @pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX: "])
    async def test_a_request_that_does_not_begin_is_not_waited_for(self, app: FastAPI, sent: bytes) -> None:
        server = partial(Server, app=app, head_within=timedelta(milliseconds=100))
        async with serving(app, server) as address:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rsplit(":", 1)[1]))
            writer.write(sent)
            async with asyncio.timeout(5):
                while not reader.at_eof():
                    writer.write(b"x" if sent else b"")
                    await asyncio.wait({reading := asyncio.ensure_future(reader.read(1))}, timeout=0.05)
                    reading.cancel()
            writer.close()

    async def test_who_asks_again_and_again_on_one_connection_is_served(self, app: FastAPI) -> None:
        server = partial(Server, app=app, head_within=timedelta(seconds=1))
        async with serving(app, server) as address, httpx.AsyncClient(base_url=address) as client:
            ports = set()
            for _ in range(14):
                async with client.stream("GET", "/livez") as answer:
                    ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
                    await answer.aread()
                await asyncio.sleep(0.2)
            assert len(ports) == 1

    async def test_it_says_that_it_leaves_before_it_does(self, app: FastAPI) -> None:
        server = partial(Server, app=app, drain=timedelta(milliseconds=300))
        async with httpx.AsyncClient() as client, serving(app, server) as address:
            assert (await client.get(f"{address}/readyz")).status_code == 200
            leaving = asyncio.create_task(self.ready_no_more(client, address))
        assert await leaving, "it went without a word"

    @staticmethod
    async def ready_no_more(client: httpx.AsyncClient, address: str) -> bool:
        """Whether `/readyz` says no while the process still answers."""
        async with asyncio.timeout(5):
            while True:
                answer = await client.get(f"{address}/readyz")
                if answer.status_code == 503:
                    return (await client.get(f"{address}/livez")).status_code == 200
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("proxies", ["*", "proxy.example.com", "10.0.0.0/33", "10.0.0.1,*"])
def test_who_may_say_where_a_request_came_from_is_named_by_address(settings: ApiSettings, proxies: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        ApiSettings(**settings.model_dump(exclude={"trusted_proxies"}), trusted_proxies=proxies)


async def test_a_body_that_does_not_come(app: FastAPI, settings: ApiSettings, owner: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await asyncio.sleep(60)

    impatient = changed(app, settings, body_timeout=timedelta(milliseconds=50))
    async with Client(impatient, make_token(owner)) as client:
        answer = await client.post("/invite", content=endless(), headers={"Content-Type": "application/json"})
        assert_problem(answer, 408, "timeout")
