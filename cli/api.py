"""The API over HTTP: what is sent and what comes back. Whatever goes wrong is a `CliError`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, BinaryIO, Self
from urllib.parse import quote

import httpx

from cli import problems
from cli.errors import Unreachable
from cli.login import Login

CONNECT = timedelta(seconds=10)
PATIENCE = timedelta(minutes=1)
"""For an answer, or for the next piece of one."""
UPLOAD_PATIENCE = timedelta(minutes=10)
"""A large list is cleaned before it is answered."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """`text`: the JSON as it came, for programs."""

    text: str
    data: Json


class Api:
    """The API as one owner sees it. A context manager."""

    def __init__(self, login: Login) -> None:
        self.address = login.api
        with _translated(login.api):
            self._http = httpx.Client(
                base_url=login.api,
                headers={"Authorization": f"Bearer {login.token}", "User-Agent": "invite"},
                timeout=_timeout(PATIENCE),
                trust_env=not is_loopback(login.api),  # no proxy leads to this machine
                follow_redirects=False,  # the token is for this address alone
            )

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let its connections go."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Answer:
        """Ask; what is None is not asked."""
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Json | None = None, key: str | None = None) -> Answer:
        """Send; `key`: repeated with the same body, it is done once."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})

    def patch(self, path: str, body: Json) -> Answer:
        """Change."""
        return self._ask("PATCH", path, json=body)

    def delete(self, path: str) -> Answer:
        """Remove."""
        return self._ask("DELETE", path)

    def upload(self, path: str, name: str, file: BinaryIO, fields: dict[str, str], **query: Any) -> Answer:
        """Send a file in a form."""
        return self._ask(
            "POST",
            path,
            params=query,
            files={"file": (name, file)},
            data=fields,
            timeout=_timeout(UPLOAD_PATIENCE),
        )

    @contextmanager
    def stream(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        patience: timedelta = PATIENCE,
    ) -> Iterator[httpx.Response]:
        """An answer that is read as it comes, in the block. `patience`: for its beginning, and for each next piece."""
        asked = self._http.stream("GET", path, params=query, headers=headers, timeout=_timeout(patience))
        with _translated(self.address), asked as answer:
            if not answer.is_success:
                answer.read()
                raise problems.of(answer)
            yield answer

    def _ask(self, method: str, path: str, **rest: Any) -> Answer:
        with _translated(self.address):
            answer = self._http.request(method, path, **rest)
        if not answer.is_success:
            raise problems.of(answer)
        try:
            return Answer(answer.text, answer.json() if answer.content else {})
        except json.JSONDecodeError:
            raise problems.of(answer) from None


def segment(value: str) -> str:
    """A value as one part of a path, whatever is in it."""
    return quote(value, safe="")


def is_loopback(address: str) -> bool:
    """Whether an address leads to this machine."""
    host = httpx.URL(address).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _timeout(read: timedelta) -> httpx.Timeout:
    return httpx.Timeout(read.total_seconds(), connect=CONNECT.total_seconds())


@contextmanager
def _translated(address: str) -> Iterator[None]:
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL):
        raise Unreachable(f"{address} is no address of an API: it begins with https:// or http://.") from None
    except httpx.ConnectError:
        raise Unreachable(f"Nobody answers at {address}.") from None
    except httpx.TimeoutException:
        raise Unreachable(f"{address} does not answer in time.") from None
    except httpx.RequestError:
        raise Unreachable(f"The connection to {address} broke.") from None
