"""The whole way of a hook: a campaign whose only account was switched off goes on at once, and not at its next poll."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from api.app import create_app
from devstack.postgres import Postgres
from domain.campaign import State
from domain.signatures import sign
from domain.terms import Pace, Terms
from domain.why import Why
from runtime.settings import ApiSettings
from tests.api.conftest import SECRET, make_token
from tests.simulation.course import POLL, Plan
from tests.simulation.town import PLATFORM, Town, town
from tests.workflows.stage import eventually, eventually_true

OWNER = "anna"
HOOK_SECRET = "h" * 40


async def test_a_campaign_goes_on_at_once(postgres: Postgres, database_urls: Mapping[str, str], tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text(Plan(10).limits)
    admin = make_conninfo(postgres.admin_dsn, dbname=make_url(database_urls["invite_owner"]).database)
    async with town(database_urls["invite_worker"], database_urls["invite_api"], admin, limits, POLL) as played:
        created = await played.now() - timedelta(days=400)
        played.neighbour.put(OWNER, "a", created, status="inactive")
        await played.campaign(OWNER, "spring", ["boris", "vera"], Terms(pace=Pace.FAST))

        async def waits() -> bool:
            view = await played.view("spring")
            return view.state is State.WAITING and view.why is Why.ACCOUNTS_GONE

        await eventually_true(waits)
        played.neighbour.put(OWNER, "a", created)
        began = await played.now()
        assert (await tell(played, database_urls["invite_api"], limits)).status_code == 202
        await eventually(lambda: bool(played.platform.journal))
        assert played.platform.journal[0].at - began < timedelta(minutes=1) < POLL


async def tell(played: Town, database_url: str, limits: Path) -> httpx.Response:
    """As integration-service does, to an API of its own."""
    settings = ApiSettings(
        database_url=database_url,
        temporal_address=played.temporal_address,
        integration_url="http://integration.test",
        jwt_secret=SECRET,
        webhook_key=SECRET,
        hook_secret=HOOK_SECRET,
        limits_file=limits,
    )
    app = create_app(settings)
    told = {"event": "account.enabled", "user_id": OWNER, "platform": PLATFORM, "account_id": "a", "id": str(uuid4())}
    body = json.dumps(told).encode()
    headers = {
        "Authorization": f"Bearer {make_token('integration-service', ('service',))}",
        "Content-Type": "application/json",
        **sign(HOOK_SECRET, datetime.fromtimestamp(time.time(), UTC), body),
    }
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client,
    ):
        return await client.post("/hooks/integration", content=body, headers=headers)
