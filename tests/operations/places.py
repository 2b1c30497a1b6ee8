"""Everywhere that something of the canaries might have gone: each place's content as bytes."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
from psycopg import sql
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from tests.operations.aviary import Aviary
from tests.operations.outside import HOOK, SENTRY, SPANS, Asked

Contents = Mapping[str, bytes]
"""By the place's name."""

_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""
_METADATA = "__temporal_workflow_metadata"
"""The query that tells a workflow's current details."""


def logs(here: Aviary) -> Contents:
    """Of our processes, and of the servers that they need: PostgreSQL logs every statement. Not of what stands in for
    the platform, where people are at home."""
    files = [*here.stack.state.logs.glob("*.log"), here.stack.infrastructure.postgres.log]
    return {f"the log {each.name}": each.read_bytes() for each in files if each.stem != "telegram_dc"}


def histories(here: Aviary) -> Contents:
    """Of every workflow, whole: protobuf, in which payloads are as they are."""
    return _of_workflows(here, _history)


def descriptions(here: Aviary) -> Contents:
    """Of every workflow and schedule: search attributes, memo, summary, last failures, current details."""
    return _of_workflows(here, _description)


def metrics(here: Aviary) -> Contents:
    """Of both processes, and Temporal's own."""
    return {f"metrics at {url}": _got(url) for url in here.metrics}


def sentry(here: Aviary) -> Contents:
    """What Sentry was told. Its key is in the head of each call, where it belongs."""
    return {"what Sentry was told": _joined(here.outside.heard(SENTRY), heads=False)}


def spans(here: Aviary) -> Contents:
    """What a collector of traces was told: OTLP over HTTP."""
    return {"spans": _joined(here.outside.heard(SPANS))}


def hook(here: Aviary) -> Contents:
    """What the owner's server was told."""
    return {"what the owner's server was told": _joined(here.outside.heard(HOOK))}


def neighbours(here: Aviary) -> Contents:
    """What integration-service and parsing-service were asked. Tokens are in the head of each call."""
    asked = here.outside.heard("/integration") + here.outside.heard("/parsing")
    return {"what other services were asked": _joined(asked, heads=False)}


def database(here: Aviary) -> Contents:
    """Every column of every table; bytes as hexadecimal digits."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for schema, table in here.rows(_TABLES):
        query = sql.SQL("SELECT each.key, each.value #>> '{{}}' FROM {} AS t, jsonb_each(to_jsonb(t)) AS each")
        for column, value in here.rows(query.format(sql.Identifier(schema, table))):
            found[f"{table}.{column}"].append(value or "")
    return {column: "\n".join(values).encode() for column, values in found.items()}


def answers(here: Aviary) -> Contents:
    """All that the API has answered, with the heads."""
    return {"answers of the API": b"\n".join({each.answer for each in here.told})}


PLACES: Mapping[str, Callable[[Aviary], Contents]] = {
    each.__name__: each
    for each in (logs, histories, descriptions, metrics, sentry, spans, hook, neighbours, database, answers)
}


def _joined(asked: list[Asked], *, heads: bool = True) -> bytes:
    """`heads`: with the headers, but for the key or token among them."""
    told = (f"{each.method} {each.path} {each.headers if heads else ''}\n".encode() + each.body for each in asked)
    return b"\n".join(told)


def _got(url: str) -> bytes:
    with httpx.Client(trust_env=False, timeout=10) as client:
        return client.get(url).raise_for_status().content


def _of_workflows(here: Aviary, look: Callable[[Client], AsyncIterator[tuple[str, bytes]]]) -> Contents:
    async def all_of_them(client: Client) -> Contents:
        return {name: content async for name, content in look(client)}

    return here.temporal(all_of_them)


async def _history(client: Client) -> AsyncIterator[tuple[str, bytes]]:
    async for each in client.list_workflows():
        history = await client.get_workflow_handle(each.id, run_id=each.run_id).fetch_history()
        yield f"history of {each.id} {each.run_id}", b"".join(event.SerializeToString() for event in history.events)


async def _description(client: Client) -> AsyncIterator[tuple[str, bytes]]:
    async for each in client.list_workflows():
        handle = client.get_workflow_handle(each.id, run_id=each.run_id)
        described = await handle.describe()
        content = described.raw_description.SerializeToString()
        if each.id.startswith("campaign/") and described.status is WorkflowExecutionStatus.RUNNING:
            content += await _details(handle)
        yield f"description of {each.id} {each.run_id}", content
    async for schedule in await client.list_schedules():
        described_schedule = await client.get_schedule_handle(schedule.id).describe()
        yield f"schedule {schedule.id}", described_schedule.raw_description.SerializeToString()


async def _details(handle: WorkflowHandle[Any, Any]) -> bytes:
    try:
        found = await handle.query(_METADATA, rpc_timeout=timedelta(seconds=5))
    except (RPCError, WorkflowQueryFailedError):  # its tasks fail
        return b""
    return repr(found).encode()
