"""integration-service from its administrator's side, and our stand-in for it as a process."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from devstack.errors import DevstackError
from devstack.http import http_client
from devstack.ports import HOST
from devstack.processes import Child
from devstack.programs import answers_ok, python_command
from devstack.server import Server

TIMEOUT = timedelta(seconds=10)


class IntegrationAdmin:
    """Registers accounts and reads reports, with the admin token."""

    def __init__(self, url: str, token: str) -> None:
        """Nothing is connected yet."""
        self.url = url
        self._token = token

    def register(self, account: dict[str, Any]) -> None:
        """Add or replace an account (schema Registration; `created_at` a datetime). DevstackError."""
        body = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in account.items()}
        self._call("PUT", f"/accounts/{quote(str(account['id']), safe='')}", body)

    def reports(self) -> list[dict[str, Any]]:
        """Return what was reported to `POST /accounts/check`, the oldest first. DevstackError."""
        return list(self._call("GET", "/reports").json())

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            with http_client(TIMEOUT, headers=headers) as client:
                answer = client.request(method, self.url + path, json=body)
        except httpx.TransportError as error:
            raise DevstackError(f"integration-service at {self.url} does not answer: {error}") from None
        if answer.is_error:
            raise DevstackError(f"integration-service refused {method} {path}: {answer.status_code} {answer.text}")
        return answer


class IntegrationServer(Server):
    """Our stand-in for integration-service."""

    def __init__(
        self, log: Path, *, state_file: Path, jwt_secret: str, admin_token: str, port: int | None = None
    ) -> None:
        """`state_file` keeps accounts and reports over a restart."""
        super().__init__("integration-service", log, [port])
        self._admin_token = admin_token
        self._environment = {
            "INTEGRATION_JWT_SECRET": jwt_secret,
            "INTEGRATION_ADMIN_TOKEN": admin_token,
            "INTEGRATION_STATE_FILE": str(state_file),
        }

    @property
    def url(self) -> str:
        """Base address; `/docs` below it is the OpenAPI page."""
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def admin(self) -> IntegrationAdmin:
        """Its administration."""
        return IntegrationAdmin(self.url, self._admin_token)

    def spawn(self) -> Child:
        """Start it on its port."""
        arguments = ["-m", "devstack.integration_service", "--port", str(self.ports[0])]
        return Child(self.name, python_command(arguments, self._environment), self.log)

    def answers(self) -> bool:
        """Whether it is up."""
        return answers_ok(f"{self.url}/livez")
