"""parsing-service: lists of people that it has gathered, page by page, as JSON or CSV (IMP-1)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from domain.errors import NotFound, Unavailable
from domain.parsed import ParsedPage
from storage.neighbours import Answer, Missing, Neighbour, json_of
from storage.service_tokens import ServiceTokens

WHO = "parsing-service"
ROWS_ASKED = 1_000
"""Of a page; parsing-service may send fewer."""
_MAX_ROWS = 100_000
"""A CSV without a cursor is one page, however long."""
_MAX_CURSOR = 2_000
_COLUMNS = ("user_id", "username", "phone", "first_name", "last_name", "seen_by_account_id")
_CURSOR, _TOTAL, _PLATFORM = "X-Next-Cursor", "X-Total", "X-Platform"
"""Where a CSV answer has what stands beside the items of a JSON answer."""


class ParsingService:
    """parsing-service, asked in an owner's name."""

    def __init__(self, base_url: str, client: httpx.AsyncClient, tokens: ServiceTokens) -> None:
        """`client` brings the timeouts."""
        self._service = Neighbour(WHO, base_url, client)
        self._tokens = tokens

    async def ping(self) -> None:
        """Ask whether anything answers there. Raises `Unavailable`."""
        await self._service.ping()

    async def page(self, owner: str, parsed_data_id: str, cursor: str | None) -> ParsedPage:
        """The page at the cursor, or the first. Raises `Unavailable`, `TokenRefused`; `NotFound` for no such data."""
        asked = f"/parsed_data/{quote(parsed_data_id, safe='')}?limit={ROWS_ASKED}"
        if cursor is not None:
            asked += f"&cursor={quote(cursor, safe='')}"
        token = await self._tokens.of(owner)
        try:
            answer = await self._service.ask("GET", asked, token, accept="application/json, text/csv;q=0.9")
        except Missing:
            raise NotFound("parsed data") from None
        page = _from_csv(answer) if answer.media_type == "text/csv" else _from_json(answer)
        if page.next_cursor is not None and (page.next_cursor == cursor or not page.rows):
            raise Unavailable(WHO, "its pages do not come to an end")
        return page


def _from_json(answer: Answer) -> ParsedPage:
    body = json_of(WHO, answer)
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unavailable(WHO, "it answered something that is not a page of people")
    return _page(items, body.get("platform"), body.get("total"), body.get("next_cursor"))


def _from_csv(answer: Answer) -> ParsedPage:
    try:
        reader = csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")), strict=True)
        items = [{name: cell for name, cell in row.items() if isinstance(cell, str)} for row in reader]
        named = set(reader.fieldnames or ())
    except (UnicodeError, csv.Error):
        raise Unavailable(WHO, "its CSV cannot be read") from None
    if not named & set(_COLUMNS):
        raise Unavailable(WHO, "its CSV has none of the columns that it should have")
    total = answer.headers.get(_TOTAL, "")
    return _page(
        items,
        answer.headers.get(_PLATFORM),
        int(total) if total.isascii() and total.isdecimal() else None,
        answer.headers.get(_CURSOR) or None,
    )


def _page(items: Sequence[Mapping[str, Any]], platform: Any, total: Any, cursor: Any) -> ParsedPage:
    if len(items) > _MAX_ROWS:
        raise Unavailable(WHO, "a page of it is too long")
    if cursor is not None and (not isinstance(cursor, str | int) or not 0 < len(str(cursor)) <= _MAX_CURSOR):
        raise Unavailable(WHO, "its cursor cannot be understood")
    # Every key in every row: what a list holds is told by its keys.
    rows = [dict.fromkeys(_COLUMNS) | {name.replace("\0", ""): value for name, value in item.items()} for item in items]
    return ParsedPage(
        content=json.dumps(rows, ensure_ascii=True),
        rows=len(rows),
        platform=platform if isinstance(platform, str) and platform else None,
        total=total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 2**31 else None,
        next_cursor=None if cursor is None else str(cursor),
    )
