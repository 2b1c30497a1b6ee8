"""Imports on the real PostgreSQL: nothing twice, nothing lost, whole or not at all."""

import asyncio

import pytest

from domain.audience import Contact, DropReason, FileError, FileLimits, ImportFault
from domain.errors import NotFound
from domain.parsed import ParsedPage
from storage.imports import Imports
from tests.storage.test_lanes import EVERY
from tests.storage.world import OWNER, World


def page(content: str, rows: int, cursor: str | None) -> ParsedPage:
    return ParsedPage(content, rows, "telegram", None, cursor)


async def begun(world: World) -> tuple[Imports, object]:
    imports = Imports(world.worker, FileLimits(cell=100))
    return imports, await Imports(world.api, FileLimits()).begin(OWNER, "x", "chat-1", None, world.now)


async def test_pages_are_cleaned_as_one_file_and_none_counts_twice(world: World) -> None:
    imports, audience = await begun(world)
    first = await imports.place(OWNER, audience)
    for _ in range(2):  # a try that does not know that an earlier one was through
        await imports.keep(OWNER, audience, first, page('["@anna", "?"]', 2, "c"))
    second = await imports.place(OWNER, audience)
    assert (second.cursor, second.number, second.rows_read) == ("c", 1, 2)
    await imports.keep(
        OWNER, audience, second, page('[{"username": "ANNA", "user_id": 5, "seen_by_account_id": "a"}]', 1, None)
    )
    assert (await imports.place(OWNER, audience)).fetched
    await imports.finish(OWNER, audience)
    stored = await world.audiences.get(OWNER, audience)
    assert (stored.rows_read, stored.stored) == (3, 1)
    assert stored.reasons == {DropReason.NOT_A_NAME: 1, DropReason.DUPLICATE: 1}
    [person] = await world.query("SELECT username, user_id, seen_by, line FROM audience_recipient")
    assert person == {"username": "anna", "user_id": 5, "seen_by": "a", "line": 1}
    assert [each.line for each in await world.audiences.dropped(OWNER, audience, 0, 9)] == [2, 3]
    assert await world.query("SELECT FROM audience_page") == []
    with pytest.raises(NotFound):
        await imports.finish(OWNER, audience)


async def test_two_that_finish_it_make_it_once(world: World) -> None:
    imports, audience = await begun(world)
    await imports.keep(OWNER, audience, await imports.place(OWNER, audience), page('["@anna"]', 1, None))
    done = await asyncio.gather(*(imports.finish(OWNER, audience) for _ in range(2)), return_exceptions=True)
    assert sorted(isinstance(each, NotFound) for each in done) == [False, True]
    assert len(await world.query("SELECT FROM audience_recipient")) == 1


async def test_a_broken_row_leaves_nothing_half_made(world: World) -> None:
    imports, audience = await begun(world)
    await imports.keep(OWNER, audience, await imports.place(OWNER, audience), page('["@anna"]', 1, "c"))
    await imports.keep(OWNER, audience, await imports.place(OWNER, audience), page(f'["{"x" * 200}"]', 1, None))
    with pytest.raises(FileError):
        await imports.finish(OWNER, audience)
    assert await world.query("SELECT FROM audience_recipient") == []
    await imports.fail(OWNER, audience, ImportFault.UNREADABLE)
    assert await world.query("SELECT FROM audience_page") == []


async def test_one_that_was_deleted_is_over(world: World) -> None:
    imports, audience = await begun(world)
    place = await imports.place(OWNER, audience)
    await world.audiences.delete(OWNER, audience)
    with pytest.raises(NotFound):
        await imports.keep(OWNER, audience, place, page('["@anna"]', 1, None))
    assert await world.query("SELECT FROM audience_page") == []


async def test_a_person_known_by_id_waits_for_the_account_that_has_seen_them(world: World) -> None:
    await world.campaign(
        [Contact(user_id=5, seen_by="a"), Contact(user_id=6), Contact("vera", seen_by="b")], reaches=EVERY
    )
    rows = await world.query("SELECT lane, bound_to, bound_hard FROM queue ORDER BY position")
    assert rows == [
        {"lane": "user_id", "bound_to": "a", "bound_hard": True},
        {"lane": "username", "bound_to": None, "bound_hard": False},
    ]


async def test_whoever_an_account_of_nobody_has_seen_does_not_keep_the_campaign_waiting(world: World) -> None:
    campaign = await world.campaign([Contact(user_id=5, seen_by="strange"), Contact("vera")], reaches=EVERY)
    await world.do("UPDATE campaign SET accounts_checked_at = %s", world.now)
    await world.runs.review(OWNER, campaign, None, world.now)
    rows = await world.query("SELECT outcome, reason FROM recipient ORDER BY position")
    assert rows == [{"outcome": "unreachable", "reason": "account_gone"}, {"outcome": None, "reason": None}]
