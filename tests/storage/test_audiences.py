"""Audiences on the real PostgreSQL, as role invite_api: all or nothing, nobody twice, nobody of another owner."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.audience import Contact, DroppedLine, DropReason, FileError, Line, TooManyRows
from domain.errors import NotFound
from domain.preview import DROPPED_SHOWN, PEOPLE_SHOWN
from storage.audiences import Audiences
from storage.engine import Database
from tests.domain.test_people import CONTACTS
from tests.domain.test_people import groups as groups_of
from tests.storage.world import INVITED, OWNER, World

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
    found = lines(
        Contact("anna", None, None, "Аня\t\\N", "", {"city": "Томск\n", "x": '"\\'}),
        DropReason.NOT_A_NAME,
        Contact(phone="+79001234567"),
        Contact(user_id=2**63 - 1),
    )
    stored = await audiences.store("o", "list", found, NOW, 100)
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
    found = lines(
        Contact("anna"),
        Contact("anna", "+79001234567"),
        Contact(phone="+79001234567"),  # the same person, by way of the line above
        Contact("boris", user_id=7),
        Contact("vera", user_id=7),
        Contact("vera"),
        Contact("galya"),
    )
    stored = await audiences.store("o", "list", found, NOW, 100)
    assert stored.reasons == {DropReason.DUPLICATE: 4}
    assert [each.line for each in await audiences.dropped("o", stored.id, 0, 10)] == [2, 3, 5, 6]


async def test_what_only_a_later_line_says_of_a_person_is_kept(audiences: Audiences, database: Database) -> None:
    found = lines(
        Contact("anna", fields={"city": "Томск"}),
        Contact("boris"),
        Contact("anna", "+79001234567", first_name="Аня", fields={"city": "Омск", "age": "5"}),
        Contact("anna", "+79007654321", 5, first_name="Анна"),
    )
    stored = await audiences.store("o", "list", found, NOW, 100)
    assert await people(database, "o", stored.id) == [
        (0, 1, "anna", "+79001234567", 5, "Аня", {"city": "Томск", "age": "5"}),
        (1, 2, "boris", None, None, "", {}),
    ]


async def test_two_people_who_turn_out_to_be_one_are_stored_once(audiences: Audiences, database: Database) -> None:
    found = lines(
        Contact("anna"),
        Contact("boris"),
        Contact(phone="+79001234567", first_name="Аня"),
        Contact(phone="+79001234567", fields={"x": "1"}),
        Contact("anna", "+79001234567", 5),  # lines 1 and 3 are the same person
        Contact(user_id=5),
    )
    stored = await audiences.store("o", "list", found, NOW, 100)
    assert (stored.stored, stored.reasons) == (2, {DropReason.DUPLICATE: 4})
    assert [row[1:] for row in await people(database, "o", stored.id)] == [
        (1, "anna", "+79001234567", 5, "Аня", {"x": "1"}),
        (2, "boris", None, None, "", {}),
    ]
    dropped = await audiences.dropped("o", stored.id, 0, 10)
    assert [(each.line, each.content, each.same_as) for each in dropped] == [(n, f"line {n}", 1) for n in (3, 4, 5, 6)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CONTACTS | st.sampled_from([DropReason.EMPTY, DropReason.BAD_ID]), max_size=12))
async def test_what_is_stored_is_what_the_lines_say_and_the_preview_showed(
    audiences: Audiences, database: Database, found: list[Contact | DropReason]
) -> None:
    preview = await audiences.preview("o", lines(*found), 100)
    stored = await audiences.store("o", "list", lines(*found), NOW, 100)
    assert (stored.rows_read, stored.stored, stored.reasons) == (preview.rows_read, preview.stored, preview.reasons)
    rows = await people(database, "o", stored.id)
    assert [row[1:] for row in rows] == [
        (line, *person[:4], dict(person.fields)) for line, person in preview.people.items()
    ]
    assert await audiences.dropped("o", stored.id, 0, 100) == preview.dropped
    assert await audiences.get("o", stored.id) == stored

    numbered = {line: each for line, each in enumerate(found, start=1) if isinstance(each, Contact)}
    numbers, contacts = list(numbered), list(numbered.values())
    groups = [[numbers[line - 1] for line in group] for group in groups_of(contacts)]
    assert preview.people == {group[0]: told_by([numbered[line] for line in group]) for group in groups}
    assert stored.rows_read == len(found)
    same_as = {line: group[0] for group in groups for line in group[1:]}
    others = [line for line in range(1, len(found) + 1) if line not in preview.people]
    assert [(each.line, each.same_as) for each in preview.dropped] == [(line, same_as.get(line)) for line in others]


def told_by(contacts: Sequence[Contact]) -> Contact:
    """What all these lines say of one person: of each thing what the earliest says that says anything."""
    columns = zip(*contacts, strict=True)
    firsts = (next((each for each in column if each not in (None, "")), column[0]) for column in columns)
    fields: dict[str, str] = {}
    for each in contacts:
        fields = {**each.fields, **fields}
    return Contact(*firsts)._replace(fields=fields)


async def test_a_preview_of_a_long_list_is_its_beginning_as_it_would_be_stored(
    audiences: Audiences, database: Database
) -> None:
    found = lines(
        *(Contact(f"user_{n}") for n in range(1, 81)),
        Contact(phone="+79001234567", first_name="Late"),
        Contact("user_1", "+79001234567", fields={"x": "1"}),  # lines 1 and 81 are the same person
        Contact("user_2", user_id=5),
        Contact("user_3", user_id=5),  # and lines 2 and 3
        *[DropReason.EMPTY] * 200,
    )
    preview = await audiences.preview("o", found, 1_000)
    assert await rows_of(database, "o") == dict.fromkeys(TABLES, 0)
    stored = await audiences.store("o", "list", found, NOW, 1_000)
    assert (preview.rows_read, preview.stored, preview.reasons) == (stored.rows_read, stored.stored, stored.reasons)
    rows = await people(database, "o", stored.id)
    assert list(preview.people) == [row[1] for row in rows[:PEOPLE_SHOWN]] == [1, 2, *range(4, 52)]
    assert preview.people[1] == Contact("user_1", "+79001234567", None, "Late", fields={"x": "1"})
    assert preview.dropped == await audiences.dropped("o", stored.id, 0, DROPPED_SHOWN)
    assert [each.line for each in preview.dropped[:5]] == [3, 81, 82, 83, 84]


async def test_an_audience_is_deleted_with_all_that_is_its_own(world: World) -> None:
    campaign = await world.campaign(3)
    [row] = await world.query("SELECT audience_id FROM campaign")
    other = await world.audiences.store(OWNER, "list", lines(Contact("anna"), DropReason.EMPTY), NOW, 10)
    assert await world.audiences.delete(OWNER, other.id) == []
    assert await world.audiences.delete(OWNER, row["audience_id"]) == [UUID(campaign)]
    for table in TABLES:
        assert await world.query(f"SELECT FROM {table}") == []
    turn = await world.turn(campaign)  # the campaign goes on with its copies
    await world.settle(turn, INVITED)
    for ask in (world.audiences.delete(OWNER, other.id), world.audiences.get(OWNER, other.id)):
        with pytest.raises(NotFound):
            await ask


async def test_nobody_deletes_anothers_audience(audiences: Audiences, database: Database) -> None:
    stored = await audiences.store("o", "list", lines(Contact("anna")), NOW, 100)
    with pytest.raises(NotFound):
        await audiences.delete("other", stored.id)
    assert (await rows_of(database, "o"))["audience_recipient"] == 1


async def test_a_campaign_being_made_of_it_keeps_an_audience_until_it_has_its_people(world: World) -> None:
    stored = await world.audiences.store(OWNER, "list", lines(*(Contact(f"user_{n}") for n in range(50))), NOW, 100)
    async with world.api.owner(OWNER) as tx:
        await tx.execute(text("SELECT FROM audience WHERE id = :id FOR KEY SHARE"), {"id": stored.id})
        deleting = asyncio.create_task(world.audiences.delete(OWNER, stored.id))
        await asyncio.wait([deleting], timeout=0.3)
        assert not deleting.done()
        assert await tx.scalar(text("SELECT count(*) FROM audience_recipient")) == 50
    await deleting


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
