"""Our API as a user sees it: over HTTP, with a token."""

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Self

import httpx

from devstack.errors import DevstackError
from devstack.http import http_client

TIMEOUT = timedelta(minutes=5)
ADMIN_CHECK_PATIENCE = timedelta(minutes=1)
_POLL = timedelta(milliseconds=500)

Json = dict[str, Any]
Source = Literal["database", "workflow"]


class Refused(DevstackError):
    """The API said no; the text is its problem's detail."""


@dataclass(frozen=True)
class Report:
    """A campaign's report in both shapes. `rows`: the CSV's, as a spreadsheet shows them."""

    status: Json
    not_reached: Sequence[Json]
    rows: Sequence[dict[str, str]]


class ApiClient:
    """One user. A context manager."""

    def __init__(self, url: str, token: str) -> None:
        self._http = http_client(TIMEOUT, base_url=url, headers={"Authorization": f"Bearer {token}"})

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let its connections go."""
        self._http.close()

    def upload(self, file_name: str, content: bytes) -> Json:
        """POST /audiences."""
        return self._json("POST", "/audiences", files={"file": (file_name, content, "text/csv")})

    def dropped(self, audience_id: str) -> list[Json]:
        """GET /audiences/{id}/dropped: the first page."""
        items: list[Json] = self._json("GET", f"/audiences/{audience_id}/dropped")["items"]
        return items

    def admin_check(self, destination: str) -> list[Json]:
        """POST /admin-check, and its result when it comes."""
        answer = self._json("POST", "/admin-check", json={"platform": "telegram", "destination": destination})
        ends = time.monotonic() + ADMIN_CHECK_PATIENCE.total_seconds()
        while not answer["finished"]:
            if time.monotonic() > ends:
                raise DevstackError("the admin check does not finish")
            time.sleep(_POLL.total_seconds())
            answer = self._json("GET", f"/admin-check/{answer['id']}")
        accounts: list[Json] = answer["accounts"]
        return accounts

    def invite(self, campaign: Json, key: str) -> Json:
        """POST /invite."""
        return self._json("POST", "/invite", json=campaign, headers={"Idempotency-Key": key})

    def campaign(self, campaign_id: str) -> Json:
        """GET /invite/{id}."""
        return self._json("GET", f"/invite/{campaign_id}")

    def command(self, campaign_id: str, command: str) -> Json:
        """POST /invite/{id}/pause and its like."""
        return self._json("POST", f"/invite/{campaign_id}/{command}")

    def edit(self, campaign_id: str, changes: Json) -> Json:
        """PATCH /invite/{id}."""
        return self._json("PATCH", f"/invite/{campaign_id}", json=changes)

    def status(self, campaign_id: str, source: Source = "database") -> Json:
        """GET /invite/{id}/status."""
        return self._json("GET", f"/invite/{campaign_id}/status", params={"source": source})

    def report(self, campaign_id: str) -> Report:
        """GET /invite/{id}/report, as JSON and as CSV."""
        path = f"/invite/{campaign_id}/report"
        found = self._json("GET", path)
        text = self._answer("GET", path, params={"format": "csv"}).content.decode("utf-8-sig")
        return Report(found["status"], found["not_reached"], list(csv.DictReader(io.StringIO(text))))

    def _json(self, method: str, path: str, **options: Any) -> Json:
        answer: Json = self._answer(method, path, **options).json()
        return answer

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise DevstackError(f"the API does not answer: {method} {path}: {error!r}") from error
        if answer.is_error:
            raise Refused(_told(method, path, answer))
        return answer


def _told(method: str, path: str, answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        said = f"{problem['title']}: {problem.get('detail') or '(no detail)'}"
    except (ValueError, KeyError, TypeError):
        said = answer.text[:500]
    return f"the API refused {method} {path} ({answer.status_code}). {said}"
