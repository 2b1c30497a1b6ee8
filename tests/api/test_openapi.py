"""Whatever the OpenAPI allows and forbids, asked of every operation on loopback: no 5xx, and only what it tells of."""

import asyncio
from collections.abc import Mapping

import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import text

from storage.engine import Database
from tests.api.command_line import serving
from tests.api.conftest import Client, make_token

EXAMPLES = 4
"""Of right and of wrong requests, for each operation about something that is there and about something that is not."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
PATIENCE = 10
"""Seconds for one answer; a stream that does not end is one that was not to be opened."""


@pytest.fixture
async def there(campaign: str, client: Client, worker_database: Database, owner: str) -> Mapping[str, str]:
    """Something for each name in a path. The campaign has ended: its stream of events has an end."""
    async with worker_database.owner(owner) as tx:
        await tx.execute(text("UPDATE campaign SET phase = 'done' WHERE id = :id"), {"id": campaign})
    return {"campaign_id": campaign, "audience_id": await client.audience(), "account_id": "a1"}


async def test_every_operation_keeps_to_it(app: FastAPI, owner: str, there: Mapping[str, str]) -> None:
    token = make_token(owner, ("user", "admin"))
    app.openapi()  # takes seconds on a busy machine; then it is kept
    async with serving(app) as address:
        wrong = await asyncio.to_thread(_walk, address, token, there)
    assert not wrong, "\n\n".join(wrong)


def _walk(address: str, token: str, there: Mapping[str, str]) -> list[str]:
    """What is wrong, over all operations; those that remove something come last."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = sorted((each.ok() for each in schema.get_all_operations()), key=lambda each: each.method == "delete")
    wrong = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for operation in operations:
            named = {name: value for name, value in there.items() if f"{{{name}}}" in operation.path}
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                for path in [{}, named] if named else [{}]:
                    try:
                        _ask(operation, mode, path, session)
                    except Unsatisfiable:
                        assert mode is GenerationMode.NEGATIVE, "there is nothing that could be wrong with it"
                    except FailureGroup as error:
                        wrong.append(f"{operation.label} {mode} {path}: {error}")
    return wrong


def _ask(operation: APIOperation, mode: GenerationMode, path: Mapping[str, str], session: requests.Session) -> None:
    @examples(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode, path_parameters=dict(path) or None))
    def asked(case: Case) -> None:
        case.call_and_validate(session=session, checks=CHECKS, timeout=PATIENCE)

    asked()
