"""People in the pages of imports that go on: they wait there as they came, and whoever is erased must not."""

import asyncio
import io
import json
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import Contact, FileError, FileLimits
from domain.platform import Identifier
from domain.traces import Traces, values
from storage.files.contacts import Contacts
from storage.files.lists import JsonList

# Pages that may name somebody; each is read then. Escapes have digits that are no phone's.
_PERHAPS = text(r"""
    SELECT audience_id, number, content FROM audience_page
    WHERE owner = :owner
      AND (content ILIKE ANY (CAST(:parts AS text[]))
           OR regexp_replace(content, '\\u[0-9a-f]{4}|[^0-9]', '', 'g') LIKE ANY (CAST(:digits AS text[])))
""")

_WRITE = text("""
    UPDATE audience_page SET content = :content WHERE audience_id = :audience AND number = :number AND owner = :owner
""")


async def linked(tx: AsyncConnection, owner: str, names: Collection[str]) -> set[str]:
    """By what other identifiers rows know those whom these name."""
    found: set[str] = set()
    for row in await _perhaps(tx, owner, names):
        found |= await asyncio.to_thread(_names_in, json.loads(row["content"]), names)
    return found


async def forget(tx: AsyncConnection, owner: str, names: Collection[str]) -> int:
    """Empty the rows that name somebody: those behind them keep their numbers. How many rows that were."""
    emptied = 0
    for row in await _perhaps(tx, owner, names):
        rows = json.loads(row["content"])
        places = await asyncio.to_thread(_places, rows, names)
        if places:
            content = json.dumps([None if place in places else each for place, each in enumerate(rows)])
            key = {"audience": row["audience_id"], "number": row["number"], "owner": owner}
            await tx.execute(_WRITE, key | {"content": content})
            emptied += len(places)
    return emptied


async def _perhaps(tx: AsyncConnection, owner: str, names: Collection[str]) -> Sequence[RowMapping]:
    parts = [*values(names, Identifier.USERNAME), *values(names, Identifier.USER_ID)]
    wanted = {
        "owner": owner,
        "parts": [f"%{part}%" for part in parts],
        "digits": [f"%{digits}%" for digits in Traces.of(names).digits],
    }
    return (await tx.execute(_PERHAPS, wanted)).mappings().all()


def _names_in(rows: list[Any], names: Collection[str]) -> set[str]:
    return set(chain.from_iterable(found.names for _, found in _naming(rows, names) if found is not None))


def _places(rows: list[Any], names: Collection[str]) -> frozenset[int]:
    return frozenset(place for place, _ in _naming(rows, names))


def _naming(rows: list[Any], names: Collection[str]) -> Iterator[tuple[int, Contact | None]]:
    """Where somebody is named, and as whom the import will read them; None: a row that it will not take."""
    traces, contacts = Traces.of(names), Contacts(None)
    for place, row in enumerate(rows):
        if traces.are_in(_text(row)):
            found = _read(row, contacts)
            if found is None or not set(names).isdisjoint(found.names):
                yield place, found


def _read(row: Any, contacts: Contacts) -> Contact | None:
    reader = JsonList(io.StringIO(json.dumps([row])), {}, FileLimits())
    try:
        [line] = chain.from_iterable(reader.blocks(contacts))
    except FileError:
        return None
    return line.found if isinstance(line.found, Contact) else None


def _text(row: Any) -> str:
    cells = chain.from_iterable(row.items()) if isinstance(row, dict) else [row]
    return "\n".join(cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False) for cell in cells)
