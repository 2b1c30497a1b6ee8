"""Our stand-in for parsing-service as a process, and its administration."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from devstack.errors import DevstackError
from devstack.http import http_client
from devstack.ports import HOST
from devstack.processes import Child
from devstack.programs import answers_ok, python_command
from devstack.server import Server

TIMEOUT = timedelta(seconds=10)


class ParsingServer(Server):
    """parsing-service's stand-in."""

    def __init__(self, log: Path, *, folder: Path, jwt_secret: str, admin_token: str, port: int | None = None) -> None:
        """`folder` keeps the data over a restart."""
        super().__init__("parsing-service", log, [port])
        self._admin_token = admin_token
        self._environment = {
            "PARSING_JWT_SECRET": jwt_secret,
            "PARSING_ADMIN_TOKEN": admin_token,
            "PARSING_FOLDER": str(folder),
        }

    @property
    def url(self) -> str:
        """Base address; `/docs` below it is the OpenAPI page."""
        return f"http://{HOST}:{self.ports[0]}"

    def put(self, data_id: str, owner: str, platform: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Have a list there to be imported. DevstackError."""
        body = {"owner": owner, "platform": platform, "items": list(items)}
        headers = {"Authorization": f"Bearer {self._admin_token}"}
        try:
            with http_client(TIMEOUT, headers=headers) as client:
                client.put(f"{self.url}/parsed_data/{data_id}", json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise DevstackError(f"parsing-service at {self.url} did not take the data: {error}") from None

    def spawn(self) -> Child:
        """Start it on its port."""
        arguments = ["-m", "devstack.parsing_service", "--port", str(self.ports[0])]
        return Child(self.name, python_command(arguments, self._environment), self.log)

    def answers(self) -> bool:
        """Whether it is up."""
        return answers_ok(f"{self.url}/livez")
