"""HTTP to the servers around us, past any proxy that the environment names."""

import functools
import ssl
from datetime import timedelta
from typing import Any

import httpx


def http_client(timeout: timedelta, **options: Any) -> httpx.Client:
    """Return a client; more options as for httpx's own."""
    return httpx.Client(trust_env=False, timeout=timeout.total_seconds(), verify=_authorities(), **options)


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Who signs certificates. To read them takes longer than all else that an answer takes."""
    return httpx.create_ssl_context(trust_env=False)
