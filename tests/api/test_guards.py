"""What stands before the routes: rates, headers, bodies that do not come, pages of other origins."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.rates import Rate, network
from domain.errors import TooMany
from runtime.settings import ApiSettings
from tests.api.conftest import Client, assert_problem, make_token


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
    assert ("default-src 'none'" in headers.get("content-security-policy", "")) is (path != "/docs")


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


async def test_a_body_that_does_not_come(app: FastAPI, settings: ApiSettings, owner: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await asyncio.sleep(60)

    impatient = changed(app, settings, body_timeout=timedelta(milliseconds=50))
    async with Client(impatient, make_token(owner)) as client:
        answer = await client.post("/invite", content=endless(), headers={"Content-Type": "application/json"})
        assert_problem(answer, 408, "timeout")
