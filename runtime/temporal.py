"""Connections to Temporal: one data converter for the API, the workers and the tests."""

import asyncio
from datetime import timedelta

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from domain.errors import Unavailable

CONVERTER = pydantic_data_converter
"""Dataclasses, enums and moments in payloads, checked on the way in."""

CONNECT_TIMEOUT = timedelta(seconds=10)


async def connect(address: str, namespace: str, *, lazy: bool = False) -> Client:
    """A client. `lazy`: connect at the first call. Raises `Unavailable`."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
            return await Client.connect(address, namespace=namespace, data_converter=CONVERTER, lazy=lazy)
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise Unavailable("Temporal", type(error).__name__) from error
