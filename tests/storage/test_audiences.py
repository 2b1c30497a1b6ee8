"""Audiences on the real PostgreSQL, as role invite_api: all or nothing, nobody twice, nobody of another owner."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from domain.audience import Contact, DroppedLine, DropReason, FileError, Line, TooManyRows
from domain.errors import NotFound
from storage.audiences import Audiences
from storage.engine import Database

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TABLES = ("audience", "audience_recipient", "audience_dropped")


@pytest.fixture
async def database(database_urls: Mapping[str, str]) -> AsyncIterator[Database]:
    database = Database(database_urls["invite_api"], pool_size=3)
    yield database
    await database.close()


@pytest.fixture
def audiences(database: Database) -> Audiences:
    return Audiences(database)


def lines(*contacts: Contact | DropReason) -> Iterable[Line]:
    return [Line(number, f"line {number}", each) for number, each in enumerate(contacts, start=1)]


async def people(database: Database, owner: str, audience: UUID) -> list[tuple[object, ...]]:
    async with database.owner(owner) as tx:
        rows = await tx.execute(
            text(
                "SELECT position, line, username, phone, user_id, first_name, fields FROM audience_recipient "
                "WHERE audience_id = :id ORDER BY position"
            ),
            {"id": audience},
        )
        return [tuple(row) for row in rows]


async def rows_of(database: Database, owner: str) -> dict[str, int]:
    async with database.owner(owner) as tx:
        counts = {table: await tx.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}
    return {table: n or 0 for table, n in counts.items()}


async def test_people_are_stored_in_the_files_order_and_dropped_lines_with_their_reason(
    audiences: Audiences, database: Database
) -> None:
    given = lines(
        Contact("anna", None, None, "Аня\t\\N", "", {"city": "Томск\n", "x": '"\\'}),
        DropReason.NOT_A_NAME,
        Contact(phone="+79001234567"),
        Contact(user_id=2**63 - 1),
    )
    stored = await audiences.store("o", "list", given, NOW, 100)
    assert (stored.rows_read, stored.stored, stored.dropped) == (4, 3, 1)
    assert await people(database, "o", stored.id) == [
        (0, 1, "anna", None, None, "Аня\t\\N", {"city": "Томск\n", "x": '"\\'}),
        (1, 3, None, "+79001234567", None, "", {}),
        (2, 4, None, None, 2**63 - 1, "", {}),
    ]
    assert await audiences.dropped("o", stored.id, 0, 10) == [DroppedLine(2, "line 2", DropReason.NOT_A_NAME)]
    assert await audiences.get("o", stored.id) == stored
    assert await audiences.list("o", 10) == [stored]


async def test_a_person_named_again_under_any_identifier_is_a_duplicate(audiences: Audiences) -> None:
    given = lines(
        Contact("anna"),
        Contact("anna", "+79001234567"),
        Contact(phone="+79001234567"),  # the same person, by way of the line above
        Contact("boris", user_id=7),
        Contact("vera", user_id=7),
        Contact("vera"),
        Contact("galya"),
    )
    stored = await audiences.store("o", "list", given, NOW, 100)
    assert stored.reasons == {DropReason.DUPLICATE: 4}
    assert [each.line for each in await audiences.dropped("o", stored.id, 0, 10)] == [2, 3, 5, 6]


async def test_dropped_lines_are_paged(audiences: Audiences) -> None:
    stored = await audiences.store("o", "list", lines(*[DropReason.EMPTY] * 5), NOW, 100)
    first = await audiences.dropped("o", stored.id, 0, 2)
    then = await audiences.dropped("o", stored.id, first[-1].line, 10)
    assert [each.line for each in [*first, *then]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("error", [FileError("broken", 3), RuntimeError("surprise")])
async def test_nothing_half_made_stays_after_an_error(
    audiences: Audiences, database: Database, error: Exception
) -> None:
    def broken() -> Iterator[Line]:
        yield from lines(Contact("anna"), DropReason.EMPTY)
        raise error

    with pytest.raises(type(error)):
        await audiences.store("o", "list", broken(), NOW, 100)
    assert await rows_of(database, "o") == dict.fromkeys(TABLES, 0)
    assert (await audiences.store("o", "list", lines(Contact("anna")), NOW, 100)).stored == 1


async def test_more_rows_than_allowed_are_refused_whole(audiences: Audiences, database: Database) -> None:
    with pytest.raises(TooManyRows, match="more than 2 rows"):
        await audiences.store("o", "list", lines(*[Contact("anna")] * 3), NOW, 2)
    assert await rows_of(database, "o") == dict.fromkeys(TABLES, 0)


async def test_many_blocks_make_one_audience(audiences: Audiences) -> None:
    endless = (Line(n, "", Contact(f"user_{n % 24_000}")) for n in range(1, 25_001))
    stored = await audiences.store("o", "list", endless, NOW, 25_000)
    assert (stored.stored, stored.dropped) == (24_000, 1_000)


async def test_another_owners_audience_is_not_there(audiences: Audiences, database: Database) -> None:
    stored = await audiences.store("o", "list", lines(Contact("anna"), DropReason.EMPTY), NOW, 100)
    for ask in (audiences.get("other", stored.id), audiences.dropped("other", stored.id, 0, 10)):
        with pytest.raises(NotFound):
            await ask
    with pytest.raises(NotFound):
        await audiences.get("o", uuid4())
    assert await audiences.list("other", 10) == []
    assert await rows_of(database, "other") == dict.fromkeys(TABLES, 0)
