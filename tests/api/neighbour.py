"""integration-service as a transport: it checks the token's owner, and lists what a test gives it."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt


def account(account_id: str, **changes: Any) -> dict[str, Any]:
    """One account as integration-service writes it."""
    return {
        "id": account_id,
        "label": account_id.title(),
        "platform": "telegram",
        "status": "active",
        "created_at": "2025-01-01T00:00:00+00:00",
        "credentials_version": 1,
        "vault_path": f"owners/o/telegram/{account_id}",
    } | changes


@dataclass
class Neighbour:
    """`accounts`: by owner. `answer`: given instead of all that; an exception is raised."""

    accounts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answer: httpx.Response | Exception | None = None
    asked: list[httpx.Request] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        owner = jwt.decode(
            request.headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False}
        )["sub"]
        if request.method == "POST":
            return httpx.Response(204)
        if request.url.params["user_id"] != owner:
            return httpx.Response(403)
        return httpx.Response(200, content=json.dumps(self.accounts.get(owner, [])))
